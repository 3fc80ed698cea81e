"""The packet filter of one VPC, as text for ``nft -f``: a pure function of the topology.

Three things Alibaba Cloud does to every packet of an instance are done here, at its port on the bridge:

* Nothing is believed: source MAC, source address and ARP sender must be the instance's own, or a HaVip it is
  attached to. Multicast and broadcast go nowhere, nor does anything but ARP and IPv4
  [help.aliyun.com "HaVip"].
* Security groups judge it, at the sender's port (egress) and at the receiver's (ingress): rules of all groups
  together by priority, drop before accept at the same one, then the members' access to each other, then the
  default of a basic group: everything out, nothing in [help.aliyun.com "Security group rules"].
* Answers pass: the filter is stateful. The bridge family knows no connections here, so bridged packets visit
  the ip family (``bridge-nf-call-iptables``), where established ones get a mark the bridge's chains look at.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from sandbox.names import port_link
from sandbox.topology import Port, Rule, SecurityGroup, Vpc

TABLE = "vpc"
ESTABLISHED = "0x1"
ALL_PORTS = "-1/-1"
ANYWHERE = IPv4Network("0.0.0.0/0")


def ruleset(vpc: Vpc) -> str:
    """Render the whole filter of a VPC; loading it replaces the one before in one transaction."""
    lines = [
        line
        for family in ("ip", "bridge")
        for line in (f"table {family} {TABLE}", f"delete table {family} {TABLE}")
    ]
    lines += _connection_marks()
    lines += [f"table bridge {TABLE} {{"]
    for group in vpc.security_groups:
        lines += _block(f"set {_members(group.id)}", _member_set(group, vpc))
    for port in vpc.ports:
        link = port_link(port.instance_id)
        lines += _block(f"chain own_{link}", own(port))
        lines += _block(f"chain mine_{link}", _meant_for(port))
        lines += _block(f"chain egress_{link}", egress(port, vpc))
        lines += _block(f"chain ingress_{link}", ingress(port, vpc))
    for name, rules in _base_chains(vpc):
        lines += _block(f"chain {name}", rules)
    return "\n".join([*lines, "}", ""])


def own(port: Port) -> list[str]:
    """Return the rules that let only the instance's own MAC and addresses come in at its port."""
    addresses = _set([port.address, *port.ha_vips])
    return [
        f"ether saddr != {port.mac} drop",
        f"ether type arp arp saddr ether {port.mac} arp saddr ip {addresses} return",
        f"ether type ip ip saddr {addresses} return",
        "drop",
    ]


def egress(port: Port, vpc: Vpc) -> list[str]:
    """Return the verdicts on what an instance sends: accepted here means on to the receiver's ingress."""
    return [_rule(rule, "daddr", "return") for rule in merged(port, vpc, "egress")]


def ingress(port: Port, vpc: Vpc) -> list[str]:
    """Return the verdicts on what an instance is sent."""
    rules = [_rule(rule, "saddr", "accept") for rule in merged(port, vpc, "ingress")]
    inner = [f"ip saddr @{_members(group.id)} accept" for group in groups_of(port, vpc) if group.inner_access]
    return [*rules, *inner, "drop"]


def groups_of(port: Port, vpc: Vpc) -> tuple[SecurityGroup, ...]:
    """Return the security groups an instance is in."""
    return tuple(group for group in vpc.security_groups if group.id in port.security_groups)


def merged(port: Port, vpc: Vpc, direction: str) -> list[Rule]:
    """Return the rules of all groups of an instance in the order in which they are asked.

    A rule that names a group the VPC does not have matches nobody and is left out.
    """
    known = {group.id for group in vpc.security_groups}
    rules = [rule for group in groups_of(port, vpc) for rule in group.rules if rule.direction == direction]
    rules = [rule for rule in rules if isinstance(rule.peer, IPv4Network) or rule.peer in known]
    return sorted(rules, key=lambda rule: (rule.priority, rule.policy != "drop"))


def _connection_marks() -> list[str]:
    mark = f"ct state established,related meta mark set {ESTABLISHED}"
    lines = [f"table ip {TABLE} {{"]
    for hook in ("prerouting", "output"):
        lines += _block(f"chain {hook}", [f"type filter hook {hook} priority mangle;", mark])
    return [*lines, "}"]


def _base_chains(vpc: Vpc) -> Iterator[tuple[str, list[str]]]:
    links = [port_link(port.instance_id) for port in vpc.ports]

    def by_port(direction: str, chain: str) -> list[str]:
        verdicts = ", ".join(f'"{link}" : jump {chain}_{link}' for link in links)
        return [f"{direction} vmap {{ {verdicts} }}"] if links else []

    judged = ["ether type arp accept", "ether type != ip drop"]
    answer = f"meta mark {ESTABLISHED} accept"
    yield (
        "prerouting",
        [
            "type filter hook prerouting priority -300; policy drop;",
            "meta mark set 0x0",
            *by_port("iifname", "own"),
            "ether type arp accept",
            "meta pkttype { broadcast, multicast } drop",
            "ip daddr { 224.0.0.0/4, 255.255.255.255 } drop",
            "accept",
        ],
    )
    hook = "type filter hook {} priority 0; policy drop;"
    arriving = [*by_port("oifname", "mine"), answer]
    yield (
        "forward",
        [
            hook.format("forward"),
            *judged,
            *arriving,
            *by_port("iifname", "egress"),
            *by_port("oifname", "ingress"),
        ],
    )
    yield "input", [hook.format("input"), *judged, answer, *by_port("iifname", "egress"), "accept"]
    yield "output", [hook.format("output"), *judged, *arriving, *by_port("oifname", "ingress")]


def _meant_for(port: Port) -> list[str]:
    """Return the rule that keeps from an instance what is sent to a HaVip it is no longer attached to."""
    return [f"ip daddr != {_set([port.address, *port.ha_vips])} drop"]


def _member_set(group: SecurityGroup, vpc: Vpc) -> list[str]:
    inside = [port for port in vpc.ports if group.id in port.security_groups]
    addresses = {address for port in inside for address in (port.address, *port.ha_vips)}
    elements = [f"elements = {_set(sorted(addresses))}"] if addresses else []
    return ["type ipv4_addr", *elements]


def _rule(rule: Rule, side: str, accepted: str) -> str:
    parts = []
    if isinstance(rule.peer, str):
        parts.append(f"ip {side} @{_members(rule.peer)}")
    elif rule.peer != ANYWHERE:
        parts.append(f"ip {side} {rule.peer}")
    if rule.protocol in ("tcp", "udp") and rule.ports != ALL_PORTS:
        parts.append(f"{rule.protocol} dport {rule.ports.replace('/', '-')}")
    elif rule.protocol != "all":
        parts.append(f"ip protocol {rule.protocol}")
    return " ".join([*parts, accepted if rule.policy == "accept" else "drop"])


def _members(group_id: str) -> str:
    return "members_" + "".join(letter if letter.isalnum() else "_" for letter in group_id)


def _set(items: Iterable[IPv4Address | str], *, quote: bool = False) -> str:
    words = [f'"{item}"' if quote else str(item) for item in items]
    return f"{{ {', '.join(words)} }}"


def _block(head: str, rules: Iterable[str]) -> list[str]:
    return [f"  {head} {{", *(f"    {rule}" for rule in rules), "  }"]
