"""Whoever ends a test run, and however impatiently, its hosts go with it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
RUN = """\
import os, time
from pathlib import Path
import pytest

def said(name):
    Path(name).touch()

@pytest.fixture(scope="session")
def hosts():
    yield
    said("removing")
    while not Path("again").exists():
        time.sleep(0.01)
    said("removed")

def test_it(hosts):
    said("begun")
    while os.environ["LONG"]:
        time.sleep(0.01)
"""


def await_file(file: Path) -> None:
    """Wait until a run has written a file."""
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"no {file.name}"
        time.sleep(0.01)


@pytest.mark.parametrize("long", ["yes", ""], ids=["during a test", "after the last"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_leave_hosts(tmp_path: Path, number: signal.Signals, long: str) -> None:
    (tmp_path / "test_run.py").write_text(RUN)
    (tmp_path / "pytest.ini").touch()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "test_run.py",
    ]
    environment = {"PYTHONPATH": str(ROOT), "LONG": long, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            await_file(tmp_path / "begun")
            if long:
                run.send_signal(number)
            await_file(tmp_path / "removing")
            run.send_signal(number)
            time.sleep(0.1)
            (tmp_path / "again").touch()
            _, said = run.communicate(timeout=30)
        finally:
            run.kill()
    assert (tmp_path / "removed").exists()
    if long:
        assert "still removing" in said
        assert run.returncode == pytest.ExitCode.INTERRUPTED
