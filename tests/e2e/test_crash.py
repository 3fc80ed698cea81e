"""``kill -9`` of the engine in the middle of ``up``: running the main job again ends with a VIP that answers."""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.api.faults import Effect, When
from sandbox.faults.kinds import ApiTroubled, injected
from sandbox.settings import Settings
from sandbox.stack import recovery
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(900)]

HA_VIP = "alicloud:vpc/haVipv2:HaVipv2"


def killed_during_up(lab: Lab, when: Callable[[], bool], what: str) -> None:
    """Start ``pulumi up`` and kill the engine without warning as soon as `when` holds."""
    up = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview"],
        cwd=lab.flow.project,
        env={**os.environ, **lab.engine.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(what, lambda: when() or up.poll() is not None, within_s=180)
        assert up.poll() is None, f"up ended before {what}"
    finally:
        up.send_signal(signal.SIGKILL)
        up.wait()


def test_up_after_kill_9_recovers_by_itself(settings: Settings, dev: Lab, tmp_path: Path) -> None:
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path / "crash", "crash", {})
    before = {host["id"] for host in lab.cloud()["hosts"]}

    def made() -> list[str]:
        return [host["id"] for host in lab.cloud()["hosts"] if host["id"] not in before]

    def commands_run() -> bool:
        resources = lab.engine.export().get("resources") or []
        return any(one["type"] == "command:remote:Command" for one in resources)

    try:
        killed_during_up(lab, lambda: len(made()) > 0, "an instance is being created")
        lab.flow.recover(lab.engine)
        assert made() == [], "what the engine never recorded is still there"
        killed_during_up(lab, commands_run, "remote commands run")
        outputs = lab.flow.up()
        assert outputs["vip"] == "10.0.0.10"
        assert lab.answers()
        assert len(made()) == 3, "the crash left hosts that nobody knows"
        assert not lab.engine.export().get("pending_operations")
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert made() == []


def test_up_after_kill_9_names_what_that_left_and_the_command_that_imports_it(
    settings: Settings, dev: Lab, tmp_path: Path
) -> None:
    """By a person's own commands: it is no sandbox that could look for itself."""
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path / "orphan", "orphan", {})

    def ha_vips() -> list[str]:
        return [one["id"] for one in lab.cloud()["ha_vips"] if one["name"] == lab.component]

    def cut_off() -> bool:
        pending = lab.engine.export().get("pending_operations") or []
        return len(ha_vips()) > 0 and HA_VIP in {one["resource"]["type"] for one in pending}

    untold = ApiTroubled(effect=Effect.HANGING, actions=("CreateHaVip",), when=When.AFTER)
    try:
        with injected(settings, untold):
            killed_during_up(lab, cut_off, "the HaVip is made, and nobody is told")
            for plugin in recovery.abandoned_plugins(lab.engine.environment):
                os.kill(plugin, signal.SIGKILL)  # as when their machine goes: none is there to be told later
        [ha_vip] = ha_vips()
        lab.engine.must("cancel", "--yes")

        refused = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0, said
        assert f"{lab.component}-havip = {ha_vip!r}" in said
        assert ha_vips() == [ha_vip]
        commands = [line.strip() for line in said.splitlines() if line.strip().startswith("pulumi ")]
        assert [command.split()[1] for command in commands] == ["import", "refresh"], said
        for command in commands:
            lab.engine.must(*shlex.split(command)[1:])

        up = lab.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
        assert ha_vips() == [ha_vip] == [lab.outputs()["ha_vip_id"]]
        assert lab.answers()
        assert not lab.engine.export().get("pending_operations")
        lab.engine.must("preview", "--expect-no-changes")
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert ha_vips() == []
