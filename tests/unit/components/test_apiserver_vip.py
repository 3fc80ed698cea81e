"""What ``ApiServerVip`` registers, in which order, and what it refuses. In both modes of a run."""

import json
from collections.abc import Callable
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import mocks

from components import ApiServerVip, ApiServerVipArgs
from components.preflight import configured
from tests.unit.components import engine, examples
from tests.unit.components.engine import HAVIP_PICKED, Recorder, Run, revealed, run

pytestmark = pytest.mark.unit
KEY = examples.KEY
PASSWORD = "k8s_auth"
HOST_STEPS = ("tool", "packages", "haproxy", "keepalived", "join")


class _Vm(pulumi.CustomResource):
    """Stands for an ECS instance of the stack."""

    def __init__(self, name: str, about: pulumi.Input[str] = "") -> None:
        super().__init__("test:index:Vm", name, {"name": about or name})


def arguments() -> dict[str, Any]:
    args = examples.topology()
    args |= {"vswitch_id": "vsw-1", "ssh": {"private_key": KEY}, "tags": {"team": "platform"}}
    for index, balancer in enumerate(args["balancers"], 1):
        balancer["instance_id"] = f"i-{index}"
    args["backends"][2]["ssh"] = {}
    return args


def up(
    change: Callable[[dict[str, Any]], object] | None = None, *, preview: bool = False
) -> tuple[Run, dict[str, Any]]:
    """Run a program of one endpoint; its outputs as far as they are known."""
    outputs: dict[str, Any] = {}

    def program() -> None:
        args = arguments()
        if change:
            change(args)
        made = ApiServerVip("cp", cast(ApiServerVipArgs, args))
        for key in ("vip", "control_plane_endpoint", "endpoint", "ha_vip_id", "eip", "budget"):
            getattr(made, key).apply(lambda value, key=key: outputs.__setitem__(key, value))

    return run(program, preview=preview), outputs


def asked(got: Run) -> dict[str, Any]:
    """What the end of the ``up`` asks."""
    questions: dict[str, Any] = json.loads(revealed(got.of("local:Command")["cp-verify"].inputs["stdin"]))
    return questions


@pytest.mark.parametrize("preview", [True, False])
def test_the_graph(preview: bool) -> None:
    got, outputs = up(preview=preview)
    assert got.error == ""
    commands = got.of("remote:Command")
    hosts = [f"cp-k8s-master0{n}" for n in (1, 2)]
    expected = {f"{host}-{step}" for host in hosts for step in HOST_STEPS}
    assert set(commands) == expected
    here = {name for name in got.of("local:Command") if not name.endswith("-host-key")}
    assert here == {
        "cp-verify",
        "cp-ready",
        *(f"{host}-{what}" for host in hosts for what in ("removal", "handover")),
    }
    for host in hosts:
        assert {commands[f"{host}-{step}"].parent for step in HOST_STEPS} == {host}
    assert set(got.of("HAVipAttachment")) == {f"{host}-attachment" for host in hosts}
    assert all(attachment.inputs["force"] is True for attachment in got.of("HAVipAttachment").values())
    assert got.of("HaVipv2")["cp-havip"].inputs["ipAddress"] == "10.0.0.10"
    assert got.of("HaVipv2")["cp-havip"].inputs["tags"] == {"team": "platform"}
    assert outputs["vip"] == "10.0.0.10"
    assert outputs["control_plane_endpoint"] == "10.0.0.10:16443"
    assert outputs["endpoint"] == "https://10.0.0.10:16443"
    assert outputs["eip"] == ""
    assert outputs["budget"]["host_loss"] < 1000


@pytest.mark.parametrize("preview", [True, False])
def test_files_are_known_and_in_the_open(preview: bool) -> None:
    commands = up(preview=preview)[0].of("remote:Command")
    for name, command in commands.items():
        assert "connection" in command.secrets
        assert command.secrets == {"connection"}, name
        assert command.inputs["stdin"], f"{name}: its text must be known at preview"
        assert command.inputs["addPreviousOutputInEnv"] is False
        assert KEY not in command.inputs["stdin"]
        assert "i-1" not in command.inputs["stdin"].split()


