"""The stack's own configuration: which of a state it is, and that it is there again afterwards."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from drill.configurations import heal_installed, own, restored
from drill.errors import DrillError
from drill.left import Left
from drill.stack import Stack
from sandbox.stack.engine import Engine
from tests.unit.drill.fake import log, scene

pytestmark = pytest.mark.unit

TYPES = "kube-apiserver-havip:index:"


def resource(kind: str, name: str, parent: str = "", **more: object) -> dict[str, Any]:
    """One of a state."""
    return {"urn": f"urn:pulumi:dev::project::{kind}::{name}", "type": kind, "parent": parent, **more}


def endpoint(name: str, vip: str, *hosts: str) -> list[dict[str, Any]]:
    """An endpoint with balancers, each of which is handed what says whose it is."""
    api = resource(f"{TYPES}ApiServerVip", name, outputs={"vip": vip})
    found = [api]
    for host in hosts:
        balancer = resource(f"{TYPES}BalancerHost", f"{name}-{host}", api["urn"])
        found.append(balancer)
        for service in own.SERVICES:
            command = f"{name}-{host}-{service}"
            inputs = {"stdin": f"{service} of {host} of {name}"}
            found.append(resource("command:remote:Command", command, balancer["urn"], inputs=inputs))
    return found


class Told(Engine):
    """An engine that knows this state."""

    @override
    def export(self) -> dict[str, Any]:
        return {"resources": endpoint("blue", "10.0.0.10", "m1", "m2")}

    @override
    def outputs(self) -> dict[str, Any]:
        return {"budget": {"host_loss": 754}}


@pytest.mark.parametrize(
    "others",
    [
        endpoint("green", "10.0.0.20", "m1", "m2"),
        endpoint("blue-db", "10.0.0.20", "m1"),
        [{**one, "delete": True} for one in endpoint("blue", "10.0.0.10", "m1")],
    ],
)
def test_a_balancer_s_configuration_is_its_own_and_its_own_endpoint_s(
    others: Sequence[Mapping[str, Any]],
) -> None:
    blue = endpoint("blue", "10.0.0.10", "m1", "db-m1", "m2")
    for state in ([*blue, *others], [*others, *blue]):
        found = own.bundles(state, scene().stack)
        assert {host: texts["haproxy"] for host, texts in found.items()} == {
            "m1": "haproxy of m1 of blue",
            "m2": "haproxy of m2 of blue",
        }


@pytest.mark.parametrize(
    "state",
    [
        [],
        endpoint("blue", "10.0.0.10", "m1"),
        [*endpoint("blue", "10.0.0.10", "m1", "m2"), *endpoint("green", "10.0.0.10", "m1", "m2")],
    ],
)
def test_unless_there_is_exactly_one_nothing_else_is_installed(state: list[dict[str, Any]]) -> None:
    """Two endpoints in two VPCs may have one VIP."""
    with pytest.raises(DrillError, match=r"has (0|2) configurations of .* run: pulumi up"):
        own.bundles(state, scene().stack)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack that is whole."""
    monkeypatch.setattr(own, "await_whole", lambda *_: 0.0)
    return scene().stack


def applied(stack: Stack) -> list[int]:
    """How often each balancer was given its own configuration."""
    return [
        sum(command.endswith("hostctl apply haproxy") for command in log(host)) for host in stack.balancers
    ]


def test_the_stack_s_own_configuration_is_back_whatever_happens(stack: Stack, tmp_path: Path) -> None:
    left = Left(tmp_path / "drill-dev.json")

    def measured() -> None:
        with restored(Told("dev", {}), stack, left, lambda _: None):
            assert left.read() == {"installed": "10.0.0.10"}
            assert applied(stack) == [0, 0]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured()
    assert applied(stack) == [1, 1]
    assert left.read() == {}


def test_nobody_interrupts_that(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, put_back = Left(tmp_path / "drill-dev.json"), own.put_back

    def interrupted(known: own.Own, where: Stack) -> Stack:
        signal.raise_signal(signal.SIGINT)
        return put_back(known, where)

    def measured() -> None:
        with restored(Told("dev", {}), stack, left, lambda _: None):
            pass

    monkeypatch.setattr(own, "put_back", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measured()
    assert applied(stack) == [1, 1]
    assert left.read() == {}


def test_a_preset_that_a_killed_drill_left_is_not_taken_for_the_stack_s_own(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, engine = Left(tmp_path / "drill-dev.json"), Told("dev", {})
    for another in ({}, {"installed": "10.0.0.20"}):
        left.note(**another)
        heal_installed(engine, stack, left, lambda _: None)
        assert applied(stack) == [0, 0]  # nothing was left here
    left.note(installed="10.0.0.10")
    monkeypatch.setattr(own, "await_whole", lambda *_: None)
    monkeypatch.setattr(own, "missing", lambda _: ["m1: haproxy is not running"])
    with pytest.raises(DrillError, match=r"make verify ARGS=--repair.*m1: haproxy is not running"):
        heal_installed(engine, stack, left, lambda _: None)
    assert left.read() == {"installed": "10.0.0.10"}
    monkeypatch.setattr(own, "await_whole", lambda *_: 0.0)
    heal_installed(engine, stack, left, lambda _: None)
    assert applied(stack) == [2, 2]
    assert left.read() == {}


def test_presets_are_tried_on_a_stack_that_has_nothing_else_to_apply(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def refused(_engine: Engine) -> None:
        raise DrillError("run first: pulumi up")

    for name in ("up", "up_again"):
        monkeypatch.setattr(own, name, lambda *_, name=name: done.append(name))
    monkeypatch.setattr(own, "must_be_applied", refused)
    with pytest.raises(DrillError, match="run first: pulumi up"):
        own.captured(Told("dev", {}), stack, ("standard", "fast"), lambda _: None)
    assert done == []
    assert list(own.captured(Told("dev", {}), stack, ("standard",), lambda _: None)) == ["standard"]
