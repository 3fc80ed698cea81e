"""Hosts of a stack anywhere, through SSH: only what SSH can do, and undo."""

import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, ClassVar

from typing_extensions import override

from drill.errors import DrillError
from drill.hosts.base import Host

BOOT_LIMIT_S = 300.0
HEALED_AFTER_S = 300
"""A service that was stopped or hung is started by its host, if nobody has healed it by then: no fault lasts longer."""
_HOOK = "type filter hook {} device $link priority -500; policy drop;"
# At the device: keepalived's gratuitous ARPs pass by what hooks into IP, and would call the VIP back.
_RULES = f"table netdev drill {{ chain in {{ {_HOOK.format('ingress')} }}; chain out {{ {_HOOK.format('egress')} }}; }}"
CHECKED = (
    "link=$(ip -oneline -4 address show to {address} | awk '{{ print $2; exit }}'); "
    f'rules="{_RULES.replace("{", "{{").replace("}", "}}")}"; echo "$rules" | nft --check -f -'
)
"""Whether the host takes the rules, before anything depends on them."""
_OPENED = "/run/drill-opened"
"""A file as old as the end of the last cut-off: whoever logs in finds that later, with two holders meanwhile."""
_OPEN = f"nft delete table netdev drill; touch {_OPENED}"


@dataclass(frozen=True)
class SshHost(Host):
    """A host that SSH reaches, as root or as a user with sudo that asks for no password."""

    destination: str
    """``USER@HOST``."""
    options: tuple[str, ...] = ()
    """More words for ssh(1): the key, a bastion."""
    ends_late: ClassVar[frozenset[str]] = frozenset({"cut_off"})
    boot_limit_s: ClassVar[float] = BOOT_LIMIT_S

    def _ssh(self, command: str, silence_s: int = 6) -> list[str]:
        alive = f"ServerAliveCountMax={silence_s // 2}"
        said = ("BatchMode=yes", "ConnectTimeout=5", "ServerAliveInterval=2", alive)
        words = [word for option in said for word in ("-o", option)]
        sudo = "" if self.destination.startswith("root@") else "sudo -n "
        return ["ssh", *words, *self.options, self.destination, f"{sudo}sh -c {shlex.quote(command)}"]

    @override
    def run(self, command: str, *, stdin: str | None = None, seconds: float = 20) -> str:
        try:
            done = subprocess.run(
                self._ssh(command),
                input=stdin or "",
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise DrillError(f"{self.name}: no answer through SSH within {seconds:.0f} s") from late
        if done.returncode:
            raise DrillError(f"{self.name}: `{command}`: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    @override
    def client(self, argv: Sequence[str], sink: IO[bytes]) -> subprocess.Popen[bytes]:
        # On a host that is cut off it lives on, and has more to tell afterwards.
        command = self._ssh(f"exec {shlex.join(argv)}", silence_s=HEALED_AFTER_S)
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.PIPE)

    @override
    def witness(self, argv: Sequence[str], sink: IO[bytes]) -> subprocess.Popen[bytes]:
        return self.client(argv, sink)

    @override
    def clock_offset(self) -> float:
        best: tuple[float, float] = (float("inf"), 0.0)
        for _ in range(5):
            before = time.time()
            there = float(self.run("date +%s.%N"))
            trip = time.time() - before
            best = min(best, (trip, there - (before + trip / 2)))
        return best[1]

    @override
    def lack(self, what: str) -> str:
        if what != "cut_off":
            return ""
        said = f"{CHECKED.format(address=self.address)} >/dev/null 2>&1 || echo no"
        return (
            "nft (package nftables) and a kernel (5.16) with its egress hook"
            if self.run(said).strip()
            else ""
        )

    @override
    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        with self._healed(service, f"systemctl stop {service}", f"systemctl start {service}"):
            yield

    @override
    @contextmanager
    def killed(self, service: str, *, stays_dead: bool = False) -> Iterator[None]:
        then = f"; systemctl stop {service}" if stays_dead else ""
        killing = f"systemctl kill --signal=KILL {service}{then}"
        with self._healed(service, killing, f"systemctl reset-failed {service}; systemctl start {service}"):
            yield

    @override
    @contextmanager
    def hung(self, service: str) -> Iterator[None]:
        going_on = f"systemctl kill --signal=CONT {service} || systemctl is-active {service}"
        with self._healed(service, f"systemctl kill --signal=STOP {service}", going_on):
            yield

    @contextmanager
    def _healed(self, service: str, breaking: str, healing: str) -> Iterator[None]:
        """Break a service and heal it; a timer on the host does if this program, or its way in, is gone by then."""
        unit = f"drill-heal-{service}"
        # A timer that an earlier drill left has this one's name.
        timer = (
            f"systemctl stop {unit}.timer 2>/dev/null; systemd-run --quiet --collect --unit={unit} "
            f"--on-active={HEALED_AFTER_S} sh -c {shlex.quote(healing)}"
        )
        try:
            self.run(f"{timer} && {{ {breaking}; }}")
            yield
        finally:
            self.run(f"{{ {healing}; }} && {{ systemctl stop {unit}.timer || true; }}")

    @override
    @contextmanager
    def rebooted(self) -> Iterator[None]:
        boot = "cat /proc/sys/kernel/random/boot_id"
        before = self.run(boot)
        self.run("systemctl reboot --no-block")
        yield
        deadline = time.monotonic() + BOOT_LIMIT_S
        while True:
            try:
                if self.run(boot) != before:
                    return
            except DrillError:
                pass
            if time.monotonic() > deadline:
                raise DrillError(
                    f"{self.name} is not back {BOOT_LIMIT_S:.0f} s after its reboot: look at its console"
                )
            time.sleep(1)

    @override
    @contextmanager
    def cut_off(self, seconds: float) -> Iterator[None]:
        script = f"sleep 0.5; printenv RULES | nft -f - && sleep {seconds:g}"
        # A unit of the host's own ends it, whatever becomes of this program; and of the unit, if that is ended early.
        # (A boot ends it too: nothing of it is kept.) While one is in force, its name forbids a second one.
        self.run(
            f"rm -f {_OPENED}; {CHECKED.format(address=self.address)} && "
            'systemd-run --quiet --collect --unit=drill-cut-off --setenv=RULES="$rules" '
            f"--property=RuntimeMaxSec={seconds + 10:g} --property=ExecStopPost='-/bin/sh -c \"{_OPEN}\"' "
            f"sh -c {shlex.quote(script)}"
        )
        began = time.monotonic()
        try:
            time.sleep(0.5)
            yield
        finally:
            time.sleep(max(0.0, seconds + 1 - (time.monotonic() - began)))
            self.run("true", seconds=60)

    @override
    def ended_at(self, what: str) -> float:
        return float(self.run(f"date -r {_OPENED} +%s.%N")) - self.clock_offset()
