"""What the cloud asks of the machine below it: hosts, a network, and the truth about both."""

from ipaddress import IPv4Address
from typing import Protocol

from sandbox.hosts.spec import HostSpec, HostState
from sandbox.topology import Topology

__all__ = ["DataPlane", "HostSpec", "HostState"]


class DataPlane(Protocol):
    """The machine. Work at hosts takes as long as it takes; the cloud does it off the API's path."""

    def apply(self, topology: Topology) -> None:
        """Bring the network to ``topology``, whatever it was before."""

    def tend(self) -> None:
        """Mend what died by itself and is nobody's to start but ours."""

    def holder(self, vpc_id: str, address: IPv4Address) -> str | None:
        """Return the instance that has ``address`` on its interface now, or None."""

    def create(self, spec: HostSpec) -> None:
        """Make a stopped host, or give an existing one what it is to have from its next boot."""

    def start(self, instance_id: str) -> None:
        """Boot it, and raise if it ends while it boots."""

    def stop(self, instance_id: str, *, force: bool) -> None:
        """Shut it down; ``force`` cuts the power."""

    def reboot(self, instance_id: str, *, force: bool) -> None:
        """Stop and start it."""

    def delete(self, instance_id: str) -> None:
        """Remove it with its disk; nothing to do where it is absent."""

    def died(self, instance_id: str) -> bool:
        """Return whether the host is off though nobody switched it off, itself included."""

    def state(self, instance_id: str) -> HostState:
        """Return what the host is doing, looked up and never remembered."""
