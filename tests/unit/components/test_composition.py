"""Resource options of a component do what Pulumi users expect of them, and endpoints live beside each other."""

from collections.abc import Callable
from typing import Any, cast

import pulumi
import pulumi_alicloud as alicloud
import pytest

from components import ApiServerVip, ApiServerVipArgs, BackendArgs, BalancerArgs, SshArgs
from tests.unit.components import examples
from tests.unit.components.engine import Run, run

pytestmark = pytest.mark.unit
BOTH = pytest.mark.parametrize("preview", [True, False])


class _Owner(pulumi.ComponentResource):
    """What a larger stack puts its cluster into."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Owner", name)


class _Vm(pulumi.CustomResource):
    """Stands for an ECS instance of the stack."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Vm", name, {"name": name})


def arguments(net: int = 0, **more: Any) -> ApiServerVipArgs:
    """Return arguments by keywords, as a program has them; `net` keeps several apart."""
    first, second = f"10.0.{net}.11", f"10.0.{net}.12"
    args = ApiServerVipArgs(
        vswitch_id=f"vsw-{net}",
        vswitch_cidr="10.0.0.0/16",
        vip=f"10.0.{net}.10",
        balancers=[
            BalancerArgs(name="m1", instance_id=f"i-{net}1", address=first),
            BalancerArgs(name="m2", instance_id=f"i-{net}2", address=second),
        ],
        backends=[BackendArgs(name="m1", address=first), BackendArgs(name="m2", address=second)],
        ssh=SshArgs(private_key=examples.KEY),
        eip={},
        tags={"team": "platform"},
    )
    return cast(ApiServerVipArgs, {**args, **more})


def program(*, preview: bool, **options: Any) -> Run:
    """Run a program of one endpoint with these resource options, made where resources can be."""

    def body() -> None:
        made = {key: value() if callable(value) else value for key, value in options.items()}
        ApiServerVip("cp", arguments(), pulumi.ResourceOptions(**made))

    got = run(body, preview=preview)
    assert got.error == ""
    return got


def ours(got: Run) -> dict[str, Any]:
    """Return the component and all that is in it."""
    return {key: one for key, one in got.resources.items() if one.name.startswith("cp")}


@BOTH
def test_everything_is_inside_the_component_and_that_where_it_was_put(preview: bool) -> None:
    got = program(preview=preview, parent=lambda: _Owner("cluster"))
    inside = ours(got)
    assert inside["kube-apiserver-havip:index:ApiServerVip::cp"].parent == "cluster"
    names = {one.name for one in inside.values()}
    assert all(one.parent in names for one in inside.values() if one.name != "cp"), "nothing hangs elsewhere"


@BOTH
def test_a_provider_of_its_own_is_used_for_all_of_the_cloud(preview: bool) -> None:
    got = program(preview=preview, provider=lambda: alicloud.Provider("beijing", region="cn-beijing"))
    cloud = [one for one in ours(got).values() if one.type.startswith("alicloud:")]
    assert len(cloud) == 5, "HaVip, two attachments, EIP and its association"
    assert {one.provider for one in cloud} == {"beijing"}


@BOTH
def test_protect_covers_everything(preview: bool) -> None:
    assert all(one.protect for one in ours(program(preview=preview, protect=True)).values())


@BOTH
def test_what_dies_with_something_else_takes_all_its_parts_along(preview: bool) -> None:
    inside = ours(program(preview=preview, deleted_with=lambda: _Vm("vpc")))
    own = inside.pop("kube-apiserver-havip:index:ApiServerVip::cp")
    assert own.deleted_with == "vpc"
    # The engine hands it on to children that have nothing of their own.
    assert {one.deleted_with for one in inside.values()} == {""}


