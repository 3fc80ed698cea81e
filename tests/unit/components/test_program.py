"""The project's own program and the examples: what their configuration makes of the components."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.preflight import configured, interrupted, state
from tests.unit.components.engine import HOST_KEY, Run, revealed
from tests.unit.components.examples import KEY
from tests.unit.components.programs import KEY_FILE, ROOT, run_file

pytestmark = pytest.mark.unit
MASTERS = ("k8s-master01", "k8s-master02", "k8s-master03")
CONFIG: dict[str, Any] = {
    "zoneId": "cn-hangzhou-i",
    "imageId": "debian",
    "vip": "10.0.0.10",
    "masters": [{"name": name, "address": f"10.0.0.1{n}"} for n, name in enumerate(MASTERS, 1)],
}


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def program(*, preview: bool = True, file: str = "__main__.py", **more: Any) -> Run:
    """Run the program with a configuration of three masters to create, and `more`."""
    config = {**CONFIG, **more}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return run_file(file, texts, preview=preview)


def priorities(got: Run) -> dict[str, int]:
    """VRRP priority of each balancer, by its name."""
    bundles = {
        name.removeprefix("k8s-stack-").removesuffix("-keepalived"): one.inputs["stdin"]
        for name, one in got.of("remote:Command").items()
        if name.endswith("-keepalived")
    }
    return {
        name: int(text.partition("    priority ")[2].split(maxsplit=1)[0]) for name, text in bundles.items()
    }


def test_the_first_balancer_in_the_configuration_is_the_planned_holder() -> None:
    first, second, third = MASTERS
    for given, expected in (([], [first, second]), ([third, first], [third, first]), ([second, first],) * 2):
        got = program(balancers=given)
        assert got.error == ""
        assert priorities(got) == dict(zip(expected, (252, 251), strict=True))
        steps = got.of("remote:Command")
        lead, other = (f"k8s-stack-{name}" for name in expected)
        assert f"{other}-keepalived" in steps[f"{lead}-haproxy"].depends_on, (
            "the planned holder is changed last"
        )


def test_0_is_no_port() -> None:
    got = program(port="0", backendPort="0", monitorPort="0")
    for key in ("port", "backends[0].port", "monitor_port"):
        assert f"{key} = 0: is not a TCP port" in got.error
    assert not got.resources


LISTS = ("masters", "balancers", "securityGroupIds", "sshCidrs", "apiCidrs", "additionalPorts")
MAPPINGS = ("failover", "haproxy", "keepalived", "healthCheck", "packages", "adopt", "tags", "sshProxy")
NO_LISTS: list[Any] = [{"x": "y"}, "text", 7, [[]], [{"x": "y"}]]
NO_MAPPINGS: list[Any] = [["x"], [7], [["x"]], [{"x": "y"}], "text", 7]
NO_BASTIONS: list[Any] = [{"user": "ops"}, {"host": "h", "prot": 1}, {"host": ["h"]}]
MALFORMED = [
    *((key, raw) for key in LISTS for raw in NO_LISTS),
    *((key, raw) for key in MAPPINGS for raw in NO_MAPPINGS),
    *(("sshProxy", raw) for raw in NO_BASTIONS),
]


@pytest.mark.parametrize(("key", "raw"), MALFORMED, ids=str)
def test_whatever_is_malformed_is_named_and_nothing_is_registered(key: str, raw: Any) -> None:
    config: dict[str, Any] = {key: json.dumps(raw)}
    got = program(**config)
    python = {"healthCheck": "health_check", "sshProxy": r"(sshProxy|ssh\.proxy)"}
    named = python.get(key, re.sub("([A-Z])", lambda letter: f"_?{letter[1]}", key))
    assert re.search(rf"- {named}[.\[\] \w]* = .*: .+; .+", got.error, re.IGNORECASE)
    assert not got.resources


@pytest.mark.parametrize("raw", [["x"], [7], [None], [["x"]], [{"ecs": 1}], {"ecs": "x"}, "x", 7, True])
def test_malformed_overrides_of_the_cloud_s_endpoints_are_refused_in_words(raw: Any) -> None:
    with pytest.raises(
        pulumi.RunError, match=r"alicloud:endpoints = .*: must be a list of mappings of texts; "
    ):
        configured.check_endpoints(raw)


def test_the_cidr_of_a_vswitch_that_exists_is_asked_for() -> None:
    place: dict[str, Any] = {"vswitchId": "vsw-1", "vpcId": "vpc-1"}
    got = program(**place)
    assert "vswitchCidr = '': is missing beside vswitchId; give that vSwitch's own CIDR" in got.error
    assert not got.resources
    assert program(**place, vswitchCidr="10.0.0.0/24").error == ""


def test_what_only_created_vswitches_have_is_no_default_that_the_engine_fills_in() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert declared["vswitchCidr"]["default"] == ""
    assert program().of("Switch")["k8s-stack-vswitch"].inputs["cidrBlock"] == "10.0.0.0/24"


def test_a_balancer_named_twice_is_refused() -> None:
    got = program(balancers=[MASTERS[0], MASTERS[0]])
    assert "balancers[1].name = 'k8s-master01': is already the name of balancers[0]" in got.error
    assert not got.resources


@pytest.mark.parametrize("preview", [True, False])
def test_everything_that_is_missing_is_named_at_once_and_before_anything_is_registered(preview: bool) -> None:
    Path("mine").write_text(KEY)
    Path("mine.pub").write_text("\n")
    own = {"sshPrivateKeyFile": "mine", "publicEndpoint": "true", "port": "70000"}
    got = program(preview=preview, zoneId="", imageId="", **own)
    lines = got.error.splitlines()[1:]
    named = ["port", "image_id", "public_key", "zone_id", "publicEndpoint"]
    assert [line.split()[1] for line in lines] == named, "each once"
    assert all("; " in line for line in lines), "with a remedy"
    assert not got.resources


@pytest.mark.parametrize("preview", [True, False])
def test_a_master_s_kube_apiserver_may_have_a_port_of_its_own(
    preview: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(pulumi, "export", lambda key, value: key == "masters" and value.apply(told.append))
    first, second, third = CONFIG["masters"]
    got = program(preview=preview, masters=[first, {**second, "port": 6444}, third])
    assert got.error == ""
    for balancer in MASTERS[:2]:
        text = got.of("remote:Command")[f"k8s-stack-{balancer}-haproxy"].inputs["stdin"]
        servers = re.findall(r"^ *server (\S+) (\S+)", text, re.MULTILINE)
        assert servers == [
            (MASTERS[0], "10.0.0.11:6443"),
            (MASTERS[1], "10.0.0.12:6444"),
            (MASTERS[2], "10.0.0.13:6443"),
        ]
    assert [[one["backend_port"] for one in masters] for masters in told] == [[6443, 6444, 6443]]


def test_a_port_that_all_masters_have_moved_to_may_become_that_of_all() -> None:
    moved = program(preview=False, masters=[{**one, "port": 6444} for one in CONFIG["masters"]])
    for_all = program(preview=False, backendPort="6444")
    assert moved.error == for_all.error == ""
    assert {key: one.inputs for key, one in moved.resources.items()} == {
        key: one.inputs for key, one in for_all.resources.items()
    }


def test_a_master_s_own_port_may_not_be_haproxys() -> None:
    first, second, third = CONFIG["masters"]
    got = program(masters=[{**first, "port": 16443}, second, third])
    assert "port = 16443: is already what kube-apiserver (backends[0]) listens on at 10.0.0.11" in got.error
    assert not got.resources


def test_a_stack_with_a_former_name_keeps_all_it_has() -> None:
    before, after = program(), program(formerName="k8s-old")
    components = [one for one in after.resources.values() if one.aliases]
    ours = "kube-apiserver-havip:index"
    assert {one.type: one.aliases for one in components} == {
        f"{ours}:{kind}": {"k8s-old"} for kind in ("Network", "Masters", "ApiServerVip")
    }
    assert not [one for one in before.resources.values() if one.aliases]
    # The engine hands the alias on to parts whose names begin with their parent's.
    made = {one.name for one in after.resources.values()}
    parts = [one for one in after.resources.values() if one.parent in made]
    assert len(parts) > 30
    assert [one.name for one in parts if not one.name.startswith(one.parent)] == []
    # Under another name the cloud would make another pair, and instances be rebooted for it.
    assert "keyPairName" in after.of("EcsKeyPair")["k8s-stack-key"].ignore_changes


def resource(type_: str, name: str, parent: str = "pulumi:pulumi:Stack::p-stack") -> dict[str, str]:
    """One resource of a deployment."""
    return {
        "type": type_,
        "urn": f"urn:pulumi:stack::p::{type_}::{name}",
        "parent": f"urn:pulumi:stack::p::{parent}",
    }


def deployment(name: str) -> dict[str, Any]:
    """What the state has of a stack of this name."""
    ours = "kube-apiserver-havip:index"
    components = [resource(f"{ours}:{kind}", name) for kind in ("Network", "Masters", "ApiServerVip")]
    host = resource(f"{ours}:BalancerHost", f"{name}-k8s-master01", f"{ours}:ApiServerVip::{name}")
    stack = {"type": "pulumi:pulumi:Stack", "urn": "urn:pulumi:stack::p::pulumi:pulumi:Stack::p-stack"}
    return {"resources": [stack, *components, host, resource("alicloud:ecs/instance:Instance", "someone-s")]}


def test_another_name_is_refused_before_anything_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupted, "deployment", lambda: deployment("k8s-old"))
    got = program(preview=False)
    assert "formerName = '': the stack has k8s-old: all of it, masters included" in got.error
    assert "set formerName to k8s-old" in got.error
    assert not got.resources
    assert program(preview=False, formerName="k8s-old").error == ""


def test_a_name_is_judged_by_all_components_that_the_stack_has() -> None:
    half = deployment("new")
    half["resources"] += deployment("old")["resources"]
    for former, known in (("", {}), ("", deployment("new")), ("old", half), ("gone", deployment("new"))):
        configured.check_name("new", former, known)
    with pytest.raises(pulumi.RunError, match="the stack has old"):
        configured.check_name("new", "", half)
    with pytest.raises(pulumi.RunError, match="formerName = 'new': the stack has old"):
        configured.check_name("new", "new", half)


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have a stack whose state cannot be read; what is warned of."""
    said: list[str] = []

    def absent(*_: str) -> str:
        raise state.StateError("there is no pulumi on PATH")

    monkeypatch.setattr(interrupted, "PAUSE_S", 0)
    monkeypatch.setattr(state, "run_pulumi", absent)

    def warn(text: str, *about: pulumi.Resource) -> None:
        if not about:  # of the stack; hosts do not answer here either
            said.append(text)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    return said


