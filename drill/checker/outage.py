"""What of an outage the budget of its fault covers: nothing that fails only when the fault is healed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drill.checker.requests import Requests, Window, judged
from drill.history import History, Line, Setting


@dataclass(frozen=True)
class Outage:
    """What requests say of one fault, held against what is promised for it."""

    failing_s: float
    """Until the last request that failed while the fault was in force."""
    healed: Requests | None = None
    """What was due once it was healed: none may fail. ``None`` where the outage goes on to the end."""


def heals(setting: Setting) -> bool:
    """Whether the budget ends with the healing: not where it counts from there, nor where nothing is taken back."""
    return setting.anchor == "inject" and setting.whole_from == "heal" and not setting.parted


def outage(history: History, heard: Mapping[str, Sequence[Line]], window: Window, found: Requests) -> Outage:
    """Return how long requests failed, and what became of them after the healing; `found` is what all say."""
    setting = history.setting
    injected, heal = history.when("injected") or window.anchor, history.when("heal") or window.end
    if setting.anchor == "heal" or setting.parted:
        return Outage(found.failing_s)
    # By when a fault must have shown: when nobody has the VIP any more beside its holder. A boot takes its time first.
    alone_s = (setting.two_holders_ms or 0) / 1000
    latest = window.end if setting.booting else injected + alone_s
    until = heal if heals(setting) else window.end
    during = judged(heard, Window(window.anchor, window.effect, until), kills=bool(setting.path))
    failing_s = 0.0
    if during.last is not None and during.onset is not None:
        failing_s = max(0.0, during.last - min(during.onset, latest))
    if not heals(setting):
        return Outage(failing_s)
    # Whoever was out of reach may have the VIP beside its successor until it hears that one.
    after = (history.when("healed") or heal) + alone_s if setting.out_of_reach else heal
    asked = {place: since(lines, after) for place, lines in history.clients.items()}
    return Outage(failing_s, judged(asked, Window(after, after, window.end, clipped=True), kills=False))


def since(lines: Sequence[Line], begin: float) -> list[Line]:
    """Return the requests that were due from `begin` on, and when their client was late."""
    return [
        line for line in lines if line["kind"] == "late" or (line["kind"] == "req" and line["due"] >= begin)
    ]
