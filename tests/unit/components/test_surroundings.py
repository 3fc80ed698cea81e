"""``Network`` and ``Masters``: what is created, what exists already is left alone."""

import re
from functools import partial
from typing import Any, cast

import pulumi
import pytest

from components import Masters, MastersArgs, Network, NetworkArgs
from components.preflight import configured
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
MIXED = [{**HOSTS[0], "instance_id": "i-m1"}, HOSTS[1]]
PLACE = {"vswitchId": "vsw-1", "vpcId": "vpc-1"}


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
    args: NetworkArgs = {"vpc_id": "vpc-1", "vswitch_id": "vsw-1", "vswitch_cidr": "172.16.8.0/24"}
    got = run(lambda: Network("net", args), preview=False)
    assert got.error == ""
    assert not got.of("Switch")
    assert not got.of("vpc/network:Network")
    assert got.of("SecurityGroup")["net-security-group"].inputs["vpcId"] == "vpc-1"


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ({}, "zone_id = None"),
        ({"vswitch_id": "vsw-1", "vswitch_cidr": "172.16.8.0/24"}, "vpc_id = None"),
        ({"vswitch_id": "vsw-1", "vpc_id": "vpc-1"}, "vswitch_cidr = None: is missing beside vswitch_id; "),
    ],
)
def test_half_a_network_is_refused(args: dict[str, Any], word: str) -> None:
    got = run(lambda: Network("net", cast(NetworkArgs, args)), preview=True)
    assert word in got.error
    assert not got.resources


@pytest.mark.parametrize(
    ("vpc", "vswitch", "refused"),
    [
        ("10.0.0.0/7", "10.0.0.0/16", "vpc_cidr"),
        ("10.0.0.0/8", "10.0.0.0/16", ""),
        ("10.0.0.0/28", "10.0.0.0/29", ""),
        ("10.0.0.0/29", "10.0.0.0/29", "vpc_cidr"),
        ("10.0.0.0/8", "10.0.0.0/15", "vswitch_cidr"),
        ("10.0.0.0/28", "10.0.0.0/30", "vswitch_cidr"),
    ],
)
def test_a_network_has_a_size_that_the_cloud_has(vpc: str, vswitch: str, refused: str) -> None:
    args: NetworkArgs = {"zone_id": "z", "vpc_cidr": vpc, "vswitch_cidr": vswitch}
    got = run(lambda: Network("net", args), preview=True)
    assert re.findall(r"- (\w+) = .* is no size of", got.error) == ([refused] if refused else [])
    assert bool(got.error) == bool(refused), got.error


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


def test_what_only_the_network_tells_may_come_later() -> None:
    """``Masters.check`` asks for what the program has to give, and for no ids."""
    later = {key: value for key, value in CREATED.items() if key not in ("vswitch_id", "security_group_id")}
    Masters.check("cp", {**later, "masters": HOSTS})
    with pytest.raises(pulumi.RunError) as refusal:
        Masters.check("cp", {**later, "masters": HOSTS, "image_id": "", "public_key": " \n"})
    assert [line.split()[1] for line in str(refusal.value).splitlines()[1:]] == ["image_id", "public_key"]


@pytest.mark.parametrize("name", ["k8s_master_01", "1", "01", "a", "a--b", "a..b", "a.-b", "9m", "m1_a"])
def test_a_name_that_ecs_gives_no_instance_is_refused(name: str) -> None:
    hosts = [{"name": name, "address": "10.0.0.11"}, *HOSTS[1:]]
    got = run(lambda: Masters("cp", cast(MastersArgs, {**CREATED, "masters": hosts})), preview=True)
    assert f"masters[0].name = {name!r}: is no name for an ECS instance" in got.error
    assert not got.resources
    with pytest.raises(pulumi.RunError, match="is no name for an ECS instance"):
        configured.masters(hosts)
    existing = [{**hosts[0], "instance_id": "i-1"}]
    got = run(lambda: Masters("cp", cast(MastersArgs, {"masters": existing})), preview=True)
    assert got.error == "", "an instance that exists has a name already"


@pytest.mark.parametrize("name", ["m1", "k8s-master01", "m.example-1.org", "A" + 62 * "9"])
def test_a_name_that_ecs_takes_is_let_through(name: str) -> None:
    hosts = [{"name": name, "address": "10.0.0.11"}]
    assert (
        run(lambda: Masters("cp", cast(MastersArgs, {**CREATED, "masters": hosts})), preview=True).error == ""
    )


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("192.168.9.9", "is outside the vSwitch 10.0.0.0/24"),
        ("10.0.0.0", "is reserved"),
        ("10.0.0.253", "is reserved"),
    ],
)
def test_an_address_that_the_vswitch_has_not_for_a_created_master_is_refused(address: str, rule: str) -> None:
    hosts = [*HOSTS, {"name": "m3", "address": address}]
    args = {**CREATED, "vswitch_cidr": "10.0.0.0/24", "masters": hosts}
    got = run(lambda: Masters("cp", cast(MastersArgs, args)), preview=True)
    assert f"masters[2].address = {address!r}: {rule}" in got.error
    assert not got.resources
    with pytest.raises(pulumi.RunError, match=rule):
        configured.masters(hosts, "10.0.0.0/24")
    elsewhere = [*hosts[:2], {**hosts[2], "instanceId": "i-3"}]
    assert len(configured.masters(elsewhere, "10.0.0.0/24")) == 3, "a master that exists may be anywhere"