def test_where_the_state_cannot_be_read_nothing_is_made_under_a_name_nobody_vouches_for(
    unreadable: list[str],
) -> None:
    got = program(preview=False)
    assert "formerName = '': the stack's state could not be read" in got.error
    assert "set formerName to what it is called: k8s-stack if it is" in got.error
    assert not got.resources
    assert "there is no pulumi on PATH" in unreadable[0]


@pytest.mark.parametrize(("former", "aliases"), [("k8s-stack", set()), ("k8s-old", {"k8s-old"})])
def test_where_the_state_cannot_be_read_the_configuration_says_the_name(
    unreadable: list[str], former: str, aliases: set[str]
) -> None:
    got = program(preview=False, formerName=former)
    assert got.error == ""
    assert set().union(*(one.aliases for one in got.resources.values())) == aliases
    assert len(unreadable) == 1, "whether an up was cut off is not known"


def test_a_preview_and_the_first_up_of_a_stack_are_asked_for_no_name(unreadable: list[str]) -> None:
    assert program(preview=True).error == ""
    assert unreadable == []
    configured.check_name("new", "", {})


EXISTING = "examples/existing_masters/__main__.py"


def existing() -> list[dict[str, Any]]:
    """Three masters that exist."""
    return [{"name": f"m{n}", "address": f"10.0.0.1{n}", "instanceId": f"i-{n}"} for n in (1, 2, 3)]


