"""What is done to hosts through SSH ends by itself, whatever becomes of the drill."""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from drill.cli import PATIENCE_S
from drill.errors import DrillError
from drill.faults import CATALOGUE, demanded
from drill.hosts import Apiserver, SshHost, ssh
from drill.stack import Stack

pytestmark = pytest.mark.unit
HOST = SshHost("m1", "10.0.0.1", "root@m1")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the host is told."""
    found: list[str] = []
    monkeypatch.setattr(time, "sleep", lambda _: None)

    def run(_host: SshHost, command: str, **_: object) -> str:
        found.append(command)
        return ""

    monkeypatch.setattr(SshHost, "run", run)
    return found


SERVICES: list[tuple[Callable[[], AbstractContextManager[None]], str, str]] = [
    (lambda: HOST.stopped("haproxy"), "systemctl stop haproxy", "systemctl start haproxy"),
    (
        lambda: HOST.killed("haproxy", stays_dead=True),
        "systemctl kill --signal=KILL haproxy; systemctl stop haproxy",
        "systemctl reset-failed haproxy; systemctl start haproxy",
    ),
    (
        lambda: HOST.hung("haproxy"),
        "systemctl kill --signal=STOP haproxy",
        "systemctl kill --signal=CONT haproxy || systemctl is-active haproxy",
    ),
]


@pytest.mark.parametrize(("fault", "breaking", "healing"), SERVICES)
def test_the_host_itself_heals_a_service_if_nobody_does(
    said: list[str], fault: Callable[[], AbstractContextManager[None]], breaking: str, healing: str
) -> None:
    with pytest.raises(KeyboardInterrupt), fault():
        raise KeyboardInterrupt
    broken, healed = said
    timer, _, then = broken.partition(" && ")
    # First the timer: nothing is broken without one.
    assert timer.endswith(f"--on-active={ssh.HEALED_AFTER_S} sh -c {shlex.quote(healing)}")
    assert then == f"{{ {breaking}; }}"
    assert healed.startswith(f"{{ {healing}; }} && ")
    assert "systemctl stop drill-heal-haproxy.timer" in healed


def test_no_timer_ends_a_fault_that_is_still_measured() -> None:
    held = max(fault.hold_s + fault.whole_limit_s for fault in CATALOGUE.values() if not fault.sandbox_only)
    assert held + PATIENCE_S < ssh.HEALED_AFTER_S


def test_a_host_that_is_cut_off_lets_packets_in_again_by_itself(said: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt), HOST.cut_off(14.5):
        raise KeyboardInterrupt
    cut, back = said
    checked, _, unit = cut.partition(" && ")
    assert "nft --check" in checked  # rules that it would not take would measure nothing
    words = shlex.split(unit)
    assert words[0] == "systemd-run"
    assert "--unit=drill-cut-off" in words
    [after] = [word for word in words if "ExecStopPost" in word]
    assert "nft delete table netdev drill; touch /run/drill-opened" in after
    assert checked.startswith("rm -f /run/drill-opened; ")  # that of an earlier one
    assert "--property=RuntimeMaxSec=24.5" in words
    assert words[-1].endswith("nft -f - && sleep 14.5")
    assert back == "true"


def test_a_host_tells_when_a_cut_off_ended_by_its_own_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ahead_s, opened = 100.0, tmp_path / "drill-opened"
    opened.touch()
    os.utime(opened, (1000.25 + ahead_s,) * 2)
    monkeypatch.setattr(ssh, "_OPENED", str(opened))
    monkeypatch.setattr(SshHost, "clock_offset", lambda _: ahead_s)
    monkeypatch.setattr(SshHost, "_ssh", lambda _host, command: ["sh", "-c", command])
    assert HOST.ended_at("cut_off") == pytest.approx(1000.25)
    opened.unlink()
    with pytest.raises(DrillError, match="drill-opened"):
        HOST.ended_at("cut_off")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="only root may ask the kernel")
def test_the_kernel_takes_the_rules() -> None:
    asked = ssh.CHECKED.format(address="127.0.0.1") + ' && echo "$rules"'
    done = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ingress device lo" in done.stdout
    assert "egress device lo" in done.stdout


@pytest.mark.parametrize(("answer", "fits"), [("", True), ("no\n", False)])
def test_where_rules_are_refused_nothing_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, answer: str, fits: bool
) -> None:
    monkeypatch.setattr(SshHost, "run", lambda *_, **__: answer)
    hosts = tuple(SshHost(f"m{n}", f"10.0.0.{n}", f"root@m{n}", apiserver=Apiserver()) for n in (1, 2, 3))
    stack = Stack("standard", "10.0.0.10", 16443, {}, hosts, hosts[:2], None)
    outcome = nullcontext() if fits else pytest.raises(DrillError, match="m1 has no nft")
    with outcome:
        demanded(["holder-cut-off", "apiserver-cut-off"], stack)
    demanded(["holder-rebooted"], stack)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (HOST.off, "m1 cannot be switched off: this fault needs the sandbox"),
        (HOST.frozen, "m1 cannot be frozen: this fault needs the sandbox"),
        (
            lambda: HOST.partitioned(SshHost("m2", "10.0.0.2", "root@m2")),
            "m1 cannot be parted from m2: this fault needs the sandbox",
        ),
    ],
)
def test_what_ssh_cannot_do_is_refused_in_words(fault: Callable[[], object], words: str) -> None:
    with pytest.raises(DrillError, match=f"^{words}$"):
        fault()


def test_a_host_that_cannot_be_cut_off_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_host: SshHost, command: str, **_: object) -> str:
        raise DrillError(command)

    monkeypatch.setattr(SshHost, "run", refuse)
    with pytest.raises(DrillError), HOST.cut_off(14.5):
        raise AssertionError("not to be reached")
