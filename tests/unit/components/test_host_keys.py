"""Every connection has a host key pinned: given, or learned once. In both modes of a run."""

import json
from collections.abc import Callable
from typing import Any, cast

import pulumi
import pytest

from components import ApiServerVip, ApiServerVipArgs
from tests.unit.components import engine, examples
from tests.unit.components.engine import HOST_KEY, Run, revealed, run
from tests.unit.components.test_composition import arguments

pytestmark = pytest.mark.unit
GIVEN = "ecdsa-sha2-nistp256 AAAAgiven"
HOSTS = ("k8s-master01", "k8s-master02", "k8s-master03")
BASTION = {"host": "203.0.113.5", "private_key": examples.pem("EC PRIVATE KEY")}


def up(change: Callable[[dict[str, Any]], object] | None = None, *, preview: bool = False) -> Run:
    """Run a program of one endpoint with two balancers and a third host that is verified from."""

    def program() -> None:
        args = examples.topology() | {"vswitch_id": "vsw-1", "ssh": {"private_key": examples.KEY}}
        for index, balancer in enumerate(args["balancers"], 1):
            balancer["instance_id"] = f"i-{index}"
        args["backends"][2]["ssh"] = {}
        if change:
            change(args)
        ApiServerVip("cp", cast(ApiServerVipArgs, args))

    return run(program, preview=preview)


def connections(got: Run) -> dict[str, set[str | None]]:
    """The host keys of every host's connections."""
    found: dict[str, set[str | None]] = {}
    for command in got.of("remote:Command").values():
        connection = command.inputs["connection"]["value"]  # of the secret
        found.setdefault(connection["host"], set()).add(connection.get("hostKey"))
    for verify in (one for name, one in got.of("local:Command").items() if name == "cp-verify"):
        for host in json.loads(revealed(verify.inputs["stdin"]))["hosts"]:
            found.setdefault(host["login"]["host"], set()).add(host["login"].get("host_key"))
    return found


def learners(got: Run) -> dict[str, Any]:
    return {name: one for name, one in got.of("local:Command").items() if name.endswith("-host-key")}


@pytest.mark.parametrize("preview", [True, False])
def test_a_key_that_is_not_given_is_learned_once_for_each_instance(preview: bool) -> None:
    got = up(preview=preview)
    assert got.error == ""
    commands = learners(got)
    assert set(commands) == {f"cp-{host}-host-key" for host in HOSTS}
    assert commands["cp-k8s-master01-host-key"].inputs["triggers"] == ["i-1"]
    assert commands["cp-k8s-master03-host-key"].inputs["triggers"] == ["10.0.0.13", 22]
    for command in commands.values():
        assert "PULUMI_COMMAND_STDOUT" in command.inputs["update"], "an update keeps what was learned"
        assert "python3" not in command.inputs["update"]
        assert "delete" not in command.inputs
        assert "stdin" in command.secrets, "no preview prints the program"
        assert command.ignore_changes == ("stdin",), "another program is no reason to learn again"
        assert "PRIVATE KEY" not in str(command.inputs), "nobody logs in to learn it"
    if not preview:
        assert connections(got) == {f"10.0.0.1{n}": {HOST_KEY} for n in (1, 2, 3)}


def test_a_given_key_is_used(shown: dict[str, str]) -> None:
    shown["10.0.0.12"] = GIVEN

    def given(args: dict[str, Any]) -> None:
        args["balancers"][1]["ssh"] = {"host_key": f"k8s-master02 {GIVEN} comment"}

    got = up(given)
    assert got.error == ""
    assert set(learners(got)) == {f"cp-{host}-host-key" for host in (HOSTS[0], HOSTS[2])}
    assert connections(got)["10.0.0.12"] == {f"k8s-master02 {GIVEN} comment"}


