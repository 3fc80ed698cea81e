"""^C and its likes: heeded by every command, and kept from what must not be cut in two."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

ENDING_LIMIT_S = 120.0
"""For what pulumi has begun, once it was asked to end."""

STANDARD_ERROR = 2
"""Where progress goes: standard output is for what a command answers."""


def _interrupted(_number: int, _frame: object) -> None:
    # Of background jobs the shell has SIGINT ignored: they are ended like others.
    raise KeyboardInterrupt


def heed() -> None:
    """Take every way in which people end a command for ^C; a terminal that goes away, unless nohup(1) forbids it."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        signal.signal(number, _interrupted)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep ^C and SIGTERM waiting until the block is through (in the main thread; others get neither)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def later(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, later) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def ended_in_order(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    begun: Callable[[int], object] = lambda _: None,
    *,
    capture: bool = True,
) -> "subprocess.CompletedProcess[str]":
    """Run a command; on ^C ask it once to end, and wait for that: killed, pulumi leaves its lock behind.

    In a session of its own, so that the terminal does not ask it as well: asked twice, pulumi drops everything.
    `begun` is told its process id. What it says goes to standard error, unless it is captured.
    """
    process: subprocess.Popen[str] | None = None
    try:
        with uninterrupted():  # no moment in which it runs and nobody knows
            process = subprocess.Popen(
                command,
                cwd=directory,
                env={**os.environ, **environment},
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if capture else STANDARD_ERROR,
                stderr=subprocess.PIPE if capture else None,
                start_new_session=True,
            )
        begun(process.pid)
        said, complained = process.communicate()
    except BaseException:
        if process is not None:
            with uninterrupted():
                _end(process)
        raise
    return subprocess.CompletedProcess(command, process.returncode, said, complained)


def _end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=ENDING_LIMIT_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
