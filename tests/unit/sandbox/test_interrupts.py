"""Commands that must not be killed, with shell scripts in pulumi's place."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import interrupts
from sandbox.interrupts import ended_in_order, heed

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
    monkeypatch.setattr(interrupts, "ENDING_LIMIT_S", 0.3)
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


@pytest.fixture
def handlers() -> Iterator[None]:
    """The handlers of signals: as in a terminal, whatever these tests run under, and put back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_however_a_command_is_ended_it_cleans_up(number: signal.Signals) -> None:
    heed()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


@pytest.mark.usefixtures("handlers")
def test_under_nohup_the_end_of_the_terminal_ends_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heed()
    signal.raise_signal(signal.SIGHUP)
