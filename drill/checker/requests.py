"""Short requests: the longest gap, those that failed, those that were slow."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from drill.history import Line

SLOW_S = 0.2
STALLED_S = 0.75
"""A request that waits longer was not just slow: something did not answer it first. (HAProxy 2.2 waits for 0.5 s before
it tries another kube-apiserver.)"""
WORST_S = 5.0
SPREAD_S = 0.1
"""Between the first connection through the VIP that a fault ends and the last one: processes do not die all at once."""
LISTENING_S = 0.005
"""How much longer than its last connection a process that dies may listen. (0.9 ms were seen, on two cores.)"""


@dataclass(frozen=True)
class Window:
    """The time that counts, in seconds since the epoch."""

    anchor: float
    """When the outage may begin to be counted."""
    effect: float
    """When the fault took effect: a request that had connected by then was in flight."""
    end: float
    clipped: bool = False
    """Whether a gap begins at the anchor at the earliest: what was missing before is not counted."""


@dataclass(frozen=True)
class Requests:
    """What all short requests together say."""

    failed: int
    in_flight: int
    """Failed ones whose connection was open when the process serving them was killed."""
    cut_short: int
    """Of those that failed, how many had no time of their own: their client did not get to run."""
    dues: tuple[float, ...]
    """When each was due."""
    waits: tuple[tuple[float, float], ...]
    """When each that was slow was due, and for how long it waited for its answer, in seconds."""
    gap_s: float
    """The longest time in which a client got no answer."""
    gap_at: tuple[float, float]
    failing_s: float
    """From the first request that failed to the last one, by when they were due; 0 if none failed."""
    onset: float | None
    """When clients first felt the fault: the first failed request was due, those in flight included."""
    last: float | None
    """When the last request that failed was due."""
    reasons: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many there were."""
        return len(self.dues)

    def stalled(self, late_s: float = 0.0) -> int:
        """Return how many waited longer than :data:`STALLED_S`, and than their own client's lateness explains."""
        return sum(wait - late_s > STALLED_S for _, wait in self.waits)

    def at_worst(self, late_s: float = 0.0) -> tuple[int, int]:
        """Return how many of how many stalled, in those :data:`WORST_S` in which that is most.

        Of a whole run it would be less the longer that is.
        """
        dues = sorted(self.dues)
        stalled = sorted(due for due, wait in self.waits if wait - late_s > STALLED_S)
        found = (0, len(dues))
        for due in stalled:
            begin = max(dues[0], min(due, dues[-1] - WORST_S))
            many, of = (
                bisect_right(times, begin + WORST_S) - bisect_left(times, begin) for times in (stalled, dues)
            )
            found = max(found, (many, of), key=lambda pair: pair[0] / pair[1])
        return found


def judged(clients: Mapping[str, Sequence[Line]], window: Window, *, kills: bool) -> Requests:
    """Judge the requests of every client. `kills`: whether the fault ends connections that were open."""
    failed = in_flight = cut_short = 0
    dues: list[float] = []
    waits: list[tuple[float, float]] = []
    gap, gap_at = 0.0, (window.anchor, window.anchor)
    felt: list[float] = []
    failures: list[float] = []
    reasons: dict[str, int] = {}
    for lines in clients.values():
        requests = [line for line in lines if line["kind"] == "req"]
        if not requests:
            continue
        counted = [line for line in requests if window.anchor <= line["done"] and line["due"] < window.end]
        dues += [line["due"] for line in counted]
        late = [(line["at"] - line["seconds"], line["at"]) for line in lines if line["kind"] == "late"]
        for line in counted:
            if not line["why"]:
                wait = line["done"] - line["due"]
                waits += [(line["due"], wait)] if wait > SLOW_S else []
            elif kills and line["connected"] and line["connected"] <= window.effect:
                in_flight += 1
                felt.append(line["due"])
            else:
                failed += 1
                cut_short += line["why"] == "incomplete" and own_time(line, late) < SLOW_S
                failures.append(line["due"])
                reasons[line["why"]] = reasons.get(line["why"], 0) + 1
        begin, end = longest_gap((line["done"] for line in requests if not line["why"]), window)
        if end - begin > gap:
            gap, gap_at = end - begin, (begin, end)
    onset = max(window.anchor, min([*felt, *failures])) if felt or failures else None
    last = max(failures, default=None)
    failing = last - onset if last is not None and onset is not None else 0.0
    return Requests(
        failed=failed,
        in_flight=in_flight,
        cut_short=cut_short,
        dues=tuple(dues),
        waits=tuple(waits),
        gap_s=gap,
        gap_at=gap_at,
        failing_s=max(0.0, failing),
        onset=onset,
        last=last,
        reasons=reasons,
    )


