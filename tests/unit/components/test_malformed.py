"""Whatever the arguments are, what is wrong with them is one message: no other error gets out."""

import random
from collections.abc import Callable
from typing import Any, cast

import pulumi
import pytest

from components import ApiServerVip, ApiServerVipArgs, Masters, Network
from components.args import BackendArgs, BalancerArgs, EipArgs, PackagesArgs, SshArgs, SshProxyArgs
from components.args_services import FailoverArgs, HaproxyArgs, HealthCheckArgs, KeepalivedArgs
from components.masters import MasterArgs, MastersArgs
from components.network import NetworkArgs
from components.preflight import configured
from components.rules.judge import judge_known
from components.rules.surroundings import check_masters, check_network
from tests.unit.components import examples
from tests.unit.components.engine import run
from tests.unit.components.test_unknowns import every_argument

pytestmark = pytest.mark.unit
SECRET = "K8SHA_KA_AUTH"
ODD: list[Any] = [
    *[None, True, 0, -1, 10**40, 1.5, float("nan"), float("inf"), b"x", object()],
    *["", " ", "x\n  y", "\x00", "\udc80", "9" * 5000, "١٢", "10.0.0.0/255.255.255.0", "::1", "€"],
    *[[], [[]], [None], {}, {"x": 1}, {1: 2}, set(), ("a",)],
]
NETWORK = {
    "zone_id": "cn-hangzhou-i",
    "vpc_cidr": "10.0.0.0/16",
    "vswitch_cidr": "10.0.0.0/24",
    "ssh_cidrs": ["10.1.0.0/16"],
    "api_cidrs": [],
    "api_port": 16443,
    "additional_api_ports": [8443],
    "tags": {"a": "b"},
}
MASTERS = {
    "masters": [{"name": "m1", "address": "10.0.0.11"}, {"name": "m2", "address": "10.0.0.12"}],
    "vswitch_id": "vsw-1",
    "security_group_id": "sg-1",
    "security_group_ids": ["sg-2", "sg-3"],
    "image_id": "debian",
    "public_key": "ssh-ed25519 AAAA",
    "public": True,
    "eip_bandwidth_mbps": 5,
}
JUDGES: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[Any], object]]] = {
    "ApiServerVip": (every_argument, lambda args: judge_known("cp", args)),
    "Network": (lambda: dict(NETWORK), lambda args: check_network("net", NetworkArgs, args)),
    "Masters": (lambda: dict(MASTERS), lambda args: check_masters("cp", MastersArgs, args)),
}


