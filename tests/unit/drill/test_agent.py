"""The client itself, as the process it is."""

import json
import subprocess
import sys
import time
from itertools import islice

import pytest

from drill.workload.clients import SOURCE

pytestmark = [pytest.mark.unit, pytest.mark.timeout(60)]

WITNESS = {
    "host": "127.0.0.1",
    "port": 1,
    "path": "/",
    "limit_ms": 100,
    "statuses": [],
    "interval_ms": 0,
    "watches": 0,
    "idle": 0,
    "vip": "127.0.0.1",
}
"""Only looks at an address, which this machine has."""


def started(source: str = SOURCE) -> "subprocess.Popen[str]":
    """A witness of this machine's loopback address."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", source, json.dumps(WITNESS)], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def test_what_a_witness_saw_is_not_lost_with_its_host() -> None:
    agent = started()
    assert agent.stdout is not None
    said = (json.loads(line) for line in iter(agent.stdout.readline, ""))
    # A busy machine makes it late, which it says as well.
    lines = list(islice((line for line in said if line["kind"] != "late"), 4))
    agent.kill()
    agent.communicate()
    assert [line["kind"] for line in lines] == ["start", "holder", "alive", "alive"]
    assert lines[1]["held"]
    assert lines[-1]["at"] == pytest.approx(time.time(), abs=5)


def test_a_witness_ends_in_order() -> None:
    said, _ = started().communicate("stop\n", timeout=20)
    assert json.loads(said.splitlines()[-1])["kind"] == "stop"


def test_a_task_that_fails_ends_the_process() -> None:
    broken = SOURCE.replace(
        "await asyncio.wait_for(loop.sock_recv(kernel, 65536), ALIVE_S)", 'raise OSError(9, "no")'
    )
    assert broken != SOURCE
    agent = started(broken)
    assert agent.wait(20) == 1
    said, complained = agent.communicate()
    assert "OSError" in complained
    assert "stop" not in said
