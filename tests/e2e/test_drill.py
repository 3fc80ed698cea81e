"""The drill on a running stack: what it measures, that it heals, and that a broken configuration turns it red."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.stack.engine import PROJECT
from tests.e2e.lab import Lab
from tests.e2e.traffic import Streams, from_outside

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(600)]

BALANCERS = ("k8s-master01", "k8s-master02")
CFG = "/etc/haproxy/haproxy.cfg"
OVER = 2


def drill(lab: Lab, output: Path, *faults: str, prefix: str = "") -> tuple[int, dict[str, dict[str, Any]]]:
    """Run faults as a person would; the exit status, and the figures by fault."""
    where = ["--sandbox", lab.settings.name, "--stack", lab.flow.stack, "--project", str(lab.flow.project)]
    where += ["--outputs", prefix] if prefix else []
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
    # Nor are its ports remembered: answers to others would go to its client for two minutes more.
    with Streams(from_outside(standing), 60) as streams:
        assert streams.lost() == []
    for host in BALANCERS:
        assert standing.ssh(host, "systemctl is-active haproxy keepalived").split() == ["active", "active"]


def test_hosts_of_a_real_cloud_are_reached_and_healed_through_ssh(standing: Lab, tmp_path: Path) -> None:
    key = standing.engine.environment["SANDBOX_SSH_KEY"]
    known = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
    login = [f"--ssh-option={word}" for word in (f"-i{key}", *(f"-o{option}" for option in known))]
    where = [
        "--stack",
        standing.flow.stack,
        "--project",
        str(standing.flow.project),
        "--output",
        str(tmp_path),
    ]

    def through_ssh(fault: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "drill", "--real-cloud", *where, *login, "--only", fault],
            cwd=PROJECT,
            env={**os.environ, **standing.engine.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = through_ssh("both-haproxy-killed")
    assert refused.returncode == 1
    assert "needs the sandbox" in refused.stderr
    done = through_ssh("haproxy-stopped")
    figures = tmp_path / "latest.json"
    assert figures.exists(), done.stdout + done.stderr
    [stopped] = json.loads(figures.read_text())
    assert stopped["streams_ended"] > 0, stopped["why"]
    assert stopped["whole_again_ms"] is not None
    for host in BALANCERS:
        assert standing.ssh(host, "systemctl is-active haproxy").strip() == "active"
        assert "drill-heal" not in standing.ssh(host, "systemctl list-units --all 'drill-*'")


BREAKS = {
    "keepalived.conf.j2": r"    nopreempt\n",
    "haproxy.cfg.j2": r"    option redispatch 1\n    retries .*\n",
    "haproxy.service.conf.j2": r"ExecReload=-.* save-state\n",
}
"""What is cut out of a template: preemption is on then, redispatch is left out, server state is not saved."""


def up(lab: Lab) -> None:
    """Bring about what the project's templates say."""
    done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def broken_templates(lab: Lab) -> Iterator[None]:
    """The stack as it is with `BREAKS` in the project's templates; afterwards as it was, by the next ``up``."""
    # The program finds its templates beside its components, links resolved: both are copies of the lab's own meanwhile.
    links = [lab.flow.project / part for part in ("components", "templates")]
    try:
        for link in links:
            link.unlink()
            shutil.copytree(PROJECT / link.name, link)
        for name, what in BREAKS.items():
            file = lab.flow.project / "templates" / name
            text, count = re.subn(what, "", file.read_text())
            assert count == 1, f"{name} has {count} times {what!r}"
            file.write_text(text)
        up(lab)
        yield
    finally:
        for link in links:
            if not link.is_symlink():
                shutil.rmtree(link, ignore_errors=True)
                link.symlink_to(PROJECT / link.name)
        up(lab)


def test_broken_templates_turn_verdicts_red(standing: Lab, tmp_path: Path) -> None:
    """Each verdict for its own reason, however busy the machine is.

    Preempted, the peer loses the VIP with all streams that it carries: the returning host knows none of them. A third
    of the requests goes to the apiserver that was killed, and is refused until HAProxy has noticed. In each new worker
    the one that hangs is taken for alive, and accepts connections without ever answering.
    """
    with broken_templates(standing):
        status, figures = drill(standing, tmp_path, "host-returns", "apiserver-killed", "reload-storm")
    preempted, killed, reloaded = (
        figures[fault] for fault in ("host-returns", "apiserver-killed", "reload-storm")
    )
    assert {fault: one["verdict"] for fault, one in figures.items()} == dict.fromkeys(figures, "over"), (
        figures
    )
    assert preempted["streams_lost"] > 0, preempted["why"]
    assert killed["failed"] > 0, killed["why"]
    assert reloaded["failed"] > 0, reloaded["why"]
    assert status == OVER
    for host in BALANCERS:
        cfg = standing.ssh(host, f"cat {CFG}")
        assert "option redispatch" in cfg, "the lab was left broken"
