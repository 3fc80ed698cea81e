"""Who had the address, and for how long nobody or two had it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from drill.history import Line


@dataclass(frozen=True)
class Span:
    """A stretch of time with the same holders."""

    begin: float
    end: float
    holders: frozenset[str]


@dataclass(frozen=True)
class Silence:
    """Hosts whose packets reach nobody for a while: they hold nothing, whatever their interface says."""

    hosts: frozenset[str]
    begin: float
    end: float


NOBODY = Silence(frozenset(), 0.0, 0.0)


def spans(witnesses: Mapping[str, Sequence[Line]], begin: float, end: float, silence: Silence) -> list[Span]:
    """Return who held the address from `begin` to `end`, as one sequence of stretches.

    A host whose witness did not come to its end has nothing from there on: it went down, and the address with it.
    """
    changes: list[tuple[float, str, bool]] = sorted(
        (line["at"], host, line["held"])
        for host, lines in witnesses.items()
        for line in lines
        if line["kind"] == "holder"
    )
    changes += [
        (lines[-1]["at"], host, False) for host, lines in witnesses.items() if lines and not whole(lines)
    ]
    changes.sort(key=lambda change: change[0])
    marks = {begin, end, *(at for at, _, _ in changes if begin < at < end)}
    if silence.hosts:
        marks |= {at for at in (silence.begin, silence.end) if begin < at < end}
    points = sorted(marks)
    found: list[Span] = []
    for here, there in pairwise(points):
        held: dict[str, bool] = {}
        for at, host, holds in changes:
            if at <= here:
                held[host] = holds
        now = frozenset(host for host, holds in held.items() if holds)
        if silence.begin <= here < silence.end:
            now -= silence.hosts
        if found and found[-1].holders == now:
            found[-1] = Span(found[-1].begin, there, now)
        else:
            found.append(Span(here, there, now))
    return found


def whole(lines: Sequence[Line]) -> bool:
    """Whether a client or a witness came to its end."""
    return any(line["kind"] == "stop" for line in lines)


def seconds_with(found: Sequence[Span], *, at_least: int = 0, at_most: int = 1000) -> float:
    """Return for how long the number of holders was in these bounds."""
    return sum(span.end - span.begin for span in found if at_least <= len(span.holders) <= at_most)