@BOTH
def test_a_renamed_component_keeps_its_parts(preview: bool) -> None:
    inside = ours(program(preview=preview, aliases=[pulumi.Alias(name="old")]))
    assert inside["kube-apiserver-havip:index:ApiServerVip::cp"].aliases == {"old"}
    # What the engine asks for, to hand the alias on: names that begin with the parent's.
    parts = [one for one in inside.values() if one.parent in {other.name for other in inside.values()}]
    assert len(parts) > 20
    assert [one.name for one in parts if not one.name.startswith(one.parent)] == []
    bundles = [one.inputs["stdin"] for name, one in inside.items() if name.endswith("-haproxy")]
    assert all("\n==== formerly old\n" in bundle for bundle in bundles), "its hosts know it again"
    removal = inside["command:local:Command::cp-m1-removal"].inputs["environment"]["value"]
    assert removal["HAVIP_COMMAND"].endswith("/hostctl retire cp old -- m1")


@BOTH
def test_an_alias_that_is_a_urn_has_the_name_too(preview: bool) -> None:
    urn = "urn:pulumi:s::p::kube-apiserver-havip:index:ApiServerVip::older"
    inside = ours(program(preview=preview, aliases=[urn, pulumi.Alias(type_="x")]))
    assert "\n==== formerly older\n" in inside["command:remote:Command::cp-m1-haproxy"].inputs["stdin"]


@BOTH
def test_transforms_reach_every_part(preview: bool) -> None:
    def keep(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != "alicloud:ecs/eipAddress:EipAddress":
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(ignore_changes=["bandwidth"]))
        return pulumi.ResourceTransformationResult({**args.props, "bandwidth": "9"}, opts)

    eip = program(preview=preview, transformations=[keep]).of("EipAddress")["cp-eip"]
    assert eip.inputs["bandwidth"] == "9"
    assert eip.ignore_changes == ("bandwidth",)


@BOTH
def test_tags_are_on_everything_that_can_have_them(preview: bool) -> None:
    got = program(preview=preview)
    tagged = {one.name for one in got.resources.values() if one.inputs.get("tags") == {"team": "platform"}}
    assert tagged == {"cp-havip", "cp-eip"}, "attachments and associations have none"


@BOTH
def test_two_endpoints_beside_each_other(preview: bool) -> None:
    def body() -> None:
        for net, name in enumerate(("blue", "green")):
            ApiServerVip(name, {**arguments(net), "vswitch_id": "vsw-shared"})

    got = run(body, preview=preview)
    assert got.error == ""
    assert set(got.of("HaVipv2")) == {"blue-havip", "green-havip"}
    parts = [one.name.partition("-")[0] for one in got.resources.values()]
    assert parts.count("blue") == parts.count("green")


def _same_id(_: _Vm) -> dict[str, Any]:
    return {"balancers": [{"name": "x", "instance_id": "i-01", "address": "10.0.1.11"}, *OTHER]}


def _same_output(vm: _Vm) -> dict[str, Any]:
    return {"balancers": [{"name": "x", "instance_id": vm.id, "address": "10.0.1.11"}, *OTHER]}


def _same_instance(vm: _Vm) -> dict[str, Any]:
    own: Any = {"name": "x", "instance_id": vm.id.apply(str), "address": "10.0.1.11", "instance": vm}
    return {"balancers": [own, *OTHER]}


def _same_address(_: _Vm) -> dict[str, Any]:
    shared: Any = {"name": "x", "instance_id": "i-x", "address": "10.0.0.11"}
    return {"vswitch_id": "vsw-0", "balancers": [shared, *OTHER]}


OTHER = [{"name": "y", "instance_id": "i-y", "address": "10.0.1.12"}]


@BOTH
@pytest.mark.parametrize("share", [_same_id, _same_output, _same_instance, _same_address])
def test_a_host_serves_one_endpoint(share: Callable[[_Vm], dict[str, Any]], preview: bool) -> None:
    def body() -> None:
        vm = _Vm("vm")
        first: Any = {**arguments()}
        if share in (_same_output, _same_instance):
            first["balancers"][0] |= {"instance_id": vm.id, "instance": vm}
        ApiServerVip("blue", first)
        ApiServerVip("green", cast(ApiServerVipArgs, {**arguments(1), **share(vm)}))

    got = run(body, preview=preview)
    assert "balancers[0] = 'x': serves the endpoint 'blue' of this program already" in got.error
    assert not [one for one in got.resources.values() if one.name.startswith("green")]


