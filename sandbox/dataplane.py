"""The machine as the cloud's data plane: hosts and network of one sandbox behind one face."""

from ipaddress import IPv4Address

from sandbox.hosts.machine import Machines
from sandbox.hosts.spec import HostSpec, HostState
from sandbox.network import Network
from sandbox.progress import Report
from sandbox.settings import Settings
from sandbox.topology import Topology


class LocalDataPlane:
    """Joins :class:`Machines` and :class:`Network`; satisfies :class:`sandbox.cloud.dataplane.DataPlane`."""

    def __init__(self, settings: Settings, report: Report) -> None:
        self._machines = Machines(settings, report)
        self._network = Network(settings, report)

    def apply(self, topology: Topology) -> None:
        """Bring the network to ``topology``."""
        self._network.apply(topology)

    def tend(self) -> None:
        """Mend what died by itself."""
        self._network.tend()

    def holder(self, vpc_id: str, address: IPv4Address) -> str | None:
        """Return the instance that has ``address`` on its interface now."""
        return self._network.holder(vpc_id, address)

    def create(self, spec: HostSpec) -> None:
        """Make a stopped host, or change what it has from its next boot."""
        self._machines.create(spec)

    def start(self, instance_id: str) -> None:
        """Boot it until its init is up; raise with its last words if it ends before."""
        self._machines.start(instance_id)
        self._machines.watch_boot(instance_id)

    def stop(self, instance_id: str, *, force: bool) -> None:
        """Shut it down."""
        self._machines.stop(instance_id, force)

    def reboot(self, instance_id: str, *, force: bool) -> None:
        """Stop and start it, as :meth:`start` does."""
        self._machines.reboot(instance_id, force)
        self._machines.watch_boot(instance_id)

    def delete(self, instance_id: str) -> None:
        """Remove it."""
        self._machines.delete(instance_id)

    def died(self, instance_id: str) -> bool:
        """Return whether its processes are gone though nobody switched it off."""
        return self._machines.died(instance_id)

    def state(self, instance_id: str) -> HostState:
        """Return what its processes say."""
        return self._machines.state(instance_id)
