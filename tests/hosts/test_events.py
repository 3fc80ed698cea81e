"""Who is killed for a hung HAProxy: one that is silent, and nobody else."""

import contextlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from components.rendering import render
from tests.hosts.monitors import late, nobody, silent, starting
from tests.ports import free_port
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]


@pytest.mark.parametrize(
    ("state", "killed"), [(silent, True), (late, False), (nobody, False), (starting, False)]
)
def test_only_a_silent_haproxy_is_killed(
    state: Callable[[int], contextlib.AbstractContextManager[None]], killed: bool, tmp_path: Path
) -> None:
    port = free_port()
    plan = examples.planned(examples.topology() | {"monitor_port": port})
    script, calls = tmp_path / "haproxy-events", tmp_path / "calls"
    script.write_text(render.haproxy_events(plan, plan.balancers[0]))
    for name in ("systemctl", "logger"):  # it runs, says systemctl
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{calls}\n')
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with state(port):
        subprocess.run(["bash", script, "revive"], env=environment, check=True, timeout=30)
    said = calls.read_text() if calls.exists() else ""
    assert ("systemctl kill" in said) == killed, said
