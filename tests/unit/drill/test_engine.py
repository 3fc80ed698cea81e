"""Commands that must not be killed, with shell scripts in pulumi's place."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drill import engine
from drill.engine import ended_in_order, up_again
from sandbox.stack.engine import Engine

pytestmark = pytest.mark.unit

SLOW = """\
trap 'echo asked >>asked; while [ ! -e sent ]; do sleep 0.05; done; echo in order >ended; exit 1' INT
echo >begun
while :; do sleep 0.05; done
"""


def interrupt(directory: Path, *after: str) -> None:
    """Send ^C each time that the command has written a file, then tell it so."""

    def send() -> None:
        for name in after:
            while not (directory / name).exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        (directory / "sent").touch()

    threading.Thread(target=send, daemon=True).start()


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("after", [("begun",), ("begun", "asked")])
def test_an_interrupted_command_is_asked_once_and_ends_in_order(
    tmp_path: Path, after: tuple[str, ...]
) -> None:
    interrupt(tmp_path, *after)
    with pytest.raises(KeyboardInterrupt):
        ended_in_order(["sh", "-c", SLOW], tmp_path, {})
    assert (tmp_path / "ended").exists()
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_a_command_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ENDING_LIMIT_S", 0.3)
    interrupt(tmp_path, "begun")
    with pytest.raises(KeyboardInterrupt):
        ended_in_order(
            ["sh", "-c", "trap '' INT; echo $$ >pid; echo >begun; while :; do sleep 0.05; done"], tmp_path, {}
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_command_has_a_session_of_its_own_and_what_it_said_is_kept(tmp_path: Path) -> None:
    done = ended_in_order(["sh", "-c", "ps -o sid= -p $$; echo $WORD; exit 3"], tmp_path, {"WORD": "hm"})
    session, word = done.stdout.split()
    assert int(session) != os.getsid(0)
    assert (word, done.returncode) == ("hm", 3)


@pytest.mark.parametrize(("backend", "calls"), [("file://{0}", ["cancel", "up"]), ("s3://state", ["up"])])
def test_healing_goes_past_the_lock_of_a_dead_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, calls: list[str]
) -> None:
    program = tmp_path / "bin/pulumi"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$1" >>{tmp_path}/calls\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    lock = tmp_path / ".pulumi/locks/organization/project/dev/one.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("")  # the engine died while it wrote it
    up_again(Engine("dev", {"PULUMI_BACKEND_URL": backend.format(tmp_path)}, tmp_path), {})
    assert (tmp_path / "calls").read_text().split() == calls