def test_any_key_only_if_somebody_says_so() -> None:
    got = up(lambda args: args["ssh"].update(host_key="any"))
    assert not learners(got)
    assert connections(got) == {f"10.0.0.1{n}": {None} for n in (1, 2, 3)}
    late = up(lambda args: args["ssh"].update(host_key=pulumi.Output.from_input("any")))
    assert connections(late) == {f"10.0.0.1{n}": {None} for n in (1, 2, 3)}


def test_a_bastion_is_learned_once_and_before_what_is_behind_it() -> None:
    got = up(lambda args: args["ssh"].update(proxy=BASTION))
    commands = learners(got)
    assert set(commands) == {f"cp-{host}-host-key" for host in (*HOSTS, "bastion")}
    assert commands["cp-bastion-host-key"].inputs["triggers"] == ["203.0.113.5", 22]
    behind = commands["cp-k8s-master01-host-key"]
    assert behind.secrets == {"environment", "stdin"}
    proxy = json.loads(behind.inputs["environment"]["value"]["HAVIP_SSH"])["proxy"]
    assert proxy["host_key"] == HOST_KEY
    assert proxy["private_key"] == BASTION["private_key"]
    for command in got.of("remote:Command").values():
        assert command.inputs["connection"]["value"]["proxy"]["hostKey"] == HOST_KEY


def test_behind_a_bastion_a_balancer_is_waited_for_until_it_lets_us_in() -> None:
    commands = learners(up(lambda args: args["ssh"].update(proxy=BASTION, user="ops")))
    enters = {name for name, one in commands.items() if "HAVIP_ENTER" in revealed(one.inputs["environment"])}
    assert enters == {"cp-k8s-master01-host-key", "cp-k8s-master02-host-key"}
    for name in enters:
        login = json.loads(revealed(commands[name].inputs["environment"])["HAVIP_SSH"])
        assert (login["host"], login["user"], login["private_key"]) == (
            f"10.0.0.1{name[-10]}",
            "ops",
            examples.KEY,
        )
        assert "host_key" not in login
        assert login["proxy"]["host_key"] == HOST_KEY
        assert commands[name].secrets == {"environment", "stdin"}
        assert "PRIVATE KEY" not in commands[name].inputs["create"]
    asked = json.loads(revealed(commands["cp-k8s-master03-host-key"].inputs["environment"])["HAVIP_SSH"])
    assert "private_key" not in asked, "nothing is done there"


def test_a_bastion_of_its_own_or_with_a_key_given() -> None:
    def own(args: dict[str, Any]) -> None:
        args["ssh"]["proxy"] = {**BASTION, "host_key": "any"}
        args["balancers"][0]["ssh"] = {"proxy": {**BASTION, "host": "203.0.113.6"}}

    commands = learners(up(own))
    assert set(commands) == {f"cp-{host}-host-key" for host in (*HOSTS, "k8s-master01-bastion")}


def a_host_called_bastion(args: dict[str, Any]) -> None:
    args["ssh"]["proxy"] = BASTION
    args["balancers"][0]["name"] = args["backends"][0]["name"] = "bastion"


def a_host_called_as_another_one_s_bastion(args: dict[str, Any]) -> None:
    args["balancers"][0]["ssh"] = {"proxy": BASTION}
    args["backends"][2]["name"] = "k8s-master01-bastion"


NAMESAKES = [
    (a_host_called_bastion, "balancers[0].name = 'bastion'", "ssh.proxy"),
    (
        a_host_called_as_another_one_s_bastion,
        "backends[2].name = 'k8s-master01-bastion'",
        "balancers[0].ssh.proxy",
    ),
]


@pytest.mark.parametrize(("change", "where", "proxy"), NAMESAKES)
def test_a_host_may_not_have_the_name_that_a_bastion_s_key_is_kept_under(
    change: Callable[[dict[str, Any]], object], where: str, proxy: str
) -> None:
    got = up(change, preview=True)
    assert f"{where}: is the name under which the host key of {proxy} is kept; " in got.error
    assert not got.resources


