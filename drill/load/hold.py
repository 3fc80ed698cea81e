"""Thousands of idle streams, held for minutes and then used; with the memory it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from drill.load.bench import Told, hammering
from drill.load.worker import Usage, each, fresh, usage
from drill.stack import Stack


@dataclass(frozen=True)
class Held:
    """What became of the streams."""

    wanted: int
    open: int
    lost: int
    """Of the open ones, those that did not answer when they were used again."""
    minutes: float
    haproxy_before_mib: float
    """Memory of HAProxy's newest worker before."""
    haproxy_open_mib: float
    """The same while all were open."""
    kilobytes_each: float | None
    """What that is for each open stream; ``None`` if none was."""


def hold(stack: Stack, count: int, minutes: float, tell: Callable[[str], None]) -> Held:
    """Open `count` streams through the VIP, leave them alone, use each once."""
    holder = stack.holder()
    worker = fresh(holder)
    before = usage(holder, worker)
    options: dict[str, object] = {
        "host": stack.vip,
        "port": stack.port,
        "connections": count,
        "seconds": 0,
        "pause_s": minutes * 60,
    }
    with hammering(stack.spectator(holder), options) as line:
        opened = line()
        during = usage(holder, worker)
        tell(
            f"{opened['open']:.0f} of {count} open after {opened['seconds']:.0f} s; idle for {minutes:g} minutes"
        )
        return held(count, minutes, opened, line(), (before, during))


def held(wanted: int, minutes: float, opened: Told, told: Told, used: tuple[Usage, Usage]) -> Held:
    """Return the figures; `used` is what HAProxy used before and with all open."""
    count, (before, during) = int(opened["open"] or 0), used
    return Held(
        wanted=wanted,
        open=count,
        lost=count - int(told["requests"] or 0),
        minutes=minutes,
        haproxy_before_mib=round(before.kilobytes / 1024, 1),
        haproxy_open_mib=round(during.kilobytes / 1024, 1),
        kilobytes_each=each(before, during, count),
    )
