"""Every leaf of the arguments may be an ``Output``, unknown at preview, and ends as if it had been plain."""

import copy
import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from typing import Any, cast, get_args, get_origin, is_typeddict

import pulumi
import pytest

from components import ApiServerVip, ApiServerVipArgs, args
from components.enums import Preset
from components.planning import failover, settings
from components.rules import judge, shapes
from tests.unit.components import examples
from tests.unit.components.engine import Run, revealed, run

pytestmark = pytest.mark.unit


def every_argument() -> dict[str, Any]:
    """Arguments in which every key is set, as far as keys go together."""
    login: dict[str, Any] = {
        "host": "192.0.2.1",
        "port": 22,
        "user": "root",
        "private_key": examples.LOCKED_KEY,
        "private_key_password": "x",
        "password": "x",
        "host_key": "ssh-ed25519 AAAA",
        "agent_socket_path": "/run/agent",
        "dial_error_limit": 3,
        "per_dial_timeout": 5,
    }
    proxied = {key: login[key] for key in args.SshProxyArgs.__annotations__ if key in login}
    topology = examples.topology()
    balancers = [
        {
            **host,
            "instance_id": f"i-{n}",
            "interface": "eth0",
            "priority": 200 - n,
            "state": "BACKUP",
            "ssh": {"host": f"192.0.2.{n}"},
        }
        for n, host in enumerate(topology["balancers"])
    ]
    return {
        **topology,
        "vswitch_id": "vsw-1",
        "port": 16443,
        "additional_ports": [443],
        "backend_port": 6443,
        "monitor_port": 33305,
        "balancers": balancers,
        "backends": [{**host, "port": 6443} for host in topology["backends"]],
        "health_check": dataclasses.asdict(settings.HealthCheck()),
        "failover": {"preset": "standard", **dataclasses.asdict(failover.PRESETS[Preset.STANDARD])},
        "haproxy": {
            **dataclasses.asdict(settings.Haproxy()),
            "binds": ["*"],
            "inspect_delay": "5s",
            "slowstart": "5s",
        },
        "keepalived": {
            **{key: value for key, value in vars(settings.Keepalived()).items() if key != "auth"},
            "virtual_router_id": 7,
        },
        "eip": {"bandwidth_mbps": 5, "charge_type": "PayByTraffic", "isp": "BGP"},
        "packages": {"install": True, "names": ["haproxy"], "timeout_s": 60},
        "take_over": False,
        "verify": "strict",
        "verify_timeout_s": 60,
        "ssh": {**login, "proxy": proxied},
        "tags": {"team": "platform"},
    }