def spoiled(value: Any, chance: random.Random) -> Any:
    """Return `value` with one odd thing somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        if chance.random() < 0.1:
            return {**value, chance.choice(["nonsense", "", 7]): chance.choice(ODD)}
        key = chance.choice(sorted(value))
        if chance.random() < 0.1:
            return {each: value[each] for each in value if each != key}
        return {**value, key: spoiled(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        index = chance.randrange(len(value))
        return [*value[:index], spoiled(value[index], chance), *value[index + 1 :]]
    return chance.choice(ODD)


@pytest.mark.parametrize("component", JUDGES)
def test_a_thousand_spoiled_arguments_are_let_through_or_refused_in_words(component: str) -> None:
    make, judge = JUDGES[component]
    refused: list[str] = []
    for seed in range(1000):
        args = spoiled(make(), random.Random(seed))  # noqa: S311 - the same arguments every time
        try:
            judge(args)
        except pulumi.RunError as error:
            refused.append(str(error))
    assert all("argument(s) break a rule" in words and words.encode() for words in refused)
    assert len(refused) > 500, "most of what is odd is wrong"


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("ssh", {"pasword": "x"}),
        ("ssh", "root"),
        ("ssh", {"port": "22"}),
        ("ssh", {"proxy": {"user": "ops"}}),
        ("eip", {"bandwidth": 5}),
        ("eip", True),
        ("tags", ["a"]),
        ("vswitch_id", ""),
        ("balancers", [1, 2]),
        ("balancers", None),
        ("backends", {"name": "m1"}),
        ("adopt", {"ha_vip_id": "havip-1", "balancers": ["nobody"]}),
    ],
)
def test_nothing_is_registered_for_it(where: str, value: object, preview: bool) -> None:
    got = run(
        lambda: ApiServerVip("cp", cast(ApiServerVipArgs, {**every_argument(), where: value})),
        preview=preview,
    )
    assert where in got.error
    assert not got.resources


def test_what_must_be_plain_says_so() -> None:
    def program() -> None:
        args = every_argument()
        for key in ("haproxy", "balancers", "ssh"):
            args[key] = pulumi.Output.from_input(args[key])
        ApiServerVip("cp", cast(ApiServerVipArgs, args))

    error = run(program, preview=True).error
    for key in ("haproxy", "balancers", "ssh"):
        assert f"{key} = 'an Output': must be plain" in error


def test_no_message_shows_a_secret() -> None:
    args = every_argument()
    args["ssh"] = {"private_key": [SECRET], "password": {"x": SECRET}, "nonsense": SECRET}
    args["keepalived"] = {"auth_pass": [SECRET]}
    with pytest.raises(pulumi.RunError) as refusal:
        judge_known("cp", args)
    assert "ssh.private_key = '[secret]'" in str(refusal.value)
    assert SECRET not in str(refusal.value)


LOGIN = {"private_key": SECRET, "password": SECRET}


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (
            "balancers",
            {"m1": {"name": "m1", "ssh": LOGIN}},
            "balancers = a mapping with 'm1': must be a list",
        ),
        ("balancers", [[{"ssh": LOGIN}]], "balancers[0] = a list of 1: must be a mapping"),
        ("backends", [{"name": {"ssh": LOGIN}}], "backends[0].name = a mapping with 'ssh': must be a text"),
        ("ssh", [LOGIN], "ssh = a list of 1: must be a mapping"),
        ("ssh", SECRET, "ssh = 'a text': must be a mapping"),
        ("ssh", {"host": LOGIN}, "ssh.host = a mapping with 'private_key', 'password': must be a text"),
        ("ssh", {"proxy": [LOGIN]}, "ssh.proxy = a list of 1: must be a mapping"),
        ("keepalived", [{"auth_pass": SECRET}], "keepalived = a list of 1: must be a mapping"),
        ("keepalived", SECRET, "keepalived = 'a text': must be a mapping"),
        ("keepalived", {"router_id": [SECRET]}, "keepalived.router_id = a list of 1: must be a text"),
        ("haproxy", {"binds": {"x": SECRET}}, "haproxy.binds = a mapping with 'x': must be a list"),
        ("tags", {"a": {"b": SECRET}}, "tags.a = a mapping with 'b': must be a text"),
        ("port", {"x": SECRET}, "port = a mapping with 'x': must be a whole number"),
    ],
)
def test_of_a_container_a_message_shows_no_value(where: str, value: object, said: str) -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        judge_known("cp", {**every_argument(), where: value})
    assert said in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_a_configuration_of_masters_that_holds_a_secret_is_not_shown() -> None:
    for raw in ({"m1": {"password": SECRET}}, [[SECRET]], [{"name": [SECRET]}]):
        with pytest.raises(pulumi.RunError) as refusal:
            configured.masters(raw)
        assert SECRET not in str(refusal.value)


def test_a_private_key_in_a_wrong_place_is_not_shown() -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        judge_known("cp", {**every_argument(), "ssh": {"user": examples.KEY}})
    assert "ssh.user = a private key: has white space in it" in str(refusal.value)
    assert "QQ==" not in str(refusal.value)


def nothing(form: Any) -> dict[str, Any]:
    """Every optional argument of `form`, said to be nothing."""
    return dict.fromkeys(form.__optional_keys__)


def bare() -> dict[str, Any]:
    """The arguments that must be there, and parts in which nothing is said."""
    args = {**nothing(ApiServerVipArgs), **examples.topology(), "vswitch_id": "vsw-1"}
    parts = {"eip": EipArgs, "failover": FailoverArgs, "haproxy": HaproxyArgs, "packages": PackagesArgs}
    parts |= {"health_check": HealthCheckArgs, "keepalived": KeepalivedArgs}
    args |= {key: nothing(form) for key, form in parts.items()}
    proxy = {**nothing(SshProxyArgs), "host": "203.0.113.5"}
    args["ssh"] = {**nothing(SshArgs), "private_key": examples.KEY, "proxy": proxy}
    args["balancers"] = [
        {**nothing(BalancerArgs), "instance_id": f"i-{n}", **host} for n, host in enumerate(args["balancers"])
    ]
    args["backends"] = [{**nothing(BackendArgs), **host} for host in args["backends"]]
    args["backends"][2]["ssh"] = nothing(SshArgs)
    args["adopt"] = {"ha_vip_id": "havip-1", "balancers": None}
    return args


COMPONENTS: dict[str, tuple[Callable[[Any], object], Callable[[], dict[str, Any]]]] = {
    "ApiServerVip": (lambda args: ApiServerVip("cp", args), bare),
    "Network": (lambda args: Network("net", args), lambda: {**nothing(NetworkArgs), "zone_id": "z"}),
    "an existing network": (
        lambda args: Network("net", args),
        lambda: {
            **nothing(NetworkArgs),
            "vswitch_id": "vsw-1",
            "vpc_id": "vpc-1",
            "vswitch_cidr": "10.1.0.0/24",
        },
    ),
    "Masters": (
        lambda args: Masters("cp", args),
        lambda: {
            **nothing(MastersArgs),
            **{key: MASTERS[key] for key in ("vswitch_id", "security_group_id", "image_id", "public_key")},
            "masters": [{**nothing(MasterArgs), "name": "m1", "address": "10.0.0.11"}],
            "public": True,
        },
    ),
}


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("component", COMPONENTS)
def test_none_is_what_is_not_given(component: str, preview: bool) -> None:
    make, args = COMPONENTS[component]
    got = run(lambda: make(args()), preview=preview)
    assert got.error == ""
    plain = run(lambda: make(without_none(args())), preview=preview)
    assert set(got.resources) == set(plain.resources)
    for key, one in plain.resources.items() if not preview else ():
        assert got.resources[key].inputs == one.inputs, key


def test_none_in_place_of_what_must_be_there_is_refused() -> None:
    args = {**every_argument(), "vswitch_id": None, "haproxy": {"binds": [None]}, "tags": {"a": None}}
    args["balancers"][0]["address"] = None
    with pytest.raises(pulumi.RunError) as refusal:
        judge_known("cp", args)
    for where in ("vswitch_id", "balancers[0].address", "haproxy.binds[0]", "tags.a"):
        assert f"{where} = None: " in str(refusal.value)


def test_everything_wrong_with_a_network_comes_at_once() -> None:
    wrong = {"vswitch_cidr": "10.1.0.0/24", "vpc_cidr": "10.0.0.0/16", "ssh_cidrs": ["all"], "api_port": 0}
    got = run(lambda: Network("net", cast(NetworkArgs, wrong)), preview=True)
    for part in ("zone_id", "outside the VPC", "ssh_cidrs[0] = 'all'", "api_port = 0"):
        assert part in got.error
    assert not got.resources


def test_everything_wrong_with_masters_comes_at_once() -> None:
    hosts = [{"name": "m 1", "address": "10.0.0.11"}, {"name": "m2", "address": "10.0.0.11"}]
    got = run(lambda: Masters("cp", cast(MastersArgs, {"masters": hosts})), preview=True)
    for part in ("masters[0].name", "masters[1].address", "image_id", "public_key"):
        assert part in got.error
    assert not got.resources


@pytest.mark.parametrize("raw", ["sg-1", {"id": "sg-1"}, [1], [""], [[]], 7])
def test_a_malformed_configuration_of_groups_is_refused_in_words(raw: Any) -> None:
    with pytest.raises(pulumi.RunError, match="securityGroupIds"):
        configured.security_groups(raw, [], {})


@pytest.mark.parametrize("raw", ["m1", {"name": "m1"}, [1], [{"name": 1}], [{"nonsense": "x"}], [[]], 7])
def test_a_malformed_configuration_of_masters_is_refused_in_words(raw: Any) -> None:
    with pytest.raises(pulumi.RunError, match="masters"):
        configured.masters(raw)


def test_everything_wrong_with_configured_masters_comes_at_once() -> None:
    raw = [
        {"name": "a"},
        {"name": "b", "address": "10.0.0.1", "prot": 1},
        {"name": "b", "address": "10.0.0.1", "port": 65536},
        {"name": "k8s_1", "address": "10.0.9.1"},
    ]
    with pytest.raises(pulumi.RunError) as refusal:
        configured.masters(raw, "10.0.0.0/24")
    parts = ("masters[0].address", "masters[1].prot", "masters[2].name", "masters[2].address")
    for part in (*parts, "masters[2].port", "masters[3].name", "masters[3].address"):
        assert part in str(refusal.value)


@pytest.mark.parametrize("port", ["6444", 6444.5, True, None, [6444], 0, -1, 65536])
def test_a_configured_port_that_is_none_is_refused(port: Any) -> None:
    with pytest.raises(
        pulumi.RunError, match=r"masters\[0\]\.port = .*: (is not a TCP port|must be a whole number); "
    ):
        configured.masters([{"name": "a", "address": "10.0.0.1", "port": port}])