@BOTH
def test_a_vip_is_one_endpoints(preview: bool) -> None:
    def body() -> None:
        ApiServerVip("blue", arguments())
        ApiServerVip("green", {**arguments(1), "vswitch_id": "vsw-0", "vip": "10.0.0.10"})

    got = run(body, preview=preview)
    assert "vip = '10.0.0.10': is the VIP of the endpoint 'blue'" in got.error


def test_runs_in_one_process_know_nothing_of_each_other() -> None:
    for preview in (True, True, False, False):
        assert run(lambda: ApiServerVip("cp", arguments()), preview=preview).error == ""


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect warnings."""
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: found.append(text))
    return found


def test_equal_router_ids_in_one_vswitch_are_pointed_out(warned: list[str]) -> None:
    def body() -> None:
        for net, (name, vswitch) in enumerate({"blue": "vsw-1", "green": "vsw-1", "red": "vsw-2"}.items()):
            more: Any = {"vswitch_id": vswitch, "keepalived": {"virtual_router_id": 7}}
            ApiServerVip(name, {**arguments(net), **more})

    assert run(body, preview=True).error == ""
    assert len(warned) == 1
    assert "green: its VRRP router id 7 is that of blue" in warned[0]


def test_more_balancers_than_every_account_may_attach_are_pointed_out(warned: list[str]) -> None:
    third: Any = {"name": "m3", "instance_id": "i-3", "address": "10.0.0.13"}
    more = {**arguments(), "balancers": [*arguments()["balancers"], third]}
    assert run(lambda: ApiServerVip("cp", cast(ApiServerVipArgs, more)), preview=True).error == ""
    assert len(warned) == 1
    assert "cp: 3 balancers; some accounts attach no more than 2" in warned[0]


@BOTH
def test_a_havip_made_by_hand_is_imported_and_outlives_the_stack(preview: bool) -> None:
    more: Any = {"adopt": {"ha_vip_id": "havip-9", "balancers": ["m1"]}}
    got = run(lambda: ApiServerVip("cp", {**arguments(), **more}), preview=preview)
    assert got.error == ""
    havip = got.of("HaVipv2")["cp-havip"]
    assert (havip.import_id, havip.retain_on_delete) == ("havip-9", True)
    attached, new = (got.of("HAVipAttachment")[f"cp-{name}-attachment"] for name in ("m1", "m2"))
    assert (attached.import_id, attached.retain_on_delete) == ("havip-9:i-01", True)
    assert (new.import_id, new.retain_on_delete) == ("", False), "what the stack attaches, it detaches"


def test_an_id_to_import_under_must_be_plain() -> None:
    def body() -> None:
        more: Any = {**arguments(), "adopt": {"ha_vip_id": "havip-9"}}
        more["balancers"][0]["instance_id"] = _Vm("vm").id
        ApiServerVip("cp", more)

    assert "balancers[0].instance_id = 'an Output': is part of the id" in run(body, preview=True).error


@BOTH
def test_two_endpoints_whose_resources_would_have_one_name_are_refused(preview: bool) -> None:
    def body() -> None:
        first, second = arguments(0), arguments(1)
        first["balancers"][0]["name"] = "eu-m1"
        ApiServerVip("prod", first)
        ApiServerVip("prod-eu", second)

    got = run(body, preview=preview)
    named = "its resources would be called prod-eu-m1, as some of the endpoint 'prod' of this program are"
    assert f"balancers[0].name = 'm1': {named}; give the host, or one of the two, another name" in got.error
    assert "kube-apiserver-havip:index:ApiServerVip::prod-eu" not in got.resources
