"""Faults of whole hosts: the power, and the processors."""

from typing_extensions import override

from sandbox import cgroups, names
from sandbox.faults.fault import Fault
from sandbox.faults.network import CutOff
from sandbox.hosts.machine import Machines, wait_until
from sandbox.hosts.spec import HostState
from sandbox.settings import Settings

FREEZE_LIMIT_S = 10.0


class Killed(Fault):
    """The power is cut: no process ends in order, nobody is told, the disk stays. Healed, the host boots."""

    host: str

    @property
    @override
    def key(self) -> str:
        return f"killed {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        Machines(settings).stop(self.host, force=True)

    @override
    def heal(self, settings: Settings) -> None:
        machines = Machines(settings)
        if machines.state(self.host) is not HostState.ABSENT:
            machines.start(self.host)


class Rebooted(Fault):
    """The host is switched off and on at once. Nothing to heal but a boot that did not begin."""

    host: str
    force: bool = True
    """Whether the power is cut; else the host shuts down in order."""

    @property
    @override
    def key(self) -> str:
        return f"rebooted {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        Machines(settings).reboot(self.host, force=self.force)

    @override
    def heal(self, settings: Settings) -> None:
        Killed(host=self.host).heal(settings)


class Frozen(Fault):
    """No process of the host runs, and nothing reaches or leaves it; healed, it goes on where it was.

    Its processes alone would not do: here hosts share the machine's kernel, which goes on answering ARP and
    accepting connections for them. On a host whose hypervisor stalls nobody does.
    """

    host: str

    @property
    @override
    def key(self) -> str:
        return f"frozen {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        self._silence.inject(settings)
        group = names.cgroup(settings, self.host)
        cgroups.freeze(group)
        wait_until(lambda: cgroups.frozen(group), FREEZE_LIMIT_S, f"freezing {self.host}")

    @override
    def heal(self, settings: Settings) -> None:
        self._silence.heal(settings)
        cgroups.thaw(names.cgroup(settings, self.host))

    @property
    def _silence(self) -> CutOff:
        return CutOff(host=self.host, reason="frozen")
