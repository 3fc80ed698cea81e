"""What an instance may not say: frames no decent host would send, each beside the decent one that passes."""

import struct
from ipaddress import IPv4Address

import pytest

from sandbox.hosts import nic
from sandbox.topology import SecurityGroup
from tests.sandbox.conftest import OTHER_VSWITCH, VIP, VPC, Wire, let_in, port
from tests.sandbox.packets import arp, ipv4

pytestmark = pytest.mark.e2e

VRRP = 112
UDP = 17
EVERYBODY = "ff:ff:ff:ff:ff:ff"
NOBODY = "02:00:0a:00:00:63"
DHCP_DISCOVER = struct.pack("!HHHH", 68, 67, 8 + 240, 0) + b"\x01\x01\x06\x00" + b"\x00" * 236


def test_only_its_own_mac_is_believed(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    packet = ipv4(VRRP, str(one.address), str(two.address))
    assert wire.overheard(one, two, kind="0800", payload=packet) == one.mac
    assert wire.overheard(one, two, kind="0800", payload=packet, source=NOBODY) == "silent"
    assert wire.overheard(one, two, kind="0800", payload=packet, source=port(3).mac) == "silent"


def test_only_its_own_address_is_claimed_by_arp(wire: Wire) -> None:
    one, two, three = port(1), port(2), port(3)
    wire.lay(one, two, three)
    own = arp(one.mac, str(one.address))
    assert wire.overheard(one, two, kind="0806", payload=own, to=EVERYBODY) == one.mac
    for stolen in (three.address, VIP, IPv4Address("10.0.0.253"), IPv4Address("0.0.0.0")):  # noqa: S104
        lie = arp(one.mac, str(stolen))
        assert wire.overheard(one, two, kind="0806", payload=lie, to=EVERYBODY) == "silent", stolen
    in_another_name = arp(three.mac, str(three.address))
    assert wire.overheard(one, two, kind="0806", payload=in_another_name, to=EVERYBODY) == "silent"
    wire.begin(three, "echo", 7)
    assert wire.act(two, "connect", three.address, 7) == "answered"


def test_a_ha_vip_is_claimed_by_the_attached_only(wire: Wire) -> None:
    one, two, client = port(1, ha_vips=(VIP,)), port(2), port(3)
    wire.lay(one, two, client)
    assert wire.overheard(two, client, kind="0806", payload=arp(two.mac, str(VIP)), to=EVERYBODY) == "silent"
    assert wire.overheard(one, client, kind="0806", payload=arp(one.mac, str(VIP)), to=EVERYBODY) == one.mac
    packet = ipv4(VRRP, str(VIP), str(client.address))
    assert wire.overheard(two, client, kind="0800", payload=packet) == "silent"
    assert wire.overheard(one, client, kind="0800", payload=packet) == one.mac


@pytest.mark.parametrize("address", ["255.255.255.255", "10.0.0.255", "224.0.0.1", "224.0.0.18", "239.1.1.1"])
def test_broadcast_and_multicast_go_nowhere(wire: Wire, address: str) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    packet = ipv4(UDP, str(one.address), address)
    for to in (EVERYBODY, "01:00:5e:00:00:12", two.mac):
        assert wire.overheard(one, two, kind="0800", payload=packet, to=to) == "silent", to
    unicast = ipv4(UDP, str(one.address), str(two.address))
    assert wire.overheard(one, two, kind="0800", payload=unicast, to=EVERYBODY) == "silent"
    assert wire.overheard(one, two, kind="0800", payload=unicast) == one.mac


@pytest.mark.parametrize("kind", ["86dd", "8100", "88cc", "8863", "0842", "88b5"])
def test_nothing_but_ipv4_and_arp_passes(wire: Wire, kind: str) -> None:
    """IPv6, VLAN tags, LLDP, PPPoE, wake on LAN, an experiment."""
    one, two = port(1), port(2)
    wire.lay(one, two)
    inside = b"\x00\x01\x08\x00" + ipv4(UDP, str(one.address), str(two.address))
    for to in (two.mac, EVERYBODY):
        assert wire.overheard(one, two, kind=kind, payload=inside, to=to) == "silent"


def test_nobody_plays_dhcp(wire: Wire) -> None:
    one, two = port(1), port(2)
    wire.lay(one, two)
    for source in ("0.0.0.0", str(one.address)):  # noqa: S104
        question = ipv4(UDP, source, "255.255.255.255", DHCP_DISCOVER)
        assert wire.overheard(one, two, kind="0800", payload=question, to=EVERYBODY) == "silent"


def test_a_third_host_overhears_nothing(wire: Wire) -> None:
    one, two, spy = port(1), port(2), port(3)
    wire.lay(one, two, spy)
    wire.begin(two, "echo", 7)
    listening = wire.begin(spy, "sniff", "0800")
    assert wire.act(one, "connect", two.address, 7) == "answered"
    unlearnt = ipv4(VRRP, str(one.address), str(two.address))
    wire.act(one, "frame", NOBODY, one.mac, "0800", unlearnt.hex())
    assert listening.communicate(timeout=5)[0].strip() == "silent"


def test_an_address_nobody_holds_is_silent(wire: Wire) -> None:
    one, two = port(1, ha_vips=(VIP,)), port(2)
    wire.lay(one, two)
    for address in (VIP, IPv4Address("10.0.0.77"), IPv4Address("10.0.1.77"), IPv4Address("192.168.9.9")):
        assert wire.act(two, "connect", address, 7) == "silent", address
    assert wire.network.holder(VPC, VIP) is None


def test_of_two_holders_the_last_to_claim_has_the_packets(wire: Wire) -> None:
    one, two, client = port(1, ha_vips=(VIP,)), port(2, ha_vips=(VIP,)), port(3)
    wire.lay(one, two, client)
    wire.take(one, VIP)
    assert wire.heard(client, one, protocol=VRRP, to=VIP, source=client.address) == str(client.address)
    wire.take(two, VIP)
    assert wire.network.holder(VPC, VIP) == two.instance_id
    assert wire.heard(client, two, protocol=VRRP, to=VIP, source=client.address) == str(client.address)
    assert wire.heard(client, one, protocol=VRRP, to=VIP, source=client.address) == "silent"
    wire.act(one, "claim", VIP, one.mac)
    assert wire.network.holder(VPC, VIP) == one.instance_id
    assert wire.heard(client, one, protocol=VRRP, to=VIP, source=client.address) == str(client.address)


def test_a_ha_vip_is_followed_from_another_vswitch_too(wire: Wire) -> None:
    one, two = port(1, ha_vips=(VIP,)), port(2, ha_vips=(VIP,))
    far = port(3, vswitch=OTHER_VSWITCH)
    wire.lay(one, two, far)
    for holder, other in ((one, two), (two, one)):
        wire.take(holder, VIP)
        assert wire.heard(far, holder, protocol=VRRP, to=VIP, source=far.address) == str(far.address)
        assert wire.heard(far, other, protocol=VRRP, to=VIP, source=far.address) == "silent"
        wire.drop(holder, VIP)


def test_an_instance_that_is_off_holds_nothing(wire: Wire) -> None:
    one, client = port(1, ha_vips=(VIP,)), port(2)
    wire.lay(one, client, groups=(SecurityGroup("sg-a", (let_in("tcp", "7/7"),)),))
    wire.begin(one, "echo", 7)
    wire.take(one, VIP)
    assert wire.act(client, "connect", VIP, 7) == "answered"
    nic.cut(wire.namespace(one))
    assert wire.network.holder(VPC, VIP) is None
    assert wire.act(client, "connect", VIP, 7) == "silent"
    nic.forget(wire.namespace(one))
    wire.lay(one, client)
    assert wire.act(client, "connect", VIP, 7) == "silent", "a boot brings the first address only"