@pytest.mark.parametrize("change", [case[0] for case in NAMESAKES])
def test_where_the_bastion_s_key_is_given_a_host_may_have_any_name(
    change: Callable[[dict[str, Any]], object],
) -> None:
    def given(args: dict[str, Any]) -> None:
        change(args)
        for login in (args["ssh"], args["balancers"][0].get("ssh", {})):
            if "proxy" in login:
                login["proxy"] = {**BASTION, "host_key": GIVEN}

    got = up(given)
    assert got.error == ""
    assert len(learners(got)) == len(HOSTS)


def test_two_endpoints_may_not_keep_two_bastions_keys_under_one_name() -> None:
    def program() -> None:
        first = arguments(1, ssh={"private_key": examples.KEY})
        first["balancers"][0]["ssh"] = {"proxy": cast(Any, BASTION)}
        ApiServerVip("cp", first)
        ApiServerVip("cp-m1", arguments(2, ssh={"private_key": examples.KEY, "proxy": BASTION}))

    said = (
        "ssh.proxy = 'bastion': its resources would be called cp-m1-bastion, as some of the host keys of 'cp'"
    )
    assert said in run(program, preview=True).error


@pytest.mark.parametrize("given", [True, False])
def test_another_key_than_the_expected_one_stops_the_run(given: bool, shown: dict[str, str]) -> None:
    shown["10.0.0.12"] = "ecdsa-sha2-nistp256 AAAAstranger"

    def change(args: dict[str, Any]) -> None:
        args["balancers"][1]["ssh"] = {"host_key": GIVEN} if given else {}

    got = up(change)
    assert "cp: k8s-master02: the sshd on 10.0.0.12:22 shows another host key" in got.error
    assert "AAAAstranger" in got.error
    assert (GIVEN if given else HOST_KEY) in got.error
    assert ("pulumi up --replace" in got.error) is not given
    assert "10.0.0.12" not in connections(got), "nothing is sent there"
    assert up(change, preview=True).error == "", "a preview goes nowhere"


def test_a_host_that_does_not_answer_is_no_stranger_and_is_named(
    shown: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    shown["10.0.0.11"] = HOST_KEY
    got = up()
    assert got.error == ""
    assert connections(got)["10.0.0.12"] == {HOST_KEY}
    silent = [said for said in caplog.messages if "does not answer SSH now" in said]
    assert [said.partition(" does")[0] for said in silent] == ["cp: k8s-master02"]
    up(preview=True)
    assert len([said for said in caplog.messages if "does not answer SSH now" in said]) == 1


def test_a_host_that_is_only_asked_may_be_down_when_its_key_is_learned(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    down = {"command:local:Command": {"stdout": ""}}
    got = up()
    optional = {
        name for name, one in learners(got).items() if "HAVIP_MAY_BE_DOWN" in one.inputs["environment"]
    }
    assert optional == {"cp-k8s-master03-host-key"}
    monkeypatch.setattr(engine, "COMPUTED", {**engine.COMPUTED, **down})
    given = {"host_key": GIVEN}

    def asked(args: dict[str, Any]) -> None:
        for balancer in args["balancers"]:
            balancer["ssh"] = given

    got = up(asked)
    assert got.error == ""
    assert set(connections(got)) == {"10.0.0.11", "10.0.0.12"}, "nothing goes where any key would do"
    assert "pulumi up --replace" in caplog.text
    assert "was down when its host key was to be learned" in up().error, "no balancer is configured unpinned"


def test_what_cannot_be_a_host_key_is_refused_at_preview() -> None:
    def wrong(args: dict[str, Any]) -> None:
        args["ssh"] |= {"host_key": "SHA256:abc", "hostkey": "x", "proxy": {**BASTION, "host_key": ""}}
        args["balancers"][0]["ssh"] = {"host_key": "yes"}

    got = up(wrong, preview=True)
    for where in ("ssh.host_key = 'SHA256:abc'", "ssh.hostkey", "balancers[0].ssh.host_key = 'yes'"):
        assert where in got.error
    assert not got.resources
