"""Security groups with real packets: who is let in and out, by which rule of which group."""

from ipaddress import IPv4Network
from typing import Literal

import pytest

from sandbox.topology import Port, Rule, SecurityGroup
from tests.sandbox.conftest import ANYWHERE, Wire, let_in, port

pytestmark = pytest.mark.e2e

PROTOCOLS = {"icmp": 1, "gre": 47}
HERE = IPv4Network("10.0.0.0/24")


def let_out(
    peer: IPv4Network | str = ANYWHERE,
    policy: Literal["accept", "drop"] = "drop",
    priority: int = 1,
    ports: str = "7/7",
) -> Rule:
    """Return an egress rule for TCP."""
    return Rule("egress", "tcp", ports, peer, policy, priority)


def closed(identifier: str, *rules: Rule) -> SecurityGroup:
    """Return a group whose members are strangers to each other."""
    return SecurityGroup(identifier, rules, inner_access=False)


def just(port_: Port) -> IPv4Network:
    """Return the block that holds one host."""
    return IPv4Network(port_.address)


def test_a_group_as_source_lets_its_members_in_and_nobody_else(wire: Wire) -> None:
    server, friend, stranger = port(1, "sg-a"), port(2, "sg-b"), port(3, "sg-c")
    rules = (let_in("tcp", "7/7", peer="sg-b"),)
    wire.lay(server, friend, stranger, groups=(closed("sg-a", *rules), closed("sg-b"), closed("sg-c")))
    wire.begin(server, "echo", 7)
    assert wire.act(friend, "connect", server.address, 7) == "answered"
    assert wire.act(stranger, "connect", server.address, 7) == "silent"
    # What a membership opens, its end closes.
    moved = port(2, "sg-c")
    wire.lay(server, moved, stranger, groups=(closed("sg-a", *rules), closed("sg-b"), closed("sg-c")))
    assert wire.act(moved, "connect", server.address, 7) == "silent"


def test_a_smaller_priority_goes_first_and_drop_wins_a_draw(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    wire.begin(two, "echo", 7)

    def asked(*rules: Rule) -> str:
        wire.lay(one, two, groups=(closed("sg-a", *rules),))
        return wire.act(one, "connect", two.address, 7)

    def rule(policy: Literal["accept", "drop"], priority: int) -> Rule:
        return let_in("tcp", "7/7", policy=policy, priority=priority)

    assert asked(rule("accept", 1), rule("drop", 2)) == "answered"
    assert asked(rule("drop", 1), rule("accept", 2)) == "silent"
    assert asked(rule("accept", 100), rule("drop", 100)) == "silent"
    assert asked(rule("drop", 100), rule("accept", 99)) == "answered"
    narrow = let_in("tcp", "7/7", peer=just(one), policy="accept", priority=5)
    assert asked(narrow, rule("drop", 5)) == "silent", "a narrower block is no better"


def test_an_explicit_drop_goes_before_the_members_access(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    wire.begin(two, "echo", 7)
    assert wire.act(one, "connect", two.address, 7) == "answered"
    last = let_in("tcp", "7/7", peer=HERE, policy="drop", priority=100)
    wire.lay(one, two, groups=(SecurityGroup("sg-a", (last,), inner_access=True),))
    assert wire.act(one, "connect", two.address, 7) == "silent"
    assert wire.act(one, "ask", two.address, 7) == "answered", "UDP is not meant"


def test_the_rules_of_all_groups_count_together(wire: Wire) -> None:
    client = port(1, "sg-c")
    server = port(2, "sg-a", "sg-b")
    wire.lay(client, server, groups=(closed("sg-a"), closed("sg-b"), closed("sg-c")))
    wire.begin(server, "echo", 7)

    def asked(first: tuple[Rule, ...], second: tuple[Rule, ...]) -> str:
        wire.lay(client, server, groups=(closed("sg-a", *first), closed("sg-b", *second), closed("sg-c")))
        return wire.act(client, "connect", server.address, 7)

    accept, drop = let_in("tcp", "7/7"), let_in("tcp", "7/7", policy="drop")
    assert asked((), ()) == "silent"
    assert asked((accept,), ()) == "answered"
    assert asked((), (accept,)) == "answered"
    assert asked((accept,), (drop,)) == "silent"
    assert asked((accept,), (let_in("tcp", "7/7", policy="drop", priority=2),)) == "answered"


def test_what_goes_out(wire: Wire) -> None:
    one, two, three = port(1), port(2, "sg-b"), port(3, "sg-b")
    inbound = closed("sg-b", let_in("tcp", "1/100"))
    wire.lay(one, two, three, groups=(closed("sg-a"), inbound))
    for server in (two, three):
        wire.begin(server, "echo", 7)

    def reached(*rules: Rule) -> tuple[str, str]:
        wire.lay(one, two, three, groups=(closed("sg-a", *rules), inbound))
        return wire.act(one, "connect", two.address, 7), wire.act(one, "connect", three.address, 7)

    assert reached() == ("answered", "answered"), "a basic group lets everything out"
    assert reached(let_out(just(two))) == ("silent", "answered")
    assert reached(let_out(), let_out(just(two), "accept", 2)) == ("silent", "silent")
    assert reached(let_out(priority=2), let_out(just(two), "accept")) == ("answered", "silent")
    assert reached(let_out(), let_out(just(two), "accept")) == ("silent", "silent"), "drop wins a draw"
    assert reached(let_out("sg-b")) == ("silent", "silent")
    assert reached(let_out(ports="8/9")) == ("answered", "answered")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_rule_lets_in_its_own_protocol_only(wire: Wire, protocol: Literal["icmp", "gre"]) -> None:
    one, two = port(1), port(2)
    number = PROTOCOLS[protocol]

    def heard(which: int, *rules: Rule) -> bool:
        wire.lay(one, two, groups=(closed("sg-a", *rules),))
        return wire.heard(one, two, protocol=which, to=two.address, source=one.address) != "silent"

    assert heard(number, let_in(protocol))
    assert not heard(number, let_in("tcp", "1/65535"), let_in("udp", "1/65535"))
    assert not heard(112, let_in(protocol)), "VRRP passes by `all` or among members only"
    assert heard(112, let_in("all", peer=just(one)))
