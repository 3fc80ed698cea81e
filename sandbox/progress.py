"""Progress for people: one line when a step begins (and how long it usually takes), one when it is done."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

Report = Callable[[str], None]
"""Takes one line of progress. What reports does not care where it goes."""

console = Console(stderr=True, highlight=False)


def to_console(message: str) -> None:
    """Print one line of progress to standard error."""
    console.print(message, markup=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """``4.2 s`` or ``3 min 05 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"


@contextmanager
def step(report: Report, what: str, usually: str = "") -> Iterator[None]:
    """Report the beginning and the end of a step. A failing step reports nothing more: its error speaks."""
    report(f"{what} ..." + (f" (usually {usually})" if usually else ""))
    began = time.monotonic()
    yield
    report(f"{what}: done in {duration(time.monotonic() - began)}")