def test_backup_first_then_the_planned_holder() -> None:
    got = up()[0]
    commands = got.of("remote:Command")
    first, last = "cp-k8s-master02", "cp-k8s-master01"
    assert f"{first}-keepalived" in commands[f"{last}-haproxy"].depends_on
    assert f"{last}-keepalived" not in commands[f"{first}-haproxy"].depends_on
    attachments = {f"{host}-attachment" for host in (first, last)}
    for host in (first, last):
        assert attachments | {f"{host}-haproxy"} <= commands[f"{host}-keepalived"].depends_on
        assert commands[f"{host}-packages"].depends_on == {f"{host}-tool", f"{host}-host-key"}, (
            "packages of all hosts in parallel"
        )
        assert "cp-havip" in commands[f"{host}-tool"].depends_on
    joined = {f"{first}-join", f"{last}-join"}
    assert joined <= got.of("local:Command")["cp-verify"].depends_on


@pytest.mark.parametrize("preview", [True, False])
def test_what_takes_the_endpoint_waits_for_every_balancer(preview: bool) -> None:
    taken = ("vip", "control_plane_endpoint", "endpoint")

    def program() -> None:
        made = ApiServerVip("cp", cast(ApiServerVipArgs, arguments()))
        for output in taken:
            _Vm(output, getattr(made, output))

    got = run(program, preview=preview)
    assert got.error == ""
    joined = {f"cp-k8s-master0{n}-join" for n in (1, 2)}
    ready = got.of("local:Command")["cp-ready"]
    assert joined <= ready.depends_on
    assert "cp-verify" not in ready.depends_on, "before kubeadm init there is nothing to verify"
    for output in taken:
        one = got.of("index:Vm")[output]
        assert "10.0.0.10" in one.inputs["name"], "known in every preview"
        # The steps of a host are replaced with its instance: what is built on them could be, too.
        assert one.depends_on == {"cp-ready"}
    assert ready.built_on == frozenset()


def test_nobody_takes_part_in_vrrp_before_all_are_configured() -> None:
    commands = up()[0].of("remote:Command")
    last_configured = "cp-k8s-master01-keepalived"
    first, second = (commands[f"cp-k8s-master0{n}-join"] for n in (1, 2))
    assert last_configured in first.depends_on & second.depends_on
    assert not {first.name, second.name} & (first.depends_on | second.depends_on), "side by side"
    assert "vip 10.0.0.10\n" in first.inputs["stdin"], "whoever has to say something else joins anew"


def test_a_new_instance_is_configured_anew() -> None:
    commands = up()[0].of("remote:Command")
    for step in HOST_STEPS:
        command = commands[f"cp-k8s-master01-{step}"]
        assert command.inputs["triggers"] == ["i-1"]


def test_steps_die_with_their_instance() -> None:
    def with_instance(args: dict[str, Any]) -> None:
        args["balancers"][0]["instance"] = _Vm("vm")

    commands = up(with_instance)[0].of("remote:Command")
    assert {commands[f"cp-k8s-master01-{step}"].deleted_with for step in HOST_STEPS} == {"vm"}
    assert {commands[f"cp-k8s-master02-{step}"].deleted_with for step in HOST_STEPS} == {""}


def test_a_vip_picked_by_the_cloud() -> None:
    def no_vip(args: dict[str, Any]) -> None:
        del args["vip"]

    planned, outputs = up(no_vip, preview=True)
    commands = planned.of("remote:Command")
    assert planned.error == ""
    assert "vip" not in outputs
    assert "stdin" not in commands["cp-k8s-master01-keepalived"].inputs, "unknown, as it must be"
    assert "frontend" in commands["cp-k8s-master01-haproxy"].inputs["stdin"], "does not depend on the VIP"
    done, outputs = up(no_vip)
    assert outputs["control_plane_endpoint"] == f"{HAVIP_PICKED}:16443"
    assert HAVIP_PICKED in done.of("remote:Command")["cp-k8s-master01-keepalived"].inputs["stdin"]


