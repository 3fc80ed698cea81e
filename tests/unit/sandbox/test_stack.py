"""What ``sandbox stack up`` adds to the engine's own words."""

import json
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from sandbox import needs
from sandbox.control import Control, Status
from sandbox.errors import SandboxError
from sandbox.settings import Settings
from sandbox.stack import environment, flow, recovery
from sandbox.stack.engine import PROJECT, Engine
from sandbox.stack.flow import DevStack
from sandbox.toolchain import ToolchainError

pytestmark = pytest.mark.unit


def test_up_says_what_the_provider_keeps_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why a host failed, and what was asked for in this run that the sandbox does not serve."""
    hosts = [{"name": "m1", "failure": "start: no init"}, {"name": "m2", "failure": ""}]
    after = Status({"hosts": hosts, "not_served": {"asked for before": 1, "and again": 2, "new": 1}})
    monkeypatch.setattr(Control, "status", lambda _self: after)
    said: list[str] = []
    before = Status({"hosts": [], "not_served": {"asked for before": 1, "and again": 1}})
    DevStack(Settings("lab"), said.append).tell_what_the_provider_does_not(before)
    assert said == [
        "host m1: start: no init",
        "warning: not what the cloud would do: and again",
        "warning: not what the cloud would do: new",
    ]


def test_an_endpoint_without_an_eip_is_not_asked_from_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(flow, "wait_for_answer", asked.append)
    inside, outside = "https://10.0.0.10:16443", "https://127.66.0.1:16443"
    assert "inside the VPC only" in flow.reach({"endpoint": inside, "eip": ""})
    assert asked == []
    assert flow.reach({"endpoint": outside, "eip": "127.66.0.1"}) == f"the VIP answers at {outside}"
    assert asked == [outside]


def test_a_machine_without_go_is_told_before_an_image_is_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(needs, "ensure", lambda _: None)
    monkeypatch.setattr(flow, "ensure_host_parts", begun.append)
    monkeypatch.setenv("HAVIP_TOOLCHAIN", "built")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="no `go` on PATH"):
        flow.prepare(lambda _: None)
    assert begun == []


def begun(command: list[str], **more: Any) -> "subprocess.Popen[str]":
    """A process that repeats one line. Before it has, /proc may not know yet what it is."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, **more
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write("begun\n")
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_sandbox_is_not_taken_away_from_a_living_engine(tmp_path: Path) -> None:
    """It would write its state afterwards, and the next sandbox begin with hosts that it does not have."""
    engine = begun([sys.executable, "-c", "print(input(), flush=True); input()", "pulumi"])
    try:
        lock = tmp_path / ".pulumi/locks/organization/project/dev/one.json"
        lock.parent.mkdir(parents=True)
        lock.write_text(json.dumps({"pid": engine.pid}))
        recovery.refuse_if_busy("another", tmp_path)
        with pytest.raises(SandboxError, match=f"kill -INT {engine.pid}"):
            recovery.refuse_if_busy("dev", tmp_path)
    finally:
        engine.kill()
        engine.communicate()
    recovery.refuse_if_busy("dev", tmp_path)
    lock.write_text("")
    recovery.refuse_if_busy("dev", tmp_path)


LAB = Settings("lab", 7500)


@pytest.mark.parametrize(
    ("endpoints", "refused"),
    [
        ("[{ecs: 127.0.0.1:7500, vpc: 127.0.0.1:7500}]", ""),
        ("""'[{"ecs":"127.0.0.1:7500"}]'""", ""),
        ("[{ecs: 127.0.0.1:7500, vpc: 127.0.0.1:7443}]", "has vpc: 127.0.0.1:7443, and sandbox 'lab'"),
        ("""'[{"ecs":"127.0.0.1:7443"}]'""", "write 127.0.0.1:7500 for each service"),
        ("", "has nothing"),
    ],
)
def test_a_stack_that_talks_to_another_cloud_is_refused(tmp_path: Path, endpoints: str, refused: str) -> None:
    """To the sandbox beside this one, say, or without endpoints to Alibaba Cloud itself."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"config:\n  alicloud:endpoints: {endpoints}\n")
    with pytest.raises(SandboxError, match=refused) if refused else nullcontext():
        flow.refuse_another_cloud(file, LAB)
    if refused:
        with pytest.raises(SandboxError, match=refused):
            DevStack(LAB, print, project=tmp_path).up()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, []),
        ({"NO_PROXY": "one.example, two.example"}, ["one.example", "two.example"]),
        ({"NO_PROXY": "one.example,", "no_proxy": "one.example,127.0.0.1"}, ["one.example"]),
    ],
)
def test_no_proxy_is_asked_for_the_api_and_the_eips(said: dict[str, str], expected: list[str]) -> None:
    """Nor for what the person named, under whichever of the two names."""
    found = environment.not_proxied(said, LAB)
    assert set(found) == {*expected, "127.0.0.1", "127.0.0.1:7500", "127.66.0.0/24"}
    assert len(found) == len(set(found))


def test_the_dev_stack_talks_to_the_dev_sandbox() -> None:
    flow.refuse_another_cloud(PROJECT / "Pulumi.dev.yaml", Settings())


def test_plugins_that_outlive_their_engine_end_with_its_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "alive", lambda _: False)

    def plugin(backend: str) -> "subprocess.Popen[str]":
        own = {"PULUMI_BACKEND_URL": backend, "PULUMI_STACK": "any"}
        return begun(["pulumi-resource-cloud"], executable="/bin/cat", env=own)

    gone, another = f"file://{tmp_path}/state", f"file://{tmp_path}/state-2"
    with plugin(gone) as of_it, plugin(another) as of_another:
        try:
            recovery.end_plugins({"PULUMI_BACKEND_URL": gone})
            assert of_it.wait(10) == -signal.SIGKILL
            assert of_another.poll() is None
        finally:
            of_it.kill()
            of_another.kill()


@pytest.mark.parametrize(("kind", "refreshed"), [("updating", False), ("deleting", True)])
def test_the_note_of_an_update_is_left_to_the_program_which_warns_of_it(
    kind: str, refreshed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        Engine, "export", lambda _self: {"pending_operations": [{"type": kind, "resource": {}}]}
    )
    monkeypatch.setattr(Engine, "must", lambda _self, *arguments: asked.append(arguments[0]))
    monkeypatch.setattr(recovery, "SETTLE_S", 0)
    monkeypatch.setattr(recovery, "end_plugins", lambda _: None)  # those of other tests
    recovery.recover(Engine("dev", {}), Control(Settings("lab")), lambda _: None)
    assert asked == ["refresh"] * refreshed
