"""The rendered filter, as text: order of rules, and what a topology turns into."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from sandbox.network import firewall
from sandbox.network.namespaces import gateway
from sandbox.topology import Port, Rule, SecurityGroup, Vpc

pytestmark = pytest.mark.unit
ANYWHERE = IPv4Network("0.0.0.0/0")
VSWITCH = IPv4Network("10.0.0.0/24")
VIP = IPv4Address("10.0.0.10")
HOST = Port("i-1", "02:00:00:00:00:01", IPv4Address("10.0.0.11"), VSWITCH, ("sg-1", "sg-2"), (VIP,))


def vpc(*rules: Rule, more: tuple[Rule, ...] = (), inner_access: bool = True) -> Vpc:
    groups = (SecurityGroup("sg-1", rules, inner_access), SecurityGroup("sg-2", more, inner_access))
    return Vpc("vpc-1", IPv4Network("10.0.0.0/16"), (VSWITCH,), (HOST,), groups)


def test_a_group_without_rules_lets_members_in_and_everything_out() -> None:
    assert firewall.ingress(HOST, vpc()) == [
        "ip saddr @members_sg_1 accept",
        "ip saddr @members_sg_2 accept",
        "drop",
    ]
    assert firewall.egress(HOST, vpc()) == []


def test_without_inner_access_members_are_like_anyone() -> None:
    assert firewall.ingress(HOST, vpc(inner_access=False)) == ["drop"]


def test_rules_of_all_groups_are_asked_by_priority_then_drop_first() -> None:
    first = Rule("ingress", "tcp", "22/22", ANYWHERE, "accept", 2)
    second = Rule("ingress", "tcp", "22/22", IPv4Network("10.0.0.0/8"), "drop", 2)
    third = Rule("ingress", "all", "-1/-1", "sg-2", "accept", 1)
    assert firewall.ingress(HOST, vpc(first, second, more=(third,), inner_access=False)) == [
        "ip saddr @members_sg_2 accept",
        "ip saddr 10.0.0.0/8 tcp dport 22-22 drop",
        "tcp dport 22-22 accept",
        "drop",
    ]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            Rule("egress", "udp", "53/53", IPv4Network("1.1.1.1/32")),
            "ip daddr 1.1.1.1/32 udp dport 53-53 return",
        ),
        (Rule("egress", "tcp", "-1/-1", ANYWHERE, "drop"), "ip protocol tcp drop"),
        (Rule("egress", "icmp", "-1/-1", ANYWHERE, "drop"), "ip protocol icmp drop"),
        (Rule("egress", "gre", "-1/-1", "sg-2", "drop"), "ip daddr @members_sg_2 ip protocol gre drop"),
        (Rule("egress", "all", "-1/-1", ANYWHERE, "drop"), "drop"),
    ],
)
def test_each_protocol_and_peer(rule: Rule, text: str) -> None:
    assert firewall.egress(HOST, vpc(rule)) == [text]


def test_a_rule_naming_an_unknown_group_matches_nobody() -> None:
    assert firewall.ingress(HOST, vpc(Rule("ingress", "all", "-1/-1", "sg-gone"), inner_access=False)) == [
        "drop"
    ]


def test_a_port_believes_its_own_mac_and_addresses_only() -> None:
    assert firewall.own(HOST) == [
        "ether saddr != 02:00:00:00:00:01 drop",
        "ether type arp arp saddr ether 02:00:00:00:00:01 arp saddr ip { 10.0.0.11, 10.0.0.10 } return",
        "ether type ip ip saddr { 10.0.0.11, 10.0.0.10 } return",
        "drop",
    ]


def test_a_vpc_without_hosts_renders_without_empty_maps() -> None:
    text = firewall.ruleset(Vpc("vpc-1", VSWITCH))
    assert "{  }" not in text
    assert text.startswith("table ip vpc\ndelete table ip vpc\n")


def test_the_gateway_is_the_third_address_from_the_end() -> None:
    assert gateway(VSWITCH) == IPv4Address("10.0.0.253")
    assert gateway(IPv4Network("172.16.0.0/20")) == IPv4Address("172.16.15.253")
