"""A data plane without machines: instances are what the API was told; nothing boots, answers or has an address."""

from ipaddress import IPv4Address

from sandbox.hosts.spec import HostSpec, HostState
from sandbox.settings import Settings
from sandbox.topology import Topology


class HostlessDataPlane:
    """Switches that nothing is behind; satisfies :class:`sandbox.cloud.dataplane.DataPlane`.

    A switch is a file, so that a server that starts anew finds every instance as it was.
    """

    def __init__(self, settings: Settings) -> None:
        self._switches = settings.directory / "switches"

    def apply(self, topology: Topology) -> None:
        """Make no network."""

    def tend(self) -> None:
        """Mend nothing: nothing here dies by itself."""

    def holder(self, vpc_id: str, address: IPv4Address) -> str | None:  # noqa: ARG002 - nobody, of any
        """Return None: nobody is there to have an address."""
        return None

    def create(self, spec: HostSpec) -> None:
        """Put a switch there, off; one that is there stays as it is."""
        if self.state(spec.instance_id) is HostState.ABSENT:
            self._turn(spec.instance_id, HostState.STOPPED)

    def start(self, instance_id: str) -> None:
        """Turn it on; user data, though accepted, is run by nobody."""
        self._turn(instance_id, HostState.RUNNING)

    def stop(self, instance_id: str, *, force: bool) -> None:  # noqa: ARG002 - either way at once
        """Turn it off."""
        self._turn(instance_id, HostState.STOPPED)

    def reboot(self, instance_id: str, *, force: bool) -> None:  # noqa: ARG002 - either way at once
        """Turn it off and on."""
        self._turn(instance_id, HostState.RUNNING)

    def delete(self, instance_id: str) -> None:
        """Remove it."""
        (self._switches / instance_id).unlink(missing_ok=True)

    def died(self, instance_id: str) -> bool:  # noqa: ARG002 - none does
        """Return False: only the API turns a switch."""
        return False

    def state(self, instance_id: str) -> HostState:
        """Return what the switch says."""
        try:
            return HostState((self._switches / instance_id).read_text())
        except FileNotFoundError:
            return HostState.ABSENT

    def _turn(self, instance_id: str, state: HostState) -> None:
        # In one step: whoever reads it meanwhile sees it as it was or as it is.
        self._switches.mkdir(exist_ok=True)
        draft = self._switches / f".{instance_id}"
        draft.write_text(state.value)
        draft.replace(self._switches / instance_id)
