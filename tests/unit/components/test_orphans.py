"""What a killed ``up`` left: told from pending creates and what the cloud shows, and named with its remedy."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.preflight import interrupted, orphans, state
from components.preflight.orphans import Create, Orphan

pytestmark = pytest.mark.unit
PREFIX = "urn:pulumi:dev::kube-apiserver-havip::"
PARENT = f"{PREFIX}kube-apiserver-havip:index:ApiServerVip::k8s-dev"
PROVIDER = f"{PREFIX}pulumi:providers:alicloud::default_4_0_0"
HA_VIP = "alicloud:vpc/haVipv2:HaVipv2"
ATTACHMENT = "alicloud:vpc/hAVipAttachment:HAVipAttachment"
ASSOCIATION = "alicloud:ecs/eipAssociation:EipAssociation"
EIP = "alicloud:ecs/eipAddress:EipAddress"
WANTED = {"haVipName": "k8s-dev", "vswitchId": "vsw-1", "ipAddress": "10.0.0.10", "tags": {"a": "b"}}
SHOWN = {
    "id": "havip-1",
    "havipName": "k8s-dev",
    "vswitchId": "vsw-1",
    "ipAddress": "10.0.0.10",
    "associatedInstances": [],
}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "alicloud:vpc/network:Network": (
        {"vpcName": "k8s-dev", "cidrBlock": "10.0.0.0/16"},
        {"id": "vpc-1", "vpcName": "k8s-dev", "cidrBlock": "10.0.0.0/16", "vswitchIds": []},
    ),
    "alicloud:vpc/switch:Switch": (
        {"vswitchName": "k8s-dev", "vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24", "zoneId": "z"},
        {
            "id": "vsw-1",
            "vswitchName": "k8s-dev",
            "vpcId": "vpc-1",
            "cidrBlock": "10.0.0.0/24",
            "zoneId": "z",
        },
    ),
    "alicloud:ecs/securityGroup:SecurityGroup": (
        {"securityGroupName": "k8s-dev", "vpcId": "vpc-1"},
        {"id": "sg-1", "name": "k8s-dev", "vpcId": "vpc-1"},
    ),
    "alicloud:ecs/ecsKeyPair:EcsKeyPair": (
        {"keyPairName": "k8s-dev", "publicKey": "ssh-ed25519 A"},
        {"id": "k8s-dev", "keyPairName": "k8s-dev"},
    ),
    "alicloud:ecs/instance:Instance": (
        {"instanceName": "m1", "privateIp": "10.0.0.11", "vswitchId": "vsw-1"},
        {"id": "i-1", "name": "m1", "privateIp": "10.0.0.11", "vswitchId": "vsw-1"},
    ),
    HA_VIP: (WANTED, SHOWN),
    EIP: (
        {"addressName": "m1", "bandwidth": "5"},
        {"id": "eip-1", "addressName": "m1", "bandwidth": "5", "instanceId": ""},
    ),
}


def urn(type_: str, name: str) -> str:
    return f"{PREFIX}kube-apiserver-havip:index:ApiServerVip${type_}::{name}"


def operation(type_: str, name: str, inputs: dict[str, Any], kind: str = "creating") -> dict[str, Any]:
    """Return a pending operation the way a state has it."""
    resource = {
        "type": type_,
        "urn": urn(type_, name),
        "inputs": inputs,
        "parent": PARENT,
        "provider": f"{PROVIDER}::04da6b54",
        "custom": True,
    }
    return {"resource": resource, "type": kind}


def deleting(type_: str, id_: str) -> dict[str, Any]:
    """Return a pending delete the way a state has it."""
    pending = operation(type_, "one", {}, "deleting")
    return {**pending, "resource": {**pending["resource"], "id": id_}}


def create(type_: str, inputs: dict[str, Any], name: str = "one") -> Create:
    [found] = orphans.pending({"pending_operations": [operation(type_, name, inputs)]})
    return found


def test_creates_that_may_have_left_something_are_found_once_each() -> None:
    ha_vip = operation(HA_VIP, "k8s-dev-havip", WANTED)
    deployment = {
        "pending_operations": [
            ha_vip,
            ha_vip,
            operation(HA_VIP, "updated", WANTED, "updating"),
            operation("command:remote:Command", "k8s-dev-m1-haproxy", {}),
            operation("alicloud:ecs/securityGroupRule:SecurityGroupRule", "rule", {}),
        ]
    }
    [found] = orphans.pending(deployment)
    assert (found.name, found.parent, found.provider) == ("k8s-dev-havip", PARENT, PROVIDER)
    assert orphans.pending({}) == []


@pytest.mark.parametrize("type_", KINDS)
def test_what_a_create_made_is_told_by_its_inputs(type_: str) -> None:
    inputs, shown = KINDS[type_]
    one = create(type_, inputs)
    assert orphans.question(one).token.startswith(type_.partition("/")[0])
    assert None not in orphans.question(one).arguments.values()
    assert orphans.orphan(one, [shown], {}) == Orphan(one, (shown["id"],))
    assert orphans.orphan(one, [], {}) is None
    for key in (key for key in shown if key not in ("id", "vswitchIds", "associatedInstances", "instanceId")):
        assert orphans.orphan(one, [{**shown, key: "other"}], {}) is None, key


def test_an_input_that_was_not_given_or_is_secret_tells_nothing() -> None:
    for inputs in (
        {**WANTED, "ipAddress": {"4dabf18193072939515e22adb298388d": "x"}},
        {"vswitchId": "vsw-1"},
    ):
        assert orphans.orphan(create(HA_VIP, inputs), [SHOWN], {}) is not None
    assert orphans.orphan(create(HA_VIP, {}), [SHOWN], {}) is None


@pytest.mark.parametrize(
    ("type_", "use"),
    [
        (HA_VIP, {"associatedInstances": ["i-1"]}),
        ("alicloud:vpc/network:Network", {"vswitchIds": ["vsw-9"]}),
        (EIP, {"instanceId": "i-9"}),
    ],
)
def test_what_something_was_built_on_is_somebody_elses(type_: str, use: dict[str, Any]) -> None:
    inputs, shown = KINDS[type_]
    assert orphans.orphan(create(type_, inputs), [{**shown, **use}], {}) is None


def test_what_the_state_has_is_no_orphan() -> None:
    one = create(HA_VIP, WANTED)
    recorded = {"type": HA_VIP, "urn": one.urn, "id": "havip-1"}
    assert orphans.orphan(one, [SHOWN], {"resources": [recorded, {"type": "x", "urn": "y"}]}) is None
    # A name may be the id of something of another kind.
    other = {"type": EIP, "urn": "e", "id": "havip-1"}
    assert orphans.orphan(one, [SHOWN], {"resources": [other]}) is not None


LINKS = pytest.mark.parametrize(
    ("type_", "inputs", "shown", "id_"),
    [
        (
            ATTACHMENT,
            {"haVipId": "havip-1", "instanceId": "i-2"},
            {"id": "havip-1", "associatedInstances": ["i-1", "i-2"]},
            "havip-1:i-2",
        ),
        (
            ASSOCIATION,
            {"allocationId": "eip-1", "instanceId": "i-2"},
            {"id": "eip-1", "instanceId": "i-2"},
            "eip-1:i-2",
        ),
    ],
)


@LINKS
def test_a_link_is_told_by_both_its_ends(
    type_: str, inputs: dict[str, Any], shown: dict[str, Any], id_: str
) -> None:
    one = create(type_, inputs)
    assert orphans.question(one).arguments["ids"] == [shown["id"]]
    assert orphans.orphan(one, [shown], {}) == Orphan(one, (id_,))
    assert orphans.orphan(one, [{**shown, "id": "other"}], {}) is None
    assert orphans.orphan(create(type_, {**inputs, "instanceId": "i-3"}), [shown], {}) is None
    assert orphans.orphan(one, [], {}) is None
    recorded = {"type": type_, "urn": one.urn, "id": id_}
    assert orphans.orphan(one, [shown], {"resources": [recorded]}) is None


def test_the_message_has_value_rule_and_the_commands_to_run() -> None:
    one = create(HA_VIP, WANTED, "k8s-dev-havip")
    text = orphans.message("dev", [Orphan(one, ("havip-1",))], [], [])
    assert "nothing was changed" in text
    assert f"k8s-dev-havip = 'havip-1' ({HA_VIP}, {one.urn}): it was made, and is not in the state" in text
    command = (
        f"pulumi import {HA_VIP} k8s-dev-havip havip-1 --parent parent={PARENT} --provider provider={PROVIDER} "
        "--protect=false --generate-code=false --skip-preview --yes --stack dev"
    )
    lines = [line.strip() for line in text.splitlines()]
    assert command in lines
    assert lines[-1] == "pulumi refresh --clear-pending-creates --skip-preview --yes --stack dev"


def test_a_name_with_a_shells_own_characters_is_one_word() -> None:
    one = Create(HA_VIP, f"{PREFIX}{HA_VIP}::a $b", WANTED)
    assert orphans.import_command(one, "havip-1", "dev").startswith(
        f"pulumi import {HA_VIP} 'a $b' havip-1 -"
    )


def test_what_is_in_no_component_has_no_parent_to_name() -> None:
    one = Create(
        HA_VIP, f"{PREFIX}{HA_VIP}::a", WANTED, f"{PREFIX}pulumi:pulumi:Stack::kube-apiserver-havip-dev"
    )
    assert "--parent" not in orphans.import_command(one, "havip-1", "dev")


def test_of_several_that_look_alike_each_has_its_command() -> None:
    one = create(HA_VIP, WANTED)
    text = orphans.message("dev", [Orphan(one, ("havip-1", "havip-2"))], [], [])
    assert "'havip-1 or havip-2'" in text
    assert text.count("pulumi import") == 2


def test_what_has_no_place_in_the_state_is_to_be_deleted() -> None:
    one = create(HA_VIP, WANTED)
    recorded = {"type": HA_VIP, "urn": one.urn, "id": "havip-0"}
    found = orphans.orphan(one, [SHOWN], {"resources": [recorded]})
    assert found is not None
    text = orphans.message("dev", [found], [], [])
    assert "delete it in the console" in text
    assert "pulumi import" not in text


class _Engine:
    """A stack's state, and a cloud."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.operations: list[dict[str, Any]] = []
        self.objects: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.said: list[str] = []
        monkeypatch.setattr(state, "run_pulumi", self.export)
        monkeypatch.setattr(pulumi.runtime, "invoke", self.invoke)
        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
        monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
        monkeypatch.setattr(pulumi, "get_organization", lambda: "organization")
        monkeypatch.setattr(pulumi.log, "warn", self.said.append)
        monkeypatch.setattr(pulumi.log, "info", self.said.append)

    def export(self, stack: str, *arguments: str) -> str:
        assert (stack, arguments) == ("dev", ("stack", "export"))
        return json.dumps({"deployment": {"pending_operations": self.operations}})

    def invoke(self, token: str, _arguments: object, opts: pulumi.InvokeOptions) -> object:
        assert opts.version, "else there would be another default provider"
        self.asked.append(token)
        return _Answer(self.objects)


