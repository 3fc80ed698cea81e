"""``kill -9`` of the engine in the middle of ``up``: running the main job again ends with a VIP that answers."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.settings import Settings
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(900)]


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