def test_an_example_for_existing_masters_asks_for_every_instance() -> None:
    known = existing()
    del known[1]["instanceId"]
    got = program(file=EXISTING, vswitchId="vsw-1", vswitchCidr="10.0.0.0/24", masters=known)
    assert "masters[1].instanceId = None: is missing; give" in got.error
    assert not got.resources


def test_an_example_for_existing_masters_enters_them_as_they_say() -> None:
    known = existing()
    known[0] |= {"hostKey": "ssh-ed25519 AAAA"}
    known[1] |= {"sshHost": "192.0.2.2", "port": 6444}
    got = program(file=EXISTING, vswitchId="vsw-1", vswitchCidr="10.0.0.0/24", masters=known, preview=False)
    assert got.error == ""
    steps = got.of("remote:Command")
    first, second = (
        revealed(steps[f"control-plane-{name}-haproxy"].inputs["connection"]) for name in ("m1", "m2")
    )
    assert (first["host"], first["hostKey"]) == ("10.0.0.11", "ssh-ed25519 AAAA")
    assert (second["host"], second["hostKey"]) == ("192.0.2.2", HOST_KEY)
    assert " 10.0.0.12:6444 " in steps["control-plane-m1-haproxy"].inputs["stdin"]
    learned = {name for name in got.of("local:Command") if name.endswith("-host-key")}
    assert learned == {f"control-plane-{name}-host-key" for name in ("m2", "m3")}, "given: not learned"


TWO: dict[str, Any] = {
    "file": "examples/two_control_planes/__main__.py",
    "userDataFile": KEY_FILE,
    "sshCidrs": ["203.0.113.7/32"],
    "apiCidrs": ["198.51.100.0/24"],
}


def test_two_control_planes_let_in_whom_the_configuration_names() -> None:
    got = program(**TWO)
    assert got.error == ""
    rules = got.of("SecurityGroupRule").values()
    assert {(one.inputs["portRange"], one.inputs["cidrIp"]) for one in rules} == {
        ("22/22", "203.0.113.7/32"),
        ("16443/16443", "198.51.100.0/24"),
    }


@pytest.mark.parametrize("key", ["sshCidrs", "apiCidrs"])
def test_two_control_planes_let_nobody_in_unasked(key: str) -> None:
    got = program(**{one: value for one, value in TWO.items() if one != key})
    assert f"project:{key}" in got.error
    assert not got.of("SecurityGroupRule")
