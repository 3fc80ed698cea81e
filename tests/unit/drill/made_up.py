"""Histories of runs that never happened: a client asking every 10 ms, and what is done to it."""

from collections.abc import Iterator, Sequence
from typing import Any

from drill.history import History, Line, Setting

INJECT, HEAL, END = 105.0, 108.0, 112.0
"""Clients begin at 100."""
LATENCY = 0.005


def setting(**changes: Any) -> Setting:
    """A fault that may cost a quarter of a second and ends every stream through the VIP."""
    given: dict[str, Any] = {
        "config": "standard",
        "fault": "haproxy-killed",
        "run": 1,
        "title": "HAProxy killed",
        "budget_ms": 250,
        "budget_key": "process_death",
        "anchor": "inject",
        "path": "vip",
        "whole_from": "inject",
        "holder": "m1",
    }
    return Setting(**{**given, **changes})


def events(**changes: float | None) -> tuple[Line, ...]:
    """When what happened; ``None`` leaves an event out."""
    times: dict[str, float | None] = {
        "clients": 100.0,
        "inject": INJECT,
        "injected": INJECT + 0.02,
        "heal": HEAL,
        "whole": INJECT + 0.5,
        "measured": END,
    }
    times |= changes
    return tuple({"kind": kind, "at": at} for kind, at in times.items() if at is not None)


def request(due: float, why: str = "", *, took: float = LATENCY, connected: float | None = None) -> Line:
    """One request."""
    began = due + 0.001 if connected is None else connected
    return {
        "kind": "req",
        "due": due,
        "began": due,
        "connected": began,
        "done": due + took,
        "why": why,
        "by": "" if why else "m2",
    }


def requests(*outages: tuple[float, float, str], interval: float = 0.01) -> Iterator[Line]:
    """A request each interval; those due in an outage are refused, reset and so on, before they connect."""
    for number in range(round((END - 100.0) / interval)):
        due = 100.0 + number * interval
        why = next((word for begin, end, word in outages if begin <= due < end), "")
        yield request(due, why, connected=0.0 if why else None)


def client(*lines: Line, outages: Sequence[tuple[float, float, str]] = ()) -> tuple[Line, ...]:
    """A client that lived to its end, with an idle stream and a watch; `lines` are what else it saw."""
    opened: tuple[Line, ...] = (
        {"kind": "idle-open", "stream": "idle-0", "at": 100.1, "by": "m2"},
        {"kind": "watch-open", "stream": "watch-0", "at": 100.1, "by": "m2"},
    )
    stop: Line = {"kind": "stop", "at": END + 1}
    return (*opened, *requests(*outages), *lines, stop)


def holder(at: float, *, held: bool) -> Line:
    """A host got or lost the address."""
    return {"kind": "holder", "at": at, "held": held}


def history(
    clients: dict[str, tuple[Line, ...]],
    about: Setting | None = None,
    when: tuple[Line, ...] | None = None,
    witnesses: dict[str, tuple[Line, ...]] | None = None,
) -> History:
    """A whole history; the holder moves from m1 to m2 within 30 ms unless told otherwise.

    Witnesses live to the end, except for those without a line and those whose last one says that they died.
    """
    moved = {
        "m1": (holder(100.0, held=True), holder(INJECT + 0.01, held=False)),
        "m2": (holder(100.0, held=False), holder(INJECT + 0.04, held=True)),
    }
    seen = {host: ended(lines) for host, lines in (moved if witnesses is None else witnesses).items()}
    return History(about or setting(), when or events(), clients, seen)


def ended(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """What a witness wrote, with its last line."""
    if not lines or lines[-1]["kind"] == "alive":
        return lines
    return (*lines, {"kind": "stop", "at": END + 1})
