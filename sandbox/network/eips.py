"""EIPs: loopback addresses forwarded into a VPC by HAProxy, one process an EIP.

HAProxy listens on the machine's loopback and opens the connection to the target inside the VPC's network
namespace (``server ... namespace``), so no address or route of a VPC exists outside it. Changing one
EIP touches no stream of another.

Unlike the cloud: a port no security group opens is refused instead of silent, a connection to a target that
does not answer is accepted first and closed then, and only TCP is forwarded.
"""

import socket
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from pathlib import Path

from sandbox import cgroups
from sandbox.hosts import images, mirror
from sandbox.names import cgroup, vpc_namespace
from sandbox.network import detours, firewall
from sandbox.network.namespaces import OUTSIDE
from sandbox.progress import Report
from sandbox.settings import Settings
from sandbox.shell import run
from sandbox.topology import Eip, Rule, Topology, Vpc

WIDEST = 256
"""A rule for more ports than this opens only those of ``USUAL`` that lie in it: each port is a socket."""

USUAL = (22, 80, 443, 2379, 6443, 8080, 8443, 9000, 16443, 33305)
"""Forwarded when a rule opens everything."""

MEMBER = "eip-"

CONFIGURATION = """\
# target {target} {namespace}
global
    stats socket {socket} mode 600 level admin expose-fd listeners

defaults
    mode tcp
    retries 0
    timeout connect 60s
    timeout client 24h
    timeout server 24h
    timeout client-fin 30s

"""

LISTENER = """
listen eip-{port}
    bind {binds}
    server target {target} namespace {namespace}
"""


def open_ports(vpc: Vpc, target: IPv4Address) -> tuple[int, ...]:
    """Return the TCP ports some rule opens from outside for ``target``: an instance's address or a HaVip."""
    reached = [port for port in vpc.ports if target in (port.address, *port.ha_vips)]
    rules = [rule for port in reached for rule in firewall.merged(port, vpc, "ingress")]
    return tuple(sorted({number for rule in rules if _from_outside(rule) for number in _numbers(rule)}))


def configuration(
    eip: Eip, ports: Iterable[int], namespace: str, socket: Path, around: Mapping[int, int] | None = None
) -> str:
    """Render HAProxy's configuration for one EIP; ``around`` holds ports to listen on instead.

    A server without a port is connected to on the port the client came to.
    """
    around = around or {}
    straight = [number for number in ports if number not in around]
    listeners = (
        [("all", ",".join(f"{eip.address}:{number}" for number in straight), str(eip.target))]
        if straight
        else []
    )
    for number, other in around.items():
        listeners.append((str(number), f"{eip.address}:{other}", f"{eip.target}:{number}"))
    text = CONFIGURATION.format(target=eip.target, namespace=namespace, socket=socket)
    return text + "".join(
        LISTENER.format(port=port, binds=binds, target=target, namespace=namespace)
        for port, binds, target in listeners
    )


class Forwarders:
    """The EIPs of one sandbox; their processes are detached and found again by their cgroup."""

    def __init__(self, settings: Settings, report: Report = lambda _: None) -> None:
        self.settings = settings
        self.report = report
        self.directory = settings.directory / "eips"

    def apply(self, topology: Topology) -> None:
        """Forward the EIPs of ``topology`` and no others. Open streams of an EIP end only with its target."""
        vpcs = {vpc.id: vpc for vpc in topology.vpcs}
        taken = detours.taken_everywhere()
        wanted: dict[str, str] = {}
        led: dict[tuple[IPv4Address, int], int] = {}
        for eip in topology.eips:
            address, ports = str(eip.address), open_ports(vpcs[eip.vpc_id], eip.target)
            around = detours.around(ports, taken)
            led |= {(eip.address, port): other for port, other in around.items()}
            if ports:
                namespace = vpc_namespace(self.settings, eip.vpc_id)
                wanted[address] = configuration(eip, ports, namespace, self._socket(address), around)
        present = {
            name.removeprefix(MEMBER)
            for name in cgroups.children(self.settings.prefix)
            if name.startswith(MEMBER)
        }
        for address in sorted(present - set(wanted)):
            self._end(address)
        for address, text in wanted.items():
            self._bring(address, text)
        if led or detours.exists(self.settings.prefix):
            detours.lead(self.settings.prefix, led)

    def tend(self) -> None:
        """Start forwarders anew that have died since. Must not overlap with :meth:`apply`."""
        for file in sorted(self.directory.glob("*.cfg")):
            # Asked every few seconds: first what is cheap.
            if _listens(self._socket(file.stem)):
                continue
            if not cgroups.members(cgroup(self.settings, MEMBER + file.stem)):
                self.report(f"the forwarder of EIP {file.stem} died; it is started anew")
                self._bring(file.stem, file.read_text())

    def _bring(self, address: str, text: str) -> None:
        file = self.directory / f"{address}.cfg"
        before = file.read_text() if file.exists() else ""
        members = cgroups.members(cgroup(self.settings, MEMBER + address))
        if text == before and members:
            return
        if members and _way(before) != _way(text):
            self._end(address)
            members = set()
        self.directory.mkdir(parents=True, exist_ok=True)
        cgroups.create(cgroup(self.settings, MEMBER + address))
        haproxy = mirror.ensure_tools(images.DEFAULT.id, self.report) / "haproxy"
        partial = file.with_suffix(".partial")
        partial.write_text(text)
        command = [str(haproxy), "-D", "-f", str(partial)]
        if members:
            # The new process takes the listening sockets over; the old one ends with its last stream.
            command += ["-x", str(self._socket(address)), "-sf", *map(str, sorted(members))]
        run(cgroups.inside(cgroup(self.settings, MEMBER + address), command))
        partial.rename(file)

    def _end(self, address: str) -> None:
        cgroups.remove(cgroup(self.settings, MEMBER + address))
        (self.directory / f"{address}.cfg").unlink(missing_ok=True)
        self._socket(address).unlink(missing_ok=True)

    def _socket(self, address: str) -> Path:
        return self.directory / f"{address}.sock"


def _listens(address: Path) -> bool:
    """Whether a process listens on a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(address))
        except OSError:
            return False
    return True


def _way(text: str) -> list[str]:
    """Return what says where streams go; only ports may change under open streams."""
    return [line for line in text.splitlines() if line.startswith("# target ")]


def _from_outside(rule: Rule) -> bool:
    inside = not isinstance(rule.peer, str) and OUTSIDE in rule.peer
    return inside and rule.policy == "accept" and rule.protocol in ("tcp", "all")


def _numbers(rule: Rule) -> Iterable[int]:
    first, last = (1, 65535) if rule.ports == firewall.ALL_PORTS else map(int, rule.ports.split("/"))
    if last - first < WIDEST:
        return range(first, last + 1)
    return [number for number in USUAL if first <= number <= last]
