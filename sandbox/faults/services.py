"""Faults of one program on a host: a service killed, stopped or hung, the package manager's lock held."""

import time

from typing_extensions import override

from sandbox.errors import SandboxError
from sandbox.faults.fault import Fault
from sandbox.hosts.machine import Machines, wait_until
from sandbox.hosts.spec import HostState
from sandbox.settings import Settings
from sandbox.shell import CommandError

BOOT_LIMIT_S = 60.0
HEAL_LIMIT_S = 20.0
"""How long systemd has to do what heals a service; it may be in the middle of a boot."""

LOCK_UNIT = "fault-package-lock"
LOCK_FILES = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")

# Locks of fcntl(2), as apt's and dpkg's are; those of flock(1) would stop nobody.
_HOLD = """\
import fcntl, subprocess, sys, time
files = [open(name, "a") for name in sys.argv[1:]]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
subprocess.run(["systemd-notify", "--ready"], check=True)
time.sleep(10**9)
"""


class ServiceKilled(Fault):
    """Every process of a service gets SIGKILL once; systemd may start it again. Healed, it runs."""

    host: str
    service: str

    @property
    @override
    def key(self) -> str:
        return f"killed-service {self.host} {self.service}"

    @override
    def inject(self, settings: Settings) -> None:
        known(settings, self.host, self.service)
        systemctl(settings, self.host, "kill", "--kill-whom=all", "--signal=SIGKILL", self.service)

    @override
    def heal(self, settings: Settings) -> None:
        # A service that died too often is not started any more before that is forgotten.
        on_running_host(settings, self.host, "reset-failed", self.service)
        on_running_host(settings, self.host, "start", self.service)


class ServiceStopped(Fault):
    """A service is stopped in order, as by ``systemctl stop``. Healed, it is started."""

    host: str
    service: str

    @property
    @override
    def key(self) -> str:
        return f"stopped-service {self.host} {self.service}"

    @override
    def inject(self, settings: Settings) -> None:
        known(settings, self.host, self.service)
        systemctl(settings, self.host, "stop", self.service)

    @override
    def heal(self, settings: Settings) -> None:
        on_running_host(settings, self.host, "start", self.service)


class ServiceHung(Fault):
    """Every process of a service gets SIGSTOP: its ports accept, and nothing answers. Healed, it goes on."""

    host: str
    service: str

    @property
    @override
    def key(self) -> str:
        return f"hung-service {self.host} {self.service}"

    @override
    def inject(self, settings: Settings) -> None:
        known(settings, self.host, self.service)
        systemctl(settings, self.host, "kill", "--kill-whom=all", "--signal=SIGSTOP", self.service)

    @override
    def heal(self, settings: Settings) -> None:
        if _property(settings, self.host, "ActiveState", self.service) != "inactive":
            on_running_host(settings, self.host, "kill", "--kill-whom=all", "--signal=SIGCONT", self.service)


class PackageLock(Fault):
    """Another package manager is at work: dpkg's locks are held by a process of the host. A reboot ends it."""

    host: str

    @property
    @override
    def key(self) -> str:
        return f"package-lock {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        # A service of the host's own systemd: it goes with the host, and is found by its name. `--wait` would
        # wait for its end; Type=notify waits until it has the locks.
        unit = ["systemd-run", "--quiet", "--collect", f"--unit={LOCK_UNIT}"]
        unit += ["--property=Type=notify", "--property=NotifyAccess=all", "--property=TimeoutStartSec=30"]
        command = [*unit, "python3", "-c", _HOLD, *LOCK_FILES]
        Machines(settings).run(self.host, command, seconds=40)

    @override
    def heal(self, settings: Settings) -> None:
        if _property(settings, self.host, "LoadState", LOCK_UNIT) == "loaded":
            on_running_host(settings, self.host, "stop", LOCK_UNIT)


def known(settings: Settings, host: str, service: str) -> None:
    """Raise :class:`SandboxError` unless a host has that service."""
    if service.startswith("-") or _property(settings, host, "LoadState", service) in ("not-found", ""):
        raise SandboxError(
            f"service {service!r}: {host} has none of that name; see: systemctl list-units there"
        )


def systemctl(settings: Settings, host: str, *words: str) -> str:
    """Run systemctl in a host, past its network. Raises :class:`SandboxError`."""
    return Machines(settings).run(host, ["systemctl", *words])


def on_running_host(settings: Settings, host: str, *words: str) -> None:
    """Run systemctl in a host if it is on; one that is booting is waited for.

    Raises :class:`SandboxError` or :class:`TimeoutError`.
    """
    if not is_on(settings, host):
        return
    deadline = time.monotonic() + HEAL_LIMIT_S
    while True:
        try:
            systemctl(settings, host, *words)
        except CommandError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def is_on(settings: Settings, host: str) -> bool:
    """Whether a host runs. Of one that is off nothing is left to heal: it boots with what is enabled."""
    machines = Machines(settings)
    off = (HostState.ABSENT, HostState.STOPPED, HostState.STOPPING)
    wait_until(lambda: machines.state(host) is not HostState.STARTING, BOOT_LIMIT_S, f"boot of {host}")
    return machines.state(host) not in off


def _property(settings: Settings, host: str, name: str, unit: str) -> str:
    """Return a property of a unit; of one that systemd does not know, or of a host that is off, an empty text."""
    if not is_on(settings, host):
        return ""
    try:
        return systemctl(settings, host, "show", "--property", name, "--value", "--", unit).strip()
    except CommandError:
        return ""