def test_two_groups_of_masters_whose_instances_would_have_one_name_are_refused() -> None:
    def program() -> None:
        for name, host in (("prod", "eu-m1"), ("prod-eu", "m1")):
            Masters(name, cast(MastersArgs, {**CREATED, "masters": [{**HOSTS[0], "name": host}]}))

    said = "masters[0].name = 'm1': its resources would be called prod-eu-m1, as some of the masters 'prod'"
    assert said in run(program, preview=True).error


def masters(**more: Any) -> MastersArgs:
    """An existing master and one to create."""
    return cast(MastersArgs, {**CREATED, "masters": MIXED, **more})


@pytest.mark.parametrize(("own", "groups"), [("sg-1", ["sg-1", "sg-2", "sg-3"]), ("", ["sg-2", "sg-3"])])
def test_a_created_master_joins_every_group(own: str, groups: list[str]) -> None:
    def program() -> None:
        more = ["sg-2", pulumi.Output.from_input("sg-3")]
        Masters("cp", masters(security_group_id=own, security_group_ids=more))

    got = run(program, preview=False)
    assert got.error == ""
    assert set(got.of("Instance")) == {"cp-m2"}
    assert got.of("Instance")["cp-m2"].inputs["securityGroups"] == groups


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "security_group_ids = []: is needed to create m2 beside m1; give a basic group"),
        ({"security_group_ids": ["sg-2", "sg-2"]}, "security_group_ids[1] = 'sg-2': is there twice"),
        ({"security_group_ids": ["sg-1"]}, "security_group_ids[0] = 'sg-1': is there twice"),
        ({"security_group_ids": [""]}, "security_group_ids[0] = '': is not the id"),
        ({"security_group_ids": [f"sg-{n}" for n in range(2, 7)]}, "security_group_ids = 5: an instance"),
    ],
)
def test_groups_that_masters_cannot_share_are_refused(more: dict[str, Any], said: str) -> None:
    got = run(lambda: Masters("cp", masters(**more)), preview=True)
    assert said in got.error
    assert not got.resources


@pytest.mark.parametrize("known", [HOSTS, MIXED, MIXED[:1]])
def test_configured_groups_are_taken_as_they_are(known: list[Any]) -> None:
    groups = [f"sg-{n}" for n in range(4)]
    assert configured.security_groups(groups, known, PLACE) == groups


@pytest.mark.parametrize("known", [HOSTS, MIXED[:1]])
def test_masters_of_one_kind_need_no_configured_group(known: list[Any]) -> None:
    assert configured.security_groups([], known, {"vswitchId": "", "vpcId": ""}) == []


@pytest.mark.parametrize(
    "missing", [{"vswitchId"}, {"vpcId"}, {"securityGroupIds"}, {*PLACE, "securityGroupIds"}]
)
def test_everything_that_masters_beside_existing_ones_need_is_named_at_once(missing: set[str]) -> None:
    place = {key: "" if key in missing else value for key, value in PLACE.items()}
    groups = [] if "securityGroupIds" in missing else ["sg-1"]
    with pytest.raises(pulumi.RunError) as refusal:
        configured.security_groups(groups, cast(Any, MIXED), place)
    lines = str(refusal.value).splitlines()[1:]
    assert {line.split()[1] for line in lines} == missing
    assert all("is needed to create m2 beside m1; give" in line for line in lines)


def test_configured_groups_that_no_instance_can_have_are_refused() -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        configured.security_groups([*"abcd", "a"], cast(Any, MIXED), PLACE)
    assert "securityGroupIds = 5: an instance is in at most 5 security groups" in str(refusal.value)
    assert "securityGroupIds[4] = 'a': is there twice" in str(refusal.value)


def test_what_does_not_reach_every_master_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    configured.warn_idle({"sshCidrs": [], "securityGroupIds": ["sg-1"]})
    configured.warn_partial({"sshCidrs": [], "apiCidrs": ["10.1.0.0/16"]}, cast(Any, MIXED[1:]))
    assert len(said) == 2
    assert "securityGroupIds = ['sg-1'] has no effect" in said[0]
    assert "apiCidrs = ['10.1.0.0/16'] is for m2 only" in said[1]
