"""Short requests: the longest gap, those that failed, those that were slow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from drill.history import Line

SLOW_S = 0.2


@dataclass(frozen=True)
class Window:
    """The time that counts, in seconds since the epoch."""

    anchor: float
    """When the outage may begin to be counted."""
    injected: float
    """When the fault was fully in force: a request that had connected by then was in flight."""
    end: float
    clipped: bool = False
    """Whether a gap begins at the anchor at the earliest: what was missing before is not counted."""


@dataclass(frozen=True)
class Requests:
    """What all short requests together say."""

    total: int
    failed: int
    in_flight: int
    """Failed ones whose connection was open when the process serving them was killed."""
    slow: int
    gap_s: float
    """The longest time in which a client got no answer."""
    gap_at: tuple[float, float]
    failing_s: float
    """From the first request that failed to the last one, by when they were due; 0 if none failed."""
    onset: float | None
    """When clients first felt the fault: the first failed request was due, those in flight included."""
    reasons: Mapping[str, int]


def judged(clients: Mapping[str, Sequence[Line]], window: Window, *, kills: bool) -> Requests:
    """Judge the requests of every client. `kills`: whether the fault ends connections that were open."""
    total = failed = in_flight = slow = 0
    gap, gap_at = 0.0, (window.anchor, window.anchor)
    felt: list[float] = []
    failures: list[float] = []
    reasons: dict[str, int] = {}
    for lines in clients.values():
        requests = [line for line in lines if line["kind"] == "req"]
        if not requests:
            continue
        counted = [line for line in requests if window.anchor <= line["done"] and line["due"] < window.end]
        total += len(counted)
        for line in counted:
            if not line["why"]:
                slow += line["done"] - line["due"] > SLOW_S
            elif kills and line["connected"] and line["connected"] <= window.injected:
                in_flight += 1
                felt.append(line["due"])
            else:
                failed += 1
                failures.append(line["due"])
                reasons[line["why"]] = reasons.get(line["why"], 0) + 1
        begin, end = longest_gap((line["done"] for line in requests if not line["why"]), window)
        if end - begin > gap:
            gap, gap_at = end - begin, (begin, end)
    onset = max(window.anchor, min([*felt, *failures])) if felt or failures else None
    failing = max(failures) - onset if failures and onset is not None else 0.0
    return Requests(total, failed, in_flight, slow, gap, gap_at, max(0.0, failing), onset, reasons)


def longest_gap(answers: Iterable[float], window: Window) -> tuple[float, float]:
    """Return the longest stretch without an answer that ends after the anchor, and where it lies.

    The stretch may begin before the anchor, where the last answer came, unless the window is clipped.
    """
    times = sorted(answers)
    before = [time for time in times if time <= window.anchor]
    inside = [time for time in times if window.anchor < time < window.end]
    points = [before[-1] if before and not window.clipped else window.anchor, *inside, window.end]
    return max(pairwise(points), key=lambda pair: pair[1] - pair[0])
