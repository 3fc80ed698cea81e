"""``Network`` and ``Masters``: what is created, what exists already is left alone."""

from functools import partial
from typing import Any, cast

import pytest

from components import Masters, MastersArgs, Network, NetworkArgs
from tests.unit.components.engine import run

pytestmark = pytest.mark.unit
CREATED = {
    "vswitch_id": "vsw-1",
    "security_group_id": "sg-1",
    "image_id": "debian",
    "public_key": "ssh-ed25519 AAAA",
    "public": True,
    "tags": {"team": "platform"},
}
HOSTS = [{"name": f"m{n}", "address": f"10.0.0.1{n}"} for n in (1, 2)]


@pytest.mark.parametrize("preview", [True, False])
def test_a_network_from_nothing(preview: bool) -> None:
    args: NetworkArgs = {"zone_id": "cn-hangzhou-i", "api_cidrs": ["198.51.100.0/24"], "api_port": 8443}
    got = run(lambda: Network("net", args), preview=preview)
    assert got.error == ""
    assert got.of("Switch")["net-vswitch"].inputs["cidrBlock"] == "10.0.0.0/24"
    assert got.of("SecurityGroup")["net-security-group"].inputs["innerAccessPolicy"] == "Accept"
    rules = got.of("SecurityGroupRule")
    assert set(rules) == {"net-api-8443-198.51.100.0-24"}, "nothing else gets in by default"
    assert rules["net-api-8443-198.51.100.0-24"].inputs["portRange"] == "8443/8443"


def test_a_changed_port_has_a_rule_of_its_own_beside_that_of_the_old_one() -> None:
    args: NetworkArgs = {"zone_id": "z", "api_cidrs": ["198.51.100.0/24"], "api_port": 8443}
    before = run(lambda: Network("net", args), preview=False).of("SecurityGroupRule")
    moved: NetworkArgs = {**args, "api_port": 9443, "additional_api_ports": [8443]}
    during = run(lambda: Network("net", moved), preview=False).of("SecurityGroupRule")
    [(name, rule)] = before.items()
    assert during[name].inputs == rule.inputs, "the old port's rule is left alone"
    assert {rule.inputs["portRange"] for rule in during.values()} == {"8443/8443", "9443/9443"}


def test_an_existing_vswitch_is_used() -> None:
    got = run(lambda: Network("net", {"vpc_id": "vpc-1", "vswitch_id": "vsw-1"}), preview=False)
    assert not got.of("Switch")
    assert not got.of("vpc/network:Network")
    assert got.of("SecurityGroup")["net-security-group"].inputs["vpcId"] == "vpc-1"


@pytest.mark.parametrize(("args", "word"), [({}, "zone_id"), ({"vswitch_id": "vsw-1"}, "vpc_id")])
def test_half_a_network_is_refused(args: dict[str, Any], word: str) -> None:
    got = run(lambda: Network("net", cast(NetworkArgs, args)), preview=True)
    assert word in got.error
    assert not got.resources


def test_masters_are_created_with_the_address_they_are_known_by() -> None:
    found: dict[str, str] = {}

    def program() -> None:
        made = Masters("cp", cast(MastersArgs, {**CREATED, "masters": HOSTS}))
        for master in made.masters:
            note = partial(found.__setitem__, master.name)
            master.ssh_host.apply(note)
            assert master.instance is not None

    got = run(program, preview=False)
    assert got.error == ""
    instance = got.of("Instance")["cp-m1"]
    assert instance.inputs["privateIp"] == "10.0.0.11"
    assert instance.inputs["tags"] == {"team": "platform"}
    assert instance.delete_before_replace, "two instances cannot have one address"
    assert set(got.of("EipAssociation")) == {"cp-m1-eip", "cp-m2-eip"}
    assert found == {"m1": "203.0.113.10", "m2": "203.0.113.10"}


def test_existing_masters_are_left_alone() -> None:
    existing = [{**host, "instance_id": f"i-{host['name']}"} for host in HOSTS]
    got = run(lambda: Masters("cp", cast(MastersArgs, {"masters": existing})), preview=False)
    assert set(got.resources) == {"kube-apiserver-havip:index:Masters::cp"}


def test_what_creation_needs_is_asked_for() -> None:
    got = run(lambda: Masters("cp", cast(MastersArgs, {"masters": HOSTS})), preview=True)
    assert "image_id" in got.error
    assert "m1, m2" in got.error
    assert not got.resources
