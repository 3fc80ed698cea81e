"""Which ports an EIP forwards, and the forwarder's configuration."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from sandbox.network import detours, eips
from sandbox.topology import Eip, Port, Rule, SecurityGroup, Vpc

pytestmark = pytest.mark.unit
ANYWHERE = IPv4Network("0.0.0.0/0")
VSWITCH = IPv4Network("10.0.0.0/24")
VIP = IPv4Address("10.0.0.10")
ONE = Port("i-1", "02:00:00:00:00:01", IPv4Address("10.0.0.11"), VSWITCH, ("sg-1",), (VIP,))
TWO = Port("i-2", "02:00:00:00:00:02", IPv4Address("10.0.0.12"), VSWITCH, ("sg-2",), (VIP,))


def opened(*rules: Rule, target: IPv4Address = ONE.address, others: tuple[Rule, ...] = ()) -> tuple[int, ...]:
    groups = (SecurityGroup("sg-1", rules), SecurityGroup("sg-2", others))
    return eips.open_ports(Vpc("vpc-1", VSWITCH, (VSWITCH,), (ONE, TWO), groups), target)


def test_single_ports_and_ranges_that_anyone_may_use() -> None:
    rules = (Rule("ingress", "tcp", "22/22", ANYWHERE), Rule("ingress", "tcp", "8000/8002", ANYWHERE))
    assert opened(*rules) == (22, 8000, 8001, 8002)


@pytest.mark.parametrize(
    "rule",
    [
        Rule("ingress", "tcp", "22/22", IPv4Network("10.0.0.0/8")),
        Rule("ingress", "tcp", "22/22", "sg-2"),
        Rule("ingress", "udp", "53/53", ANYWHERE),
        Rule("ingress", "tcp", "22/22", ANYWHERE, "drop"),
        Rule("egress", "tcp", "22/22", ANYWHERE),
    ],
)
def test_what_nobody_outside_may_use_is_not_forwarded(rule: Rule) -> None:
    assert opened(rule) == ()


@pytest.mark.parametrize(
    "rule", [Rule("ingress", "all", "-1/-1", ANYWHERE), Rule("ingress", "tcp", "1/65535", ANYWHERE)]
)
def test_a_rule_for_everything_opens_the_usual_ports(rule: Rule) -> None:
    assert opened(rule) == eips.USUAL


def test_a_havip_has_the_ports_of_everyone_attached() -> None:
    more = Rule("ingress", "tcp", "16443/16443", ANYWHERE)
    assert opened(Rule("ingress", "tcp", "22/22", ANYWHERE), others=(more,), target=VIP) == (22, 16443)
    assert opened(Rule("ingress", "tcp", "22/22", ANYWHERE), others=(more,)) == (22,)


def test_the_server_has_no_port_and_no_retries() -> None:
    eip = Eip(IPv4Address("127.66.0.5"), "vpc-1", VIP)
    text = eips.configuration(eip, (22, 16443), "havip-dev.vpc-1", Path("/s"))
    assert "bind 127.66.0.5:22,127.66.0.5:16443\n" in text
    assert "server target 10.0.0.10 namespace havip-dev.vpc-1\n" in text
    assert "retries 0\n" in text


PROC = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 00000000:01BB 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 3 1
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4 1
"""


def test_ports_somebody_has_on_all_addresses_are_led_elsewhere() -> None:
    taken = detours.taken_everywhere(PROC)
    assert taken == {22, 80}
    assert detours.around((22, 443, 8080), taken) == {22: 61000}
    eip = Eip(IPv4Address("127.66.0.5"), "vpc-1", VIP)
    text = eips.configuration(eip, (22, 443), "ns", Path("/s"), {22: 61000})
    assert "bind 127.66.0.5:443\n    server target 10.0.0.10 namespace ns\n" in text
    assert "bind 127.66.0.5:61000\n    server target 10.0.0.10:22 namespace ns\n" in text


def test_detours_are_replaced_at_once() -> None:
    """A moment without them would lead SSH for an EIP to the machine's own sshd."""
    text = detours.ruleset("havip-dev", {(IPv4Address("127.66.0.5"), 22): 61000})
    assert text.splitlines()[:3] == [
        "table ip havip-dev",
        "delete table ip havip-dev",
        "table ip havip-dev {",
    ]
    assert "ip daddr 127.66.0.5 tcp dport 22 dnat to 127.66.0.5:61000\n" in text
