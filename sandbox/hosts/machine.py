"""The life of hosts: made, booted, stopped, found again. Their processes alone say in what state they are."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sandbox import cgroups, names
from sandbox.errors import SandboxError
from sandbox.hosts import images, mirror, nic, seed
from sandbox.hosts.plan import LOCK, OFF, Plan
from sandbox.hosts.spec import HostSpec, HostState
from sandbox.progress import Report
from sandbox.settings import Settings
from sandbox.shell import CommandError, environment, run

POWER_OFF = signal.SIGRTMIN + 3
"""Asks systemd as init for an orderly power off [systemd(1)]."""

GRACE_S = 30.0
"""An orderly stop that takes longer is cut short, as the cloud does after its own (longer) bound."""

BOOT_LIMIT_S = 60.0
"""How long a boot is watched for its end; it takes seconds until init is up."""

TAIL_LINES = 12

CHECKOUT = Path(__file__).resolve().parents[2]


class Machines:
    """All hosts of one sandbox. Holds no state: any number of these objects, in any process, agree."""

    def __init__(self, settings: Settings, report: Report = lambda _: None) -> None:
        self.settings = settings
        self.report = report

    def create(self, spec: HostSpec) -> None:
        """Make a stopped host, or give an existing one a changed name, keys or user data for its next boot.

        Takes a minute when the image is not in the cache. Raises :class:`SandboxError` for an unknown image.
        """
        directory = self.settings.hosts / spec.instance_id
        namespace = names.host_namespace(self.settings, spec.instance_id)
        plan = Plan(
            spec=spec,
            directory=directory,
            image=images.ensure_image(spec.image_id, self.report),
            mirror=mirror.ensure_mirror(spec.image_id, self.report),
            namespace=namespace,
            cgroup=names.cgroup(self.settings, spec.instance_id),
            machine=namespace[:64],
        )
        if Plan.exists(directory):
            plan = replace(plan, image=Plan.load(directory).image)
        for path in (plan.root, plan.upper, plan.work):
            path.mkdir(parents=True, exist_ok=True)
        plan.upper.chmod(0o755)
        seed.write(spec, plan.upper)
        if not Plan.exists(directory):
            plan.off.touch()
        plan.save()

    def start(self, instance_id: str) -> None:
        """Begin to boot and return; :meth:`state` tells the rest. Nothing happens to a host that is up.

        Its network namespace must exist (:meth:`sandbox.network.Network.apply`).
        Raises :class:`SandboxError`.
        """
        plan = self._plan(instance_id)
        if cgroups.members(plan.cgroup):
            return
        if not (names.NETNS_DIRECTORY / plan.namespace).exists():
            raise SandboxError(
                f"{instance_id} has no network interface: apply the topology before starting it"
            )
        plan.off.unlink(missing_ok=True)
        cgroups.create(plan.cgroup, cgroups.Limits(memory=plan.spec.memory, cores=plan.spec.cores))
        command = [
            "unshare",
            "--mount",
            "--propagation",
            "slave",
            sys.executable,
            "-m",
            "sandbox.hosts.supervisor",
        ]
        with plan.log.open("ab") as log:
            process = subprocess.Popen(
                cgroups.inside(plan.cgroup, [*command, str(plan.directory)]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env=environment(),
                start_new_session=True,
            )
        # From then on the host counts as starting, whatever becomes of this process.
        wait_until(lambda: bool(cgroups.members(plan.cgroup)) or process.poll() is not None, 10, "supervisor")

    def watch_boot(self, instance_id: str) -> None:
        """Return when the host's init is up, when somebody stops it, or after a minute of neither.

        Raises :class:`SandboxError` with its last words as soon as its processes end by themselves.
        """
        plan = self._plan(instance_id)
        deadline = time.monotonic() + BOOT_LIMIT_S
        while self.state(instance_id) is HostState.STARTING and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.state(instance_id) is HostState.STOPPED and not plan.off.exists():
            said = "\n".join(line for file in (plan.console, plan.log) for line in _tail(file))
            raise SandboxError(f"the host ended while it booted; its last words:\n{said}")

    def stop(self, instance_id: str, force: bool = False) -> None:
        """Power off and return when no process is left: at once with ``force``, else within ``GRACE_S``."""
        plan = self._plan(instance_id)
        plan.off.touch()
        try:
            if not force and (init := init_of(plan.cgroup)):
                os.kill(init, POWER_OFF)
                with suppress(TimeoutError):
                    wait_until(lambda: not cgroups.members(plan.cgroup), GRACE_S, "power off")
            self._cut_power(plan)
        finally:
            # Else it stays until the next start: who watches a boot can tell that it was stopped.
            if cgroups.members(plan.cgroup):
                plan.off.unlink(missing_ok=True)

    def reboot(self, instance_id: str, force: bool = False) -> None:
        """Stop and start; the disk stays, everything in memory and on the interface goes."""
        self.stop(instance_id, force)
        self.start(instance_id)

    def delete(self, instance_id: str) -> None:
        """Cut the power and remove the disk. A host that is not there is fine."""
        directory = self.settings.hosts / instance_id
        if Plan.exists(directory):
            self._cut_power(Plan.load(directory))
        shutil.rmtree(directory, ignore_errors=True)

    def state(self, instance_id: str) -> HostState:
        """Say what the processes of the host say. Running: its init is up (sshd answers seconds later)."""
        directory = self.settings.hosts / instance_id
        if not Plan.exists(directory):
            return HostState.ABSENT
        plan = Plan.load(directory)
        if not cgroups.members(plan.cgroup):
            return HostState.STOPPED
        init = init_of(plan.cgroup)
        if plan.off.exists() or (init and _name(init).startswith("systemd-shutdow")):
            return HostState.STOPPING
        return HostState.RUNNING if init and _name(init) == "systemd" else HostState.STARTING

    def died(self, instance_id: str) -> bool:
        """Whether the host's processes are gone though nobody switched it off: killed, or lost with the machine."""
        directory = self.settings.hosts / instance_id
        # Asked every few seconds: first what is cheap.
        if (directory / OFF).exists() or _held(directory / LOCK) or not Plan.exists(directory):
            return False
        return not cgroups.members(Plan.load(directory).cgroup)

    def list(self) -> tuple[str, ...]:
        """Return the instance ids of all hosts made and not deleted."""
        return tuple(sorted(plan.parent.name for plan in self.settings.hosts.glob("*/plan.json")))

    def names(self) -> dict[str, str]:
        """Return the name of every host by its instance id."""
        return {one: self._plan(one).spec.hostname for one in self.list()}

    def console(self, instance_id: str) -> Path:
        """Return the file with what the host printed on its console, over all its boots."""
        return self._plan(instance_id).console

    def journal(self, instance_id: str, lines: int = 500) -> str:
        """Return the end of the host's journal, read from its disk: it may be off, or hang."""
        return run([*self.journal_command(instance_id), "-n", str(lines)])

    def journal_command(
        self, instance_id: str, *, follow: bool = False, as_json: bool = False
    ) -> tuple[str, ...]:
        """Return the command that prints the host's journal."""
        logs = self._plan(instance_id).upper / "var/log/journal"
        form = "json" if as_json else "short-precise"
        command = ("journalctl", "-D", str(logs), "-o", form, "--no-pager")
        return (*command, "--follow") if follow else command

    def run(
        self, instance_id: str, argv: Sequence[str], *, stdin: str | None = None, seconds: float = 60
    ) -> str:
        """Run a program inside the host, past its network. Raises :class:`CommandError` when it fails."""
        init = init_of(self._plan(instance_id).cgroup)
        if init is None:
            raise SandboxError(f"{instance_id} is {self.state(instance_id).value}: start it first")
        return run(["nsenter", "--target", str(init), "--all", "--", *argv], stdin=stdin, seconds=seconds)

    def _plan(self, instance_id: str) -> Plan:
        directory = self.settings.hosts / instance_id
        if not Plan.exists(directory):
            raise SandboxError(f"{instance_id}: no such host; there are: {', '.join(self.list()) or 'none'}")
        return Plan.load(directory)

    def _cut_power(self, plan: Plan) -> None:
        with suppress(CommandError):  # the namespace may be gone already
            nic.cut(plan.namespace)
        cgroups.remove(plan.cgroup)
        with suppress(CommandError):
            nic.forget(plan.namespace)


def init_of(cgroup: str) -> int | None:
    """Return the process that is number 1 in a host, as this machine counts."""
    for pid in sorted(cgroups.members(cgroup)):
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
            if len(numbers) > 1 and numbers[-1] == "1":
                return pid
    return None


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll ``condition`` until it holds. Raises :class:`TimeoutError` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def _tail(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-TAIL_LINES:] if log.exists() else []


def _held(lock: Path) -> bool:
    """Whether a process has the lock."""
    with suppress(FileNotFoundError), lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
