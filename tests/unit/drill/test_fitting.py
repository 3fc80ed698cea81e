"""Faults on stacks of other shapes than the dev stack's: who is who, and which are left out."""

import subprocess
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from components.rendering import render
from components.rendering.paths import HAPROXY_CFG
from drill.errors import DrillError
from drill.faults import CATALOGUE, SHORT, Scene, demanded, fitting
from drill.faults.fault import Who
from drill.hosts import Apiserver
from drill.load.bench import idle_backend
from drill.stack import Stack
from sandbox.settings import Settings
from tests.unit.components import examples
from tests.unit.drill.fake import log, shaped

pytestmark = pytest.mark.unit

ALL_BALANCE = ("Ba", "Ba", "Ba")
TWO = ("Ba", "Ba")
APART = ("B", "B", "a", "a", "a")
"""Balancers that are no masters."""
TEN = ("Ba",) * 10
ONE = ("Ba", "B")
CLASSIC = ("Ba", "Ba", "a")


def on_sandbox(*kinds: str) -> Stack:
    """A stack of this shape where every fault can be healed."""
    return replace(shaped(*kinds).stack, sandbox=Settings("lab", 7001))


@pytest.mark.parametrize(
    ("kinds", "spectator", "victims"),
    [
        (CLASSIC, "m3", ["m3", "m2", "m1"]),
        (ALL_BALANCE, "m3", ["m2", "m3", "m1"]),
        (TWO, "m2", ["m2", "m1"]),
        (APART, "m5", ["m5", "m4", "m3"]),
        (TEN, "m10", [f"m{n}" for n in (*range(2, 11), 1)]),
        (ONE, "m2", ["m1"]),
    ],
)
def test_who_is_who(kinds: tuple[str, ...], spectator: str, victims: list[str]) -> None:
    where = shaped(*kinds)
    assert where.spectator.name == spectator
    assert [host.name for host in where.victims] == victims
    named = {who: [host.name for host in where.hosts(who)] for who in Who}
    assert (named[Who.VICTIM], named[Who.TWO_VICTIMS]) == (victims[:1], victims[:2])
    assert sorted(named[Who.BACKENDS]) == sorted(victims)
    assert sorted(named[Who.HOLDER] + named[Who.PEERS]) == sorted(named[Who.BALANCERS])


def test_where_another_one_holds_the_vip_the_spectator_is_elsewhere() -> None:
    where = shaped(*ALL_BALANCE)
    other = Scene(where.stack, where.stack.hosts[-1])
    assert (other.spectator.name, other.victim.name, other.peer.name) == ("m2", "m1", "m1")


def left_out(stack: Stack, faults: tuple[str, ...] = tuple(CATALOGUE)) -> dict[str, str]:
    """The faults that do not fit, and why, as a set tells it."""
    told: list[str] = []
    found = fitting(faults, stack, told.append)
    why = dict(line.removeprefix("left out: ").split(": ", 1) for line in told)
    assert [fault.name for fault in found] == [name for name in faults if name not in why]
    return why


@pytest.mark.parametrize(
    ("kinds", "gone"),
    [
        (CLASSIC, set[str]()),
        (ALL_BALANCE, {"apiserver-cut-off"}),
        (TEN, {"apiserver-cut-off"}),
        (APART, set[str]()),
        (TWO, {"apiserver-cut-off", "apiservers-two-killed", "apiservers-fewer-and-fewer"}),
        (
            ONE,
            {name for name in CATALOGUE if name.startswith("apiserver")} - {"apiservers-all-killed"}
            | {"reload-storm", "host-returns"}
            | {f"holder-{what}" for what in ("killed", "frozen", "rebooted", "cut-off")},
        ),
    ],
)
def test_what_does_not_fit_a_stack_is_left_out_of_a_set_and_refused_by_name(
    kinds: tuple[str, ...], gone: set[str]
) -> None:
    stack = on_sandbox(*kinds)
    assert set(left_out(stack)) == gone
    for name in CATALOGUE:
        outcome = pytest.raises(DrillError, match=f"fault '{name}': ") if name in gone else nullcontext()
        with outcome:
            demanded([name], stack)


def test_the_reason_is_in_it() -> None:
    assert left_out(on_sandbox(*TWO))["apiservers-two-killed"] == "needs 3 apiservers, the stack has 2"
    with pytest.raises(DrillError, match="'apiserver-cut-off': every host balances"):
        demanded(["nothing", "apiserver-cut-off"], on_sandbox(*TWO))


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        (Apiserver(), True),
        (Apiserver(path="/readyz?verbose", status="200,401"), True),
        (Apiserver(path="/livez"), False),
        (Apiserver(status="200-599"), False),
        (Apiserver(path="", status=""), False),
    ],
)
def test_an_apiserver_that_is_not_ready_is_noticed_or_left_out(asked: Apiserver, *, fits: bool) -> None:
    stack = on_sandbox(*CLASSIC)
    hosts = tuple(replace(host, apiserver=asked) for host in stack.hosts)
    gone = left_out(replace(stack, hosts=hosts, balancers=hosts[:2]))
    assert ("apiserver-not-ready" not in gone) == fits
    assert fits or "/readyz" in gone["apiserver-not-ready"]