@pytest.mark.parametrize("preview", [True, False])
def test_all_violations_before_anything_is_registered(preview: bool) -> None:
    def wrong(args: dict[str, Any]) -> None:
        args["vip"] = "10.0.0.11"
        args["port"] = 70000
        args["balancers"][1]["address"] = "10.1.0.12"
        args["keepalived"] = {"auth_pass": "K8SHA_KA_AUTH", "vrrp_version": 2}
        args["nonsense"] = 1

    got, _ = up(wrong, preview=preview)
    for part in ("vip", "70000", "10.1.0.12", "keepalived.auth_pass", "nonsense", "advert_interval_ms"):
        assert part in got.error
    assert "K8SHA" not in got.error
    assert not got.resources


def test_what_is_learned_late_is_checked_before_any_host_is_touched() -> None:
    def late(args: dict[str, Any]) -> None:
        args["balancers"][1]["address"] = _Vm("vm").id.apply(lambda _: "10.0.0.11")

    planned, _ = up(late, preview=True)
    assert planned.error == ""
    assert len(planned.of("remote:Command")) == len(HOST_STEPS) * 2
    got, _ = up(late)
    assert "is already the address of balancers[0]" in got.error
    assert not got.of("remote:Command")


def test_a_password_is_a_file_of_its_own_and_secret() -> None:
    def with_password(args: dict[str, Any]) -> None:
        args["keepalived"] = {"auth_pass": pulumi.Output.secret(PASSWORD), "vrrp_version": 2}
        args["failover"] = {"preset": "tolerant"}

    got, _ = up(with_password)
    assert got.error == ""
    commands = got.of("remote:Command")
    auth, keepalived = commands["cp-k8s-master01-auth"], commands["cp-k8s-master01-keepalived"]
    assert auth.secrets == {"connection", "stdin"}
    assert PASSWORD in str(auth.inputs["stdin"])
    assert auth.name in keepalived.depends_on
    assert "cp-k8s-master01-haproxy" in auth.depends_on, "whose files say which balancers stay"
    join = commands["cp-k8s-master01-join"]
    assert join.secrets == {"connection", "stdin"}, "a new password makes the host join anew"
    assert auth.inputs["create"].endswith("hostctl secret lead")
    assert commands["cp-k8s-master02-auth"].inputs["create"].endswith("hostctl secret")
    others = [one for one in commands.values() if not one.name.endswith(("-auth", "-join"))]
    assert all(PASSWORD not in str(command.inputs) for command in others)
    assert "include auth.conf" in keepalived.inputs["stdin"]


def test_a_secret_password_that_is_too_long_is_refused_unseen() -> None:
    def long(args: dict[str, Any]) -> None:
        args["keepalived"] = {"auth_pass": pulumi.Output.secret("K8SHA_KA_AUTH"), "vrrp_version": 2}
        args["failover"] = {"preset": "tolerant"}

    got, _ = up(long)
    assert "has 13 characters" in got.error
    assert "K8SHA" not in got.error


def test_an_eip_makes_the_endpoint_public() -> None:
    def public(args: dict[str, Any]) -> None:
        args["eip"] = {}

    got, outputs = up(public)
    assert outputs["endpoint"] == "https://203.0.113.10:16443"
    association = got.of("EipAssociation")["cp-eip"]
    assert association.inputs["instanceType"] == "HaVip"
    assert association.delete_before_replace
    joined = {f"cp-k8s-master0{n}-join" for n in (1, 2)}
    assert joined <= association.depends_on, "it leaves the old VIP when everybody has the new one"
    assert asked(got)["outside"] == outputs["endpoint"]
    assert "cp-eip" in got.of("local:Command")["cp-verify"].depends_on