def own_time(line: Line, late: Iterable[tuple[float, float]]) -> float:
    """Return for how long a request could be answered: its client ran, and would have seen that."""
    asleep = sum(max(0.0, min(end, line["done"]) - max(begin, line["due"])) for begin, end in late)
    return float(line["done"] - line["due"] - asleep)


def took_effect(clients: Mapping[str, Sequence[Line]], inject: float, injected: float, path: str) -> float:
    """Return when a fault had ended what it ends, which `injected` tells late: the command may wait for more.

    A reboot returns after the whole shutdown, a package manager after all of its work. Of the apiservers that `path`
    names, the end of their watches tells, as far as these end within :data:`SPREAD_S`: a process that dies lets go of
    its newest connections first and of its listening socket last (the kernel's task_work is last in, first out), within
    :data:`LISTENING_S`. What connects later has to be sent to another one. On the way through the VIP the first failure
    tells, and :data:`SPREAD_S`. Never later than `injected`.
    """
    every = [line for lines in clients.values() for line in lines]
    cut = [line for line in every if line["kind"] == "watch-end" and line["why"] and line["at"] >= inject]
    if path and path != "vip":
        return min(injected, max(_died(cut, name, injected) for name in path.split(",")))
    failed = [
        max(line["due"], inject)
        for line in every
        if line["kind"] == "req" and line["why"] and line["done"] >= inject
    ]
    felt = min([*failed, *(line["at"] for line in cut)], default=inject - SPREAD_S)
    return min(injected, max(inject, felt + SPREAD_S))


def _died(cut: Sequence[Line], apiserver: str, injected: float) -> float:
    ends = sorted(line["at"] for line in cut if line["by"] == apiserver)
    return max((at + LISTENING_S for at in ends if at <= ends[0] + SPREAD_S), default=injected)


def together(first: Requests, second: Requests) -> Requests:
    """Return what two groups of clients say, each about its own window: sums, and the worse of both."""
    reasons = dict(first.reasons)
    for why, count in second.reasons.items():
        reasons[why] = reasons.get(why, 0) + count
    return Requests(
        first.failed + second.failed,
        first.in_flight + second.in_flight,
        first.cut_short + second.cut_short,
        first.dues + second.dues,
        first.waits + second.waits,
        *max((first.gap_s, first.gap_at), (second.gap_s, second.gap_at)),
        max(first.failing_s, second.failing_s),
        first.onset,
        max((last for last in (first.last, second.last) if last is not None), default=None),
        reasons,
    )


def floor(clients: Mapping[str, Sequence[Line]], begin: float, end: float) -> float:
    """Return the longest gap before the fault; until a client has its first answer it is only being started."""
    found = 0.0
    for lines in clients.values():
        answers = [line["done"] for line in lines if line["kind"] == "req" and not line["why"]]
        if answers and (first := max(begin, min(answers))) < end:
            gap = longest_gap(answers, Window(first, first, end, clipped=True))
            found = max(found, gap[1] - gap[0])
    return found


def longest_gap(answers: Iterable[float], window: Window) -> tuple[float, float]:
    """Return the longest stretch without an answer that ends after the anchor, and where it lies.

    The stretch may begin before the anchor, where the last answer came, unless the window is clipped.
    """
    times = sorted(answers)
    before = [time for time in times if time <= window.anchor]
    inside = [time for time in times if window.anchor < time < window.end]
    points = [before[-1] if before and not window.clipped else window.anchor, *inside, window.end]
    return max(pairwise(points), key=lambda pair: pair[1] - pair[0])
