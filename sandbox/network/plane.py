"""Bringing the machine to a topology, and asking it what it really holds."""

from ipaddress import IPv4Address

from sandbox.names import HOST_LINK, host_namespace, port_link, vpc_namespace
from sandbox.network import firewall, namespaces
from sandbox.network.eips import Forwarders
from sandbox.progress import Report
from sandbox.settings import Settings
from sandbox.shell import CommandError, run
from sandbox.topology import Port, Topology, Vpc


class Network:
    """The data plane's network of one sandbox. Calls that change it must not overlap."""

    def __init__(self, settings: Settings, report: Report = lambda _: None) -> None:
        self.settings = settings
        self._forwarders = Forwarders(settings, report)
        self._ports: dict[str, Port] = {}

    def apply(self, topology: Topology) -> None:
        """Make the machine's namespaces, links, filters and EIPs those of ``topology`` and remove all others.

        Hosts keep running; a host's interface keeps its addresses. Raises :class:`SandboxError`.
        """
        self._ports = {port.instance_id: port for vpc in topology.vpcs for port in vpc.ports}
        for vpc in topology.vpcs:
            self._apply_vpc(vpc)
        wanted = {vpc_namespace(self.settings, vpc.id) for vpc in topology.vpcs}
        wanted |= {host_namespace(self.settings, instance) for instance in self._ports}
        self._forwarders.apply(topology)
        for namespace in namespaces.existing(self.settings.prefix) - wanted:
            namespaces.remove(namespace)

    def tend(self) -> None:
        """Mend what died by itself since the last :meth:`apply`, which it must not overlap with."""
        self._forwarders.tend()

    def holder(self, vpc_id: str, address: IPv4Address) -> str | None:
        """Return the instance that has ``address`` on its interface and may answer for it, if any has.

        Of several (while a HaVip moves, or when both think they are master) it is the one last heard by ARP.
        """
        vpc = vpc_namespace(self.settings, vpc_id)
        if vpc not in namespaces.existing(self.settings.prefix):
            return None
        holders = [instance for instance in namespaces.ports(vpc).values() if self._has(instance, address)]
        if len(holders) > 1:
            heard = namespaces.neighbour(vpc, address)
            holders.sort(key=lambda instance: self._ports[instance].mac != heard)
        return holders[0] if holders else None

    def _apply_vpc(self, vpc: Vpc) -> None:
        namespace = vpc_namespace(self.settings, vpc.id)
        namespaces.make_vpc(namespace)
        namespaces.set_gateways(namespace, vpc.vswitches)
        # The filter comes before the ports: nobody is on the network unguarded for a moment.
        run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], stdin=firewall.ruleset(vpc))
        plugged = namespaces.ports(namespace)
        wanted = {port_link(port.instance_id): port for port in vpc.ports}
        for link, instance in plugged.items():
            if link not in wanted:
                namespaces.unplug(namespace, host_namespace(self.settings, instance), link)
        for link, port in wanted.items():
            if link not in plugged:
                namespaces.plug(namespace, host_namespace(self.settings, port.instance_id), port)

    def _has(self, instance_id: str, address: IPv4Address) -> bool:
        port = self._ports.get(instance_id)
        if port is None or address not in (port.address, *port.ha_vips):
            return False
        try:
            held = namespaces.addresses(host_namespace(self.settings, instance_id), HOST_LINK)
        except CommandError:  # removed while we look
            return False
        return address in {interface.ip for interface in held}