def test_streams_of_an_apiserver_that_is_not_ready_are_kept_or_it_is_left_out(tmp_path: Path) -> None:
    """The hosts have one line or the other, by their HAProxy's version."""
    plan = examples.planned(examples.topology())
    draining = render.haproxy_cfg(plan)
    before_2_4 = "\n".join(line for line in draining.splitlines() if not line.endswith("# from 2.4 on"))
    file = tmp_path / "haproxy.cfg"

    def shell(command: str) -> str:
        return "" if "grep" not in command else bash(command.replace(HAPROXY_CFG, str(file)))

    stack = replace(shaped(*CLASSIC, answer=shell).stack, sandbox=Settings("lab", 7001))
    file.write_text(draining)
    assert left_out(stack) == {}
    file.write_text(before_2_4)
    assert list(left_out(stack)) == ["apiserver-not-ready"]
    assert "m1, m2 cuts such streams" in left_out(stack)["apiserver-not-ready"]


def bash(command: str) -> str:
    """What a host would say."""
    return subprocess.run(["bash", "-c", command], text=True, check=True, capture_output=True).stdout


def test_changes_are_for_stacks_of_this_project_s_program() -> None:
    foreign = replace(on_sandbox(*CLASSIC), configurable=False)
    assert set(left_out(foreign)) == {name for name in CATALOGUE if name.startswith("change-")}


def test_a_real_cloud_never_sees_two_faults_at_once_nor_an_endpoint_without_balancers() -> None:
    real = shaped(*CLASSIC).stack
    gone = left_out(real)
    assert {name for name in CATALOGUE if name.startswith(("both-", "survivor-"))} < set(gone)
    assert {gone[name] for name in gone} == {"needs the sandbox"}
    with pytest.raises(DrillError, match="'both-haproxy-killed': needs the sandbox"):
        demanded(["both-haproxy-killed"], real)
    assert len(left_out(real, SHORT)) < len(SHORT)


def test_a_set_of_which_nothing_fits_is_refused() -> None:
    with pytest.raises(DrillError, match="no fault of this set"):
        fitting(["both-rebooted"], shaped(*CLASSIC).stack, lambda _: None)


def test_every_fault_that_fits_knows_whom_it_means() -> None:
    for kinds in (CLASSIC, ALL_BALANCE, TWO, APART, TEN, ONE):
        where = replace(shaped(*kinds), stack=on_sandbox(*kinds))
        for fault in fitting(CATALOGUE, where.stack, lambda _: None):
            ended, gone = fault.ended_path(where), fault.silenced(where)
            known = {host.name for host in where.stack.hosts}
            assert set(ended.split(",")) <= {"", "vip", *known}
            assert set(gone) <= known


def test_the_last_haproxy_is_the_last_of_all() -> None:
    fault, where = CATALOGUE["survivor-haproxy-stopped"], shaped(*TEN)
    with fault.prepare(where):
        assert [log(host) for host in where.stack.balancers] == [[]] + [["stop haproxy"]] * 9


def test_several_apiservers_are_those_far_from_the_vip() -> None:
    where = shaped(*APART)
    fault = CATALOGUE["apiservers-two-killed"]
    assert fault.ended_path(where) == "m5,m4"
    assert CATALOGUE["apiservers-all-killed"].ended_path(where) == "m3,m4,m5"
    with fault.inject(where):
        pass
    assert [len(log(host)) for host in where.stack.hosts] == [0, 0, 0, 2, 2]


def test_a_holder_without_an_apiserver_takes_none_along() -> None:
    fault = CATALOGUE["holder-killed"]
    assert fault.lasting_ms(shaped(*CLASSIC, host_loss=900, backend_loss=5000)) == 5000
    assert fault.lasting_ms(shaped(*APART, host_loss=900, backend_loss=5000)) is None


@pytest.mark.parametrize(("kinds", "name"), [(CLASSIC, "m2"), (APART, "m3"), (TWO, "m1")])
def test_a_load_goes_straight_to_a_backend_that_does_nothing_else(kinds: tuple[str, ...], name: str) -> None:
    where = shaped(*kinds)
    assert idle_backend(where.stack, where.holder).name == name


def test_apiservers_die_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    where = shaped(*APART)
    seen: list[list[int]] = []

    def deaths() -> list[int]:
        return [len(log(host)) for host in where.stack.backends]

    monkeypatch.setattr(time, "sleep", lambda _: seen.append(deaths()))
    with CATALOGUE["apiservers-fewer-and-fewer"].inject(where):
        seen.append(deaths())
    assert seen == [[0, 1, 1], [1, 1, 1]]
    assert deaths() == [2, 2, 2], "all are back"