def test_the_public_address_is_known_in_a_preview_whatever_becomes_of_its_association(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Recorder.new_resource

    def there(self: Recorder, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        id_, state = made(self, args)
        return id_, {**state, **engine.COMPUTED["alicloud:ecs/eipAddress:EipAddress"]}

    monkeypatch.setattr(Recorder, "new_resource", there)
    got, outputs = up(lambda args: args.__setitem__("eip", {}), preview=True)
    assert got.error == ""
    assert (outputs["eip"], outputs["endpoint"]) == ("203.0.113.10", "https://203.0.113.10:16443")


def test_the_verification_is_one_command_whose_inputs_are_secret() -> None:
    got, _ = up()
    verify = got.of("local:Command")["cp-verify"]
    assert verify.secrets == {"stdin", "environment"}
    assert KEY not in str(verify.inputs["create"]) + str(verify.inputs["environment"])
    questions = asked(got)
    assert questions["mode"] == "auto"
    assert [host["name"] for host in questions["hosts"]] == ["k8s-master02", "k8s-master01", "k8s-master03"]
    assert {host["login"]["private_key"] for host in questions["hosts"]} == {KEY}
    assert [set(host["checks"]) for host in questions["hosts"]] == [{"haproxy", "keepalived"}] * 2 + [set()]
    steps = got.of("remote:Command")
    for host in questions["hosts"][:2]:
        for service, bundle in host["checks"].items():
            assert bundle == steps[f"cp-{host['name']}-{service}"].inputs["stdin"]
    assert questions["tool"] == steps["cp-k8s-master01-tool"].inputs["stdin"]
    compile(revealed(verify.inputs["environment"])["HAVIP_SCRIPT"], "verify", "exec")


def test_every_port_is_asked_on_the_vip_and_through_every_balancer() -> None:
    questions = asked(up(lambda args: args.update(port=443, additional_ports=[16443]))[0])
    assert [target["port"] for target in questions["vips"]] == [443, 16443]
    assert [(target["name"], target["port"]) for target in questions["balancers"]] == [
        (name, port) for name in ("k8s-master01", "k8s-master02") for port in (443, 16443)
    ]


def test_balancers_are_asked_where_they_listen() -> None:
    def through(address: str) -> list[str]:
        questions = asked(up(lambda args: args.update(haproxy={"binds": [address]}))[0])
        return [target["name"] for target in questions["balancers"]]

    assert through("::") == ["k8s-master01", "k8s-master02"]
    assert through("10.0.0.10") == []


def test_sudo_for_anyone_but_root() -> None:
    def other(args: dict[str, Any]) -> None:
        args["ssh"]["user"] = "ops"

    for change, prefix in ((None, ""), (other, "sudo -n ")):
        apply = up(change)[0].of("remote:Command")["cp-k8s-master01-haproxy"].inputs["create"]
        assert apply == f"{prefix}/usr/local/lib/kube-apiserver-havip/hostctl apply haproxy"


@pytest.mark.parametrize("taken", [None, True, pulumi.Output.from_input(True)], ids=["not", "plain", "later"])
def test_a_host_is_asked_whether_it_may_be_had_before_its_tool_is_replaced(taken: Any) -> None:
    change = None if taken is None else (lambda args: args.update(take_over=taken))
    create = up(change)[0].of("remote:Command")["cp-k8s-master01-tool"].inputs["create"]
    tool = "/usr/local/lib/kube-apiserver-havip/hostctl"
    may = create.index(f"{tool}.new may {'no' if taken is None else 'yes'} cp")
    assert may < create.index(f"mv -f {tool}.new {tool}")


def test_priorities_that_come_later_do_not_change_who_is_changed_last() -> None:
    def reversed_later(args: dict[str, Any]) -> None:
        for balancer, priority in zip(args["balancers"], (100, 101), strict=True):
            balancer["priority"] = pulumi.Output.from_input(priority)

    steps = up(reversed_later)[0].of("remote:Command")
    for host, lead in (("k8s-master01", True), ("k8s-master02", False)):
        assert ("==== lead yes" in steps[f"cp-{host}-keepalived"].inputs["stdin"]) == lead
    assert "cp-k8s-master02-keepalived" in steps["cp-k8s-master01-haproxy"].depends_on


def test_verify_off_asks_nothing() -> None:
    assert "cp-verify" not in up(lambda args: args.update(verify="off"))[0].of("local:Command")


def test_a_program_can_ask_before_it_creates_the_hosts() -> None:
    ApiServerVip.check("cp", examples.topology())
    with pytest.raises(pulumi.RunError, match=r"vip = '10.0.0.12'"):
        ApiServerVip.check("cp", examples.topology() | {"vip": "10.0.0.12"})


def test_an_eip_that_nobody_may_reach_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"lets nobody reach it.*apiCidrs"):
        configured.check_public(public=True, api_cidrs=[])
    configured.check_public(public=True, api_cidrs=["192.0.2.0/24"])
    configured.check_public(public=False, api_cidrs=[])
