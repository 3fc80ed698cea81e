"""Alibaba Cloud's promises about packets, each tried with real ones between network namespaces."""

import socket
import time
from ipaddress import IPv4Address, IPv4Network

import pytest

from sandbox.network import detours
from sandbox.topology import Eip, Rule, SecurityGroup
from tests.sandbox.conftest import ANYWHERE, OTHER_VSWITCH, VIP, VPC, Wire, let_in, port
from tests.sandbox.outside import connect, open_stream, own_addresses

pytestmark = pytest.mark.e2e
VRRP = 112
OPEN = SecurityGroup("sg-a")


def test_members_reach_each_other_and_outsiders_do_not(wire: Wire) -> None:
    one, two, stranger = port(1), port(2), port(3, "sg-b")
    wire.lay(one, two, stranger, groups=(OPEN, SecurityGroup("sg-b")))
    wire.begin(two, "echo", 7)
    assert wire.act(one, "connect", two.address, 7) == "answered"
    assert wire.act(one, "ask", two.address, 7) == "answered"
    assert wire.act(stranger, "connect", two.address, 7) == "silent"
    assert wire.act(one, "connect", two.address, 8) == "refused"


def test_no_inner_access_cuts_members_off_vrrp_too(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    assert wire.heard(one, two, protocol=VRRP, to=two.address, source=one.address) == str(one.address)
    wire.lay(one, two, groups=(SecurityGroup("sg-a", (let_in("tcp"), let_in("udp")), inner_access=False),))
    assert wire.heard(one, two, protocol=VRRP, to=two.address, source=one.address) == "silent"
    peers = let_in("all", peer=IPv4Network("10.0.0.0/24"))
    wire.lay(one, two, groups=(SecurityGroup("sg-a", (peers,), inner_access=False),))
    assert wire.heard(one, two, protocol=VRRP, to=two.address, source=one.address) == str(one.address)


def test_multicast_goes_nowhere(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    assert wire.heard(one, two, protocol=VRRP, to="224.0.0.18", source=one.address) == "silent"


def test_a_forged_source_is_dropped(wire: Wire) -> None:
    one, two, three = port(1), port(2), port(3)
    wire.lay(one, two, three)
    assert wire.heard(one, two, protocol=VRRP, to=two.address, source=three.address) == "silent"
    assert wire.heard(one, two, protocol=VRRP, to=two.address, source=VIP) == "silent"


def test_an_address_of_no_havip_is_not_answered(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    wire.begin(one, "echo", 7)
    wire.take(one, VIP)
    assert wire.act(two, "connect", VIP, 7) == "silent"
    assert wire.network.holder(VPC, VIP) is None


def test_a_havip_follows_gratuitous_arp_among_the_attached(wire: Wire) -> None:
    one, two, client = port(1, ha_vips=(VIP,)), port(2, ha_vips=(VIP,)), port(3)
    wire.lay(one, two, client)
    wire.begin(one, "echo", 7)
    wire.take(one, VIP)
    assert wire.act(client, "connect", VIP, 7) == "answered"
    assert wire.network.holder(VPC, VIP) == one.instance_id
    wire.begin(two, "echo", 7)
    wire.drop(one, VIP)
    wire.take(two, VIP)
    assert wire.act(client, "connect", VIP, 7) == "answered"
    assert wire.network.holder(VPC, VIP) == two.instance_id
    wire.lay(port(1, ha_vips=(VIP,)), port(2), client)
    assert wire.act(client, "connect", VIP, 7) == "silent", "detached: no longer its to answer"
    assert wire.network.holder(VPC, VIP) is None


def test_rules_by_priority_with_drop_before_accept(wire: Wire) -> None:
    one, two = port(1), port(2)

    def ask_with(*rules: Rule) -> str:
        wire.lay(one, two, groups=(SecurityGroup("sg-a", rules, inner_access=False),))
        return wire.act(one, "connect", two.address, 7)

    wire.lay(one, two)
    wire.begin(two, "echo", 7)
    drop = let_in("tcp", "7/7", policy="drop")
    assert ask_with(let_in("tcp", "1/10")) == "answered"
    assert ask_with(let_in("tcp", "8/10")) == "silent"
    assert ask_with(let_in("tcp", "7/7"), drop) == "silent"
    assert ask_with(let_in("tcp", "7/7"), let_in("all", policy="drop", priority=2)) == "answered"
    assert ask_with(let_in("tcp", "7/7", peer="sg-a")) == "answered"
    assert ask_with(let_in("tcp", "7/7", peer=IPv4Network("10.0.0.12/32"))) == "silent"
    refuse = Rule("egress", "tcp", "7/7", ANYWHERE, "drop")
    assert ask_with(let_in("tcp", "7/7"), refuse) == "silent"


def test_answers_pass_though_nothing_is_let_in(wire: Wire) -> None:
    one, two = port(1, "sg-closed"), port(2)
    closed, opened = SecurityGroup("sg-closed", inner_access=False), SecurityGroup("sg-a", (let_in("all"),))
    wire.lay(one, two, groups=(closed, opened))
    wire.begin(two, "echo", 7)
    wire.begin(one, "echo", 7)
    assert wire.act(one, "connect", two.address, 7) == "answered"
    assert wire.act(two, "connect", one.address, 7) == "silent"


def test_vswitches_are_joined_by_their_gateways(wire: Wire) -> None:
    one, far, stranger = port(1), port(2, vswitch=OTHER_VSWITCH), port(3, "sg-b", vswitch=OTHER_VSWITCH)
    wire.lay(one, far, stranger, groups=(OPEN, SecurityGroup("sg-b")))
    wire.begin(one, "echo", 7)
    assert wire.act(far, "connect", one.address, 7) == "answered"
    assert wire.act(stranger, "connect", one.address, 7) == "silent"


def test_an_eip_reaches_what_the_group_opens(wire: Wire) -> None:
    one = port(1)
    address = wire.settings.eip_range[5]
    eip = Eip(address, VPC, one.address)
    wire.lay(one, groups=(SecurityGroup("sg-a", (let_in("tcp", "7007/7008"),)),), eips=(eip,))
    wire.begin(one, "echo", 7007)

    assert connect(address, 7007) == "answered"
    assert connect(address, 7008) == "closed", "nobody listens there"
    assert connect(address, 7009) == "refused", "not opened by any rule"
    with open_stream(address, 7007) as stream:
        wire.lay(one, groups=(SecurityGroup("sg-a", (let_in("tcp", "7007/7009"),)),), eips=(eip,))
        assert connect(address, 7009) == "closed"
        assert stream.echoes(), "a stream survives a change of ports"
        wire.lay(one, groups=(SecurityGroup("sg-a", (let_in("tcp", "7007/7009"),)),))
        assert not stream.echoes(), "a released EIP ends its streams"
    assert connect(address, 7007) == "refused"


def test_an_eip_of_a_havip_follows_its_holder(wire: Wire) -> None:
    one, two = port(1, ha_vips=(VIP,)), port(2, ha_vips=(VIP,))
    address = wire.settings.eip_range[6]
    groups = (SecurityGroup("sg-a", (let_in("tcp", "7007/7007"),)),)
    wire.lay(one, two, groups=groups, eips=(Eip(address, VPC, VIP),))
    wire.begin(one, "echo", 7007)
    wire.begin(two, "echo", 7007)

    wire.take(one, VIP)
    assert connect(address, 7007) == "answered"
    wire.drop(one, VIP)
    assert connect(address, 7007) == "silent", "one has it no more and two not yet"
    wire.take(two, VIP)
    assert connect(address, 7007) == "answered"


def test_an_eip_changes_its_target_at_once(wire: Wire) -> None:
    one, two = port(1), port(2)
    address = wire.settings.eip_range[8]
    groups = (SecurityGroup("sg-a", (let_in("tcp", "7007/7007"),)),)
    wire.lay(one, two, groups=groups, eips=(Eip(address, VPC, one.address),))
    wire.begin(one, "echo", 7007)
    with open_stream(address, 7007) as stream:
        wire.lay(one, two, groups=groups, eips=(Eip(address, VPC, two.address),))
        assert not stream.echoes(), "its stream led to the old target"
    assert connect(address, 7007) == "closed", "nobody listens there, and nothing is tried elsewhere"
    wire.begin(two, "echo", 7007)
    assert connect(address, 7007) == "answered"
    wire.lay(one, two, groups=groups)
    assert connect(address, 7007) == "refused"


def test_an_eip_of_a_ha_vip_without_anybody_attached_leads_nowhere(wire: Wire) -> None:
    one = port(1)
    address = wire.settings.eip_range[9]
    groups = (SecurityGroup("sg-a", (let_in("tcp", "7007/7007"),)),)
    wire.lay(one, groups=groups, eips=(Eip(address, VPC, VIP),))
    wire.begin(one, "echo", 7007)
    wire.take(one, VIP)
    assert connect(address, 7007) == "refused", "not attached: the address is not its own"
    attached = port(1, ha_vips=(VIP,))
    wire.lay(attached, groups=groups, eips=(Eip(address, VPC, VIP),))
    wire.act(attached, "claim", VIP, attached.mac)
    assert connect(address, 7007) == "answered"
    wire.drop(attached, VIP)
    assert connect(address, 7007) != "answered", "attached, and does not hold it"


def test_applying_again_changes_nothing_and_is_fast(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    wire.begin(two, "echo", 7)
    before = wire.ip(two, "-o", "link")
    began = time.monotonic()
    wire.lay(one, two)
    assert time.monotonic() - began < 1
    assert wire.ip(two, "-o", "link") == before
    assert wire.act(one, "connect", two.address, 7) == "answered"


def test_the_machine_itself_has_no_way_in(wire: Wire) -> None:
    wire.lay(port(1))

    assert not any(address in IPv4Network("10.0.0.0/24") for address in own_addresses())
    assert IPv4Address("203.0.113.1") not in own_addresses()


def test_an_eip_has_its_port_though_the_machine_listens_on_all_addresses(wire: Wire) -> None:
    one = port(1)
    address = wire.settings.eip_range[7]
    groups = (SecurityGroup("sg-a", (let_in("tcp", "7007/7007"),)),)
    with socket.create_server(("0.0.0.0", 7007)):  # noqa: S104 - as the machine's own sshd does
        wire.lay(one, groups=groups, eips=(Eip(address, VPC, one.address),))
        wire.begin(one, "echo", 7007)
        assert connect(address, 7007) == "answered"
        assert connect(IPv4Address("127.0.0.1"), 7007) == "silent", "the machine's own program keeps its port"
    wire.lay(one, groups=groups)
    assert not detours.exists(wire.settings.prefix)