class _Answer:
    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> _Engine:
    """Return a stack that nothing was cut off in."""
    return _Engine(monkeypatch)


def test_without_pending_creates_the_cloud_is_not_asked(engine: _Engine) -> None:
    interrupted.check(interrupted.deployment())
    assert (engine.asked, engine.said) == ([], [])


def test_a_preview_asks_nothing(engine: _Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.operations = [operation(HA_VIP, "k8s-dev-havip", WANTED)]
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    interrupted.check(interrupted.deployment())
    assert engine.asked == []


DELETED = pytest.mark.parametrize(
    ("type_", "id_", "there", "gone"),
    [
        (
            ATTACHMENT,
            "havip-1:i-2",
            {"id": "havip-1", "associatedInstances": ["i-1", "i-2"]},
            {"id": "havip-1", "associatedInstances": ["i-1"]},
        ),
        (
            ASSOCIATION,
            "eip-1:havip-1",
            {"id": "eip-1", "instanceId": "havip-1"},
            {"id": "eip-1", "instanceId": ""},
        ),
        (EIP, "eip-1", {"id": "eip-1", "instanceId": ""}, {"id": "eip-2", "instanceId": ""}),
    ],
)


@DELETED
def test_a_delete_that_was_done_stops_the_run_and_one_that_was_not_stops_nothing(
    engine: _Engine, type_: str, id_: str, there: dict[str, Any], gone: dict[str, Any]
) -> None:
    engine.operations = [deleting(type_, id_), deleting(type_, id_)]
    engine.objects = {"havips": [there], "addresses": [there]}
    interrupted.check(interrupted.deployment())
    for left in ([gone], []):
        engine.objects = {"havips": left, "addresses": left}
        with pytest.raises(pulumi.RunError) as refused:
            interrupted.check(interrupted.deployment())
        said = str(refused.value)
        assert "how 1 of its steps ended, nothing was changed" in said
        assert (
            f"one = '{id_}' ({type_}, {urn(type_, 'one')}): it was deleted, and is in the state still" in said
        )
        assert said.splitlines()[-1].strip() == orphans.clear_command("dev")
    assert len(engine.asked) == 3, "each delete once"


def test_a_delete_with_another_provider_is_not_asked_of_this_one(engine: _Engine) -> None:
    pending = deleting(EIP, "eip-1")
    pending["resource"]["provider"] = "urn:pulumi:dev::k::pulumi:providers:alicloud::elsewhere::04da6b54"
    engine.operations = [pending]
    interrupted.check(interrupted.deployment())
    assert engine.asked == []


def test_of_what_can_be_deleted_twice_the_cloud_is_not_asked(engine: _Engine) -> None:
    engine.operations = [
        deleting(HA_VIP, "havip-1"),
        deleting("command:remote:Command", "k8s-dev-m1-haproxy"),
    ]
    interrupted.check(interrupted.deployment())
    assert engine.asked == []


def test_a_delete_that_the_cloud_cannot_be_asked_of_names_the_command_that_asks_again(
    engine: _Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> object:
        raise RuntimeError("Forbidden.RAM")

    engine.operations = [deleting(ATTACHMENT, "havip-1:i-2")]
    monkeypatch.setattr(pulumi.runtime, "invoke", refuse)
    with pytest.raises(pulumi.RunError, match=r"whether it was deleted \(Forbidden\.RAM\); the last command"):
        interrupted.check(interrupted.deployment())


def test_a_step_on_a_host_that_was_cut_off_is_a_warning_with_what_to_do_if_it_is_taken_back(
    engine: _Engine,
) -> None:
    step = operation("command:remote:Command", "k8s-dev-m1-haproxy", {}, "updating")
    of_ours = "kube-apiserver-havip:index:BalancerHost$command:remote:Command"
    step["resource"]["urn"] = urn(of_ours, "k8s-dev-m1-haproxy")
    engine.operations = [
        step,
        operation("command:remote:Command", "somebody-s-own", {}, "updating"),
        operation(HA_VIP, "k8s-dev-havip", WANTED, "updating"),
    ]
    interrupted.check(interrupted.deployment())
    [said] = engine.said
    assert "changed hosts (k8s-dev-m1-haproxy)" in said
    assert "`python -m components verify --repair`" in said


def test_an_orphan_stops_the_run(engine: _Engine) -> None:
    engine.operations = [operation(HA_VIP, "k8s-dev-havip", WANTED)]
    engine.objects = {"havips": [SHOWN]}
    with pytest.raises(pulumi.RunError, match=r"pulumi import .* havip-1 "):
        interrupted.check(interrupted.deployment())


def test_creates_that_made_nothing_stop_nothing(engine: _Engine) -> None:
    engine.operations = [operation(HA_VIP, "k8s-dev-havip", WANTED)]
    engine.objects = {"havips": []}
    interrupted.check(interrupted.deployment())
    assert engine.asked == ["alicloud:vpc/getHavips:getHavips"]
    [said] = engine.said
    assert "left nothing of k8s-dev-havip" in said


def test_a_cloud_that_cannot_be_asked_stops_the_run(engine: _Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> object:
        raise RuntimeError("Forbidden.RAM:\n  no")

    engine.operations = [operation(HA_VIP, "k8s-dev-havip", WANTED)]
    monkeypatch.setattr(pulumi.runtime, "invoke", refuse)
    with pytest.raises(pulumi.RunError, match=r"k8s-dev-havip: .*Forbidden\.RAM: no"):
        interrupted.check(interrupted.deployment())


@pytest.mark.parametrize("organization", ["organization", "acme"])
def test_the_stack_is_named_in_full_where_there_are_organizations(
    engine: _Engine, monkeypatch: pytest.MonkeyPatch, organization: str
) -> None:
    asked: list[str] = []
    export: Callable[..., str] = engine.export

    def of(stack: str, *arguments: str) -> str:
        asked.append(stack)
        return export("dev", *arguments)

    monkeypatch.setattr(state, "run_pulumi", of)
    monkeypatch.setattr(pulumi, "get_organization", lambda: organization)
    monkeypatch.setattr(pulumi, "get_project", lambda: "p")
    interrupted.check(interrupted.deployment())
    assert asked == ["dev" if organization == "organization" else "acme/p/dev"]


def test_a_state_that_is_being_written_is_read_again(
    engine: _Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = iter(["", '{"deployment": {'])

    def export(stack: str, *arguments: str) -> str:
        return next(broken, engine.export(stack, *arguments))

    monkeypatch.setattr(interrupted, "PAUSE_S", 0)
    monkeypatch.setattr(state, "run_pulumi", export)
    engine.operations = [operation(HA_VIP, "k8s-dev-havip", WANTED)]
    engine.objects = {"havips": [SHOWN]}
    with pytest.raises(pulumi.RunError, match=r"pulumi import .* havip-1 "):
        interrupted.check(interrupted.deployment())


def test_a_state_that_cannot_be_read_is_a_warning(engine: _Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: str) -> str:
        raise state.StateError("there is no pulumi on PATH")

    monkeypatch.setattr(interrupted, "PAUSE_S", 0)
    monkeypatch.setattr(state, "run_pulumi", absent)
    assert interrupted.deployment() is None
    [said] = engine.said
    assert "there is no pulumi on PATH" in said


def test_what_a_new_stack_has_is_known_to_be_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    assert interrupted.deployment() == {}
