"""A data plane in memory: hosts that boot when told to, a network that remembers what it was given."""

import threading
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from sandbox.hosts.spec import HostSpec, HostState
from sandbox.topology import Topology


@dataclass
class FakePlane:
    """Hosts boot at once unless ``boots`` is cleared; the next call of a kind in ``broken`` fails."""

    topology: Topology = field(default_factory=Topology)
    hosts: dict[str, HostState] = field(default_factory=dict)
    specs: dict[str, HostSpec] = field(default_factory=dict)
    holders: dict[IPv4Address, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    boots: threading.Event = field(default_factory=threading.Event)
    tended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.boots.set()

    def _called(self, name: str, what: str = "") -> None:
        self.calls.append(f"{name} {what}".strip())
        if name in self.broken:
            raise RuntimeError(f"{name} is broken")

    def apply(self, topology: Topology) -> None:
        """Remember it."""
        self._called("apply")
        self.topology = topology

    def tend(self) -> None:
        """Nothing dies here by itself."""
        if "tend" in self.broken:
            self.broken.clear()
            raise RuntimeError("tend is broken")
        self.tended.set()

    def holder(self, vpc_id: str, address: IPv4Address) -> str | None:
        """Return whom the test set."""
        assert any(vpc.id == vpc_id for vpc in self.topology.vpcs)
        return self.holders.get(address)

    def create(self, spec: HostSpec) -> None:
        """Make a stopped host, or change its spec."""
        self._called("create", spec.instance_id)
        assert spec.instance_id in {port.instance_id for vpc in self.topology.vpcs for port in vpc.ports}
        self.specs[spec.instance_id] = spec
        self.hosts.setdefault(spec.instance_id, HostState.STOPPED)

    def start(self, instance_id: str) -> None:
        """Boot it when the test lets it."""
        self._called("start", instance_id)
        self.dead.discard(instance_id)
        self.hosts[instance_id] = HostState.STARTING
        assert self.boots.wait(10)
        self.hosts[instance_id] = HostState.RUNNING

    def stop(self, instance_id: str, *, force: bool) -> None:
        """Stop it."""
        self._called("stop", f"{instance_id} force={force}")
        self.hosts[instance_id] = HostState.STOPPED

    def reboot(self, instance_id: str, *, force: bool) -> None:
        """Restart it."""
        self._called("reboot", f"{instance_id} force={force}")
        self.hosts[instance_id] = HostState.RUNNING

    def delete(self, instance_id: str) -> None:
        """Remove it."""
        self._called("delete", instance_id)
        self.hosts.pop(instance_id, None)

    def died(self, instance_id: str) -> bool:
        """Whether the test says so."""
        return instance_id in self.dead

    def state(self, instance_id: str) -> HostState:
        """Return what it is."""
        return self.hosts.get(instance_id, HostState.ABSENT)