def leaves(form: type, value: dict[str, Any], path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path in `value` where `form` takes an Output."""
    for key, hint in form.__annotations__.items():
        if key not in value:
            continue
        kind, open_ = shapes.plain_type(hint)
        if open_:
            yield (*path, key)
        elif isinstance(kind, type) and is_typeddict(kind):
            yield from leaves(kind, value[key], (*path, key))
        elif get_origin(kind) is list:
            item, open_item = shapes.plain_type(get_args(kind)[0])
            for index, entry in enumerate(value[key]):
                if open_item:
                    yield (*path, key, index)
                else:
                    yield from leaves(cast(type, item), entry, (*path, key, index))


LEAVES = list(leaves(ApiServerVipArgs, every_argument()))


class _Source(pulumi.CustomResource):
    """What some argument comes from."""

    def __init__(self) -> None:
        super().__init__("test:index:Source", "source", {})


def _after(source: _Source, value: object) -> pulumi.Output[Any]:
    return source.id.apply(lambda _: value)


def without_none(connection: dict[str, Any]) -> dict[str, Any]:
    """Return it without what the engine drops."""
    return {key: value for key, value in connection.items() if value is not None}


def late(paths: list[tuple[Any, ...]], source: _Source | None = None) -> dict[str, Any]:
    """Return the arguments with values at `paths` that are known only once a resource is there."""
    given: Any = copy.deepcopy(every_argument())
    if paths:
        source = source or _Source()
    for path in paths:
        at = given
        for step in path[:-1]:
            at = at[step]
        assert source is not None
        at[path[-1]] = _after(source, at[path[-1]])
    return cast(dict[str, Any], given)


def with_late(paths: list[tuple[Any, ...]], *, preview: bool) -> Run:
    """Run a program with arguments that are `late`."""
    return run(lambda: ApiServerVip("cp", cast(ApiServerVipArgs, late(paths))), preview=preview)


def test_no_leaf_is_left_out() -> None:
    keys = {path[-1] for path in LEAVES if isinstance(path[-1], str)}
    forms = [one for one in vars(args).values() if is_typeddict(one)]
    open_ = {
        key for form in forms for key, hint in form.__annotations__.items() if shapes.plain_type(hint)[1]
    }
    assert open_ - keys == {"auth_pass"}, "which version 3 has not; it has tests of its own"


def test_no_single_unknown_leaf_is_refused() -> None:
    refused: dict[tuple[Any, ...], str] = {}

    def program() -> None:
        source = _Source()
        for path in LEAVES:
            try:
                judge.judge_known("cp", late([path], source))
            except pulumi.RunError as error:
                refused[path] = str(error)

    assert run(program, preview=True).error == ""
    assert refused == {}


@pytest.mark.parametrize("part", sorted({path[0] for path in LEAVES}))
def test_the_graph_is_the_same_whatever_is_unknown(part: str) -> None:
    got = with_late([path for path in LEAVES if path[0] == part], preview=True)
    assert got.error == ""
    plain = with_late([], preview=True)
    assert set(got.resources) - {"test:index:Source::source"} == set(plain.resources)


def test_all_leaves_learned_late_end_as_if_they_had_been_plain() -> None:
    got, plain = with_late(LEAVES, preview=False), with_late([], preview=False)
    assert got.error == ""
    for key, resource in plain.resources.items():
        assert got.resources[key].inputs == resource.inputs, key


@pytest.mark.parametrize(
    ("path", "value", "step", "text"),
    [
        (("packages", "install"), False, "remote:Command::cp-k8s-master01-packages", ""),
        (("verify",), "off", "local:Command::cp-verify", '{"mode": "off"}'),
    ],
)
def test_what_turns_out_not_to_be_wanted_is_not_done(
    path: tuple[str, ...], value: object, step: str, text: str
) -> None:
    def program() -> None:
        given = every_argument()
        at = given[path[0]] if path[1:] else given
        at[path[-1]] = _Source().id.apply(lambda _: value)
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=False)
    assert got.error == ""
    assert revealed(got.resources[f"command:{step}"].inputs["stdin"]) == text


@pytest.mark.parametrize("preview", [True, False])
def test_an_unknown_value_is_no_reason_to_refuse_another(preview: bool) -> None:
    def program() -> None:
        given = every_argument()
        given["monitor_port"] = 16443  # the endpoint's port, unless that turns out to be another
        given["port"] = _Source().id.apply(lambda _: 8443)
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    assert run(program, preview=preview).error == ""


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize(("late_priority", "said"), [(110, ""), (121, "priorities are up to 21 apart")])
def test_how_far_priorities_are_apart_is_judged_once_all_are_known(
    late_priority: int, said: str, preview: bool
) -> None:
    def program() -> None:
        given = every_argument()
        given["keepalived"] |= {"check_weight": -20, "nopreempt": False}
        given["balancers"][0]["priority"] = 100
        given["balancers"][1]["priority"] = _Source().id.apply(lambda _: late_priority)
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=preview)
    if preview:
        assert got.error == ""
    else:
        assert said in got.error
        assert bool(got.error) == bool(said)
        assert bool(got.of("remote:Command")) == (not said), "no host is touched"


@pytest.mark.parametrize("unknown", [True, False])
def test_a_host_that_balances_and_serves_under_two_names_is_asked_once(unknown: bool) -> None:
    def program() -> None:
        source, given = _Source(), every_argument()
        for n, backend in enumerate(given["backends"]):
            backend |= {"name": f"api{n}", "ssh": {}}
        for host in [*given["balancers"], *given["backends"]] if unknown else []:
            host["address"] = _after(source, host["address"])
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=False)
    assert got.error == ""
    asked = json.loads(revealed(got.resources["command:local:Command::cp-verify"].inputs["stdin"]))["hosts"]
    assert [(host["name"], host["balancer"]) for host in asked] == [
        ("k8s-master02", True),
        ("k8s-master01", True),
        ("api2", False),
    ]


@pytest.mark.parametrize("host", [("balancers", 1), ("backends", 1)])
def test_that_two_hosts_share_a_name_is_said_once_their_addresses_are_known(host: tuple[str, int]) -> None:
    def program() -> None:
        given = every_argument()
        kind, index = host
        given[kind][index]["address"] = _Source().id.apply(lambda _: "10.0.0.14")
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    assert run(program, preview=True).error == ""
    got = run(program, preview=False)
    assert "backends[1].address = " in got.error
    assert "is not that of balancers[1], which has the same name" in got.error
    assert not got.of("remote:Command"), "no host is touched"


def test_one_output_is_one_instance() -> None:
    def program() -> None:
        source, given = _Source(), every_argument()
        for balancer in given["balancers"]:
            balancer["instance_id"] = source.id
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=True)
    assert "balancers[1].instance_id = 'an Output': is already the instance of balancers[0]" in got.error
    assert not got.of("ApiServerVip")


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["i-0", "i-0"], "balancers[1].instance_id = 'i-0': is already the instance of balancers[0]"),
        (["i-0", ""], "balancers[1].instance_id = '': is empty"),
        (["i-0", None], "balancers[1].instance_id = '': is empty"),
    ],
)
def test_instances_that_turn_out_to_be_none_or_one_are_refused_before_a_host_is_touched(
    ids: list[str | None], said: str
) -> None:
    def program() -> None:
        source, given = _Source(), every_argument()
        for balancer, known in zip(given["balancers"], ids, strict=True):
            balancer["instance_id"] = _after(source, known)
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    assert run(program, preview=True).error == ""
    got = run(program, preview=False)
    assert said in got.error
    assert "no host was touched" in got.error
    assert not got.of("remote:Command")


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize(
    "path",
    [
        ("ssh", "host"),
        ("ssh", "user"),
        ("ssh", "private_key"),
        ("ssh", "private_key_password"),
        ("ssh", "password"),
        ("ssh", "agent_socket_path"),
        ("ssh", "port"),
        ("ssh", "dial_error_limit"),
        ("ssh", "per_dial_timeout"),
        ("eip", "bandwidth_mbps"),
        ("eip", "charge_type"),
    ],
)
def test_what_turns_out_to_be_nothing_is_as_if_it_were_not_given(
    path: tuple[str, str], nothing: object
) -> None:
    part, key = path

    def program(*, late: bool) -> None:
        source, given = _Source(), every_argument()
        given["ssh"] = {"private_key": examples.KEY, "port": 2222}  # keys are learned
        for balancer in given["balancers"]:
            del balancer["ssh"]
        given[part].pop(key, None)
        if late:
            given[part][key] = _after(source, nothing)
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got, plain = (run(partial(program, late=late), preview=False) for late in (True, False))
    assert got.error == plain.error == ""
    for name, one in plain.of("EipAddress").items():
        assert got.of("EipAddress")[name].inputs == one.inputs
    learned = {name: one for name, one in plain.of("local:Command").items() if name.endswith("-host-key")}
    assert learned
    assert set(got.of("remote:Command")) == set(plain.of("remote:Command"))
    for name, step in got.of("remote:Command").items():
        assert step.inputs["create"] == plain.of("remote:Command")[name].inputs["create"]
        connection = revealed(step.inputs["connection"])
        assert without_none(connection) == {
            "port": 22,
            **revealed(plain.of("remote:Command")[name].inputs["connection"]),
        }
    for name, one in learned.items():
        assert got.of("local:Command")[name].inputs == one.inputs


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_password_that_turns_out_to_be_nothing_is_refused_in_words(nothing: object) -> None:
    def program() -> None:
        given = every_argument()
        given["keepalived"] |= {"vrrp_version": 2, "auth_pass": _Source().id.apply(lambda _: nothing)}
        given["failover"]["advert_interval_ms"] = 1000
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=False)
    assert "keepalived.auth_pass = '': is empty; use 1 to 8 characters, or leave it out" in got.error
    assert not got.of("remote:Command")


@pytest.mark.parametrize("late_key", [None, ""])
def test_a_host_key_that_turns_out_to_be_none_lets_nobody_in(late_key: str | None) -> None:
    def program() -> None:
        given = every_argument()
        given["ssh"]["host_key"] = _Source().id.apply(lambda _: late_key)
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=False)
    assert "host_key of k8s-master0" in got.error
    assert " = '': turned out to be empty; give it as known_hosts has it" in got.error
    assert not got.of("remote:Command"), "nothing is sent where any key would do"


SECRET = "K8SHA_KA_AUTH"
WRONG = [
    ("port", "2222", "port = '2222': must be a whole number; correct its type"),
    ("port", 70000, "port = 70000: is not a TCP port; use 1 to 65535"),
    ("port", True, "port = True: must be a whole number"),
    ("host", 7, "host = 7: must be a text"),
    ("host", "a b", "host = 'a b': has white space in it"),
    ("user", ["root"], "user = a list of 1: must be a text"),
    ("private_key", [SECRET], "private_key = '[secret]': must be a text"),
    ("private_key", SECRET, "private_key = '[secret]': is no private key"),
    ("private_key_password", 7, "private_key_password = '[secret]': must be a text"),
    ("password", {SECRET: 1}, "password = '[secret]': must be a text"),
    ("host_key", "SHA256:x", "host_key = 'SHA256:x': is no host key; give it as known_hosts has it"),
    ("agent_socket_path", 7, "agent_socket_path = 7: must be a text"),
]


def wrong_late(where: str, key: str, value: object, *, secret: bool = False) -> dict[str, Any]:
    """Return arguments with a wrong value, known already but as an Output, somewhere in an ``ssh``."""
    given = every_argument()
    at = {
        "ssh": given["ssh"],
        "ssh.proxy": given["ssh"]["proxy"],
        "balancers[1].ssh": given["balancers"][1]["ssh"],
    }[where]
    at[key] = pulumi.Output.secret(value) if secret else pulumi.Output.from_input(value)
    return given


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("where", ["ssh", "ssh.proxy", "balancers[1].ssh"])
@pytest.mark.parametrize(("key", "value", "said"), WRONG)
def test_a_connection_that_turns_out_wrong_is_refused_before_a_plugin_has_it(
    where: str, key: str, value: object, said: str, preview: bool
) -> None:
    got = run(
        lambda: ApiServerVip("cp", cast(ApiServerVipArgs, wrong_late(where, key, value))), preview=preview
    )
    assert f"no host that needs it was touched:\n  - {where}.{said}" in got.error
    for hidden in (SECRET, "PRIVATE KEY"):
        assert hidden not in got.error
    sent = [revealed(step.inputs["connection"]) for step in got.of("remote:Command").values()]
    assert "192.0.2.1" not in [connection["host"] for connection in sent], "whose connection it is"


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_bastion_that_turns_out_to_be_nowhere_is_refused(nothing: object) -> None:
    got = run(
        lambda: ApiServerVip("cp", cast(ApiServerVipArgs, wrong_late("ssh.proxy", "host", nothing))),
        preview=True,
    )
    assert "ssh.proxy.host = None: is required; give it" in got.error
    assert not got.of("remote:Command")


def test_a_secret_where_none_is_expected_is_not_shown() -> None:
    got = run(
        lambda: ApiServerVip(
            "cp", cast(ApiServerVipArgs, wrong_late("ssh", "user", f"a {SECRET}", secret=True))
        ),
        preview=True,
    )
    assert "ssh.user = '[secret]': has white space in it" in got.error
    assert SECRET not in got.error


def test_a_bastion_that_two_hosts_share_is_one_also_if_it_is_only_known_late() -> None:
    def program() -> None:
        given = every_argument()
        del given["ssh"]["proxy"]["host_key"]
        given["ssh"]["proxy"]["port"] = _Source().id.apply(lambda _: 2222)
        given["balancers"][0]["ssh"]["proxy"] = dict(given["ssh"]["proxy"])
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=False)
    assert got.error == ""
    learned = [name for name in got.of("local:Command") if name.endswith("-host-key")]
    assert learned == ["cp-bastion-host-key"]


LISTS = [
    ("", "additional_ports", 99999),
    ("haproxy", "binds", "eth0"),
    ("haproxy", "observer_cidrs", "all"),
    ("packages", "names", "a; b"),
]


@pytest.mark.parametrize(("part", "key", "wrong"), LISTS)
def test_what_is_wrong_after_an_unknown_entry_of_a_list_is_named_in_its_place(
    part: str, key: str, wrong: object
) -> None:
    def program() -> None:
        given = every_argument()
        at = given[part] if part else given
        at[key] = [_Source().id, wrong]
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    got = run(program, preview=True)
    where = f"{part}.{key}" if part else key
    assert [line.split(" = ")[0] for line in got.error.splitlines()[1:]] == [f"  - {where}[1]"]
    assert not got.of("ApiServerVip")


def test_what_is_wrong_after_an_entry_of_the_wrong_type_is_named_in_its_place() -> None:
    given = every_argument() | {"additional_ports": ["x", 0]}
    given["backends"] = [7, {"name": "a b", "address": "10.0.0.14"}]
    with pytest.raises(pulumi.RunError) as refusal:
        judge.judge_known("cp", given)
    said = [line.split(" = ")[0].removeprefix("  - ") for line in str(refusal.value).splitlines()[1:]]
    assert sorted(said) == ["additional_ports[0]", "additional_ports[1]", "backends[0]", "backends[1].name"]


@pytest.mark.parametrize(("part", "key"), [case[:2] for case in LISTS])
def test_an_entry_of_a_list_that_turns_out_to_be_nothing_is_refused(part: str, key: str) -> None:
    def program() -> None:
        given = every_argument()
        at = given[part] if part else given
        at[key] = [_Source().id.apply(lambda _: None), *at[key]]
        ApiServerVip("cp", cast(ApiServerVipArgs, given))

    assert run(program, preview=True).error == ""
    got = run(program, preview=False)
    assert f"{key}[0] = None: must be " in got.error
    assert len(got.error.splitlines()) == 2, "once"
    assert not got.of("remote:Command"), "no host is touched"
