"""The drill on a running stack: what it measures, that it heals, and that a broken configuration turns it red."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.stack.engine import PROJECT
from tests.e2e.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(600)]

BALANCERS = ("k8s-master01", "k8s-master02")
CFG = "/etc/haproxy/haproxy.cfg"
OVER = 2


def drill(lab: Lab, output: Path, *faults: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run faults as a person would; the exit status, and the figures by fault."""
    where = ["--sandbox", lab.settings.name, "--stack", lab.flow.stack, "--project", str(lab.flow.project)]
    only = [word for fault in faults for word in ("--only", fault)]
    done = subprocess.run(
        [sys.executable, "-m", "drill", *where, "--output", str(output), *only],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    figures = output / "latest.json"
    assert figures.exists(), done.stdout + done.stderr
    return done.returncode, {one["fault"]: one for one in json.loads(figures.read_text())}


def test_faults_are_measured_healed_and_leave_nothing_behind(standing: Lab, tmp_path: Path) -> None:
    _, figures = drill(standing, tmp_path, "haproxy-killed", "apiserver-not-ready")
    killed, draining = figures["haproxy-killed"], figures["apiserver-not-ready"]
    assert 0 < killed["gap_ms"] < 5_000  # far above the budget: other tests run beside this one
    assert killed["total"] > 500
    assert killed["streams_ended"] > 0, "streams through the killed HAProxy cannot live on"
    assert killed["whole_again_ms"] is not None
    assert killed["budget_ms"] == standing.outputs()["budget"]["process_death"]
    # Not its verdict: other tests run beside this one, and may make a request wait.
    assert (draining["failed"], draining["streams_lost"]) == (0, 0), draining["why"]
    assert "<svg" in (tmp_path / "report.html").read_text()
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"drill-{standing.settings.name}" not in listed
    for host in BALANCERS:
        assert standing.ssh(host, "systemctl is-active haproxy keepalived").split() == ["active", "active"]


@contextmanager
def without_redispatch(lab: Lab) -> Iterator[None]:
    """HAProxy gives up on a connection that a backend refuses, on both balancers."""
    try:
        for host in BALANCERS:
            edit = f"sed -i '/option redispatch/d; s/ retries .*/ retries 0/; /observe/d' {CFG}"
            lab.ssh(host, f"cp -p {CFG} /root/drill.cfg; {edit}; systemctl reload haproxy")
        yield
    finally:
        for host in BALANCERS:
            lab.ssh(host, f"cp -p /root/drill.cfg {CFG} && rm /root/drill.cfg && systemctl reload haproxy")


def test_a_configuration_that_loses_requests_is_over(standing: Lab, tmp_path: Path) -> None:
    with without_redispatch(standing):
        status, figures = drill(standing, tmp_path, "apiserver-killed")
    assert figures["apiserver-killed"]["failed"] > 0
    assert figures["apiserver-killed"]["verdict"] == "over"
    assert status == OVER
