"""Waiting for what has no moment of its own, always within a bound."""

import time
from collections.abc import Callable


class NeverHappened(AssertionError):
    """A bounded wait ran out."""


def eventually(what: str, holds: Callable[[], bool], within_s: float = 20) -> float:
    """Wait until `holds`; the seconds it took. Raises :class:`NeverHappened`."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            raise NeverHappened(f"{what}: not within {within_s} s")
        time.sleep(0.05)
    return time.monotonic() - began
