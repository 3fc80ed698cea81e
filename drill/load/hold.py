"""Thousands of idle streams, held for minutes and then used; with the memory it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from drill.load.bench import line, start, usage
from drill.stack import Stack


@dataclass(frozen=True)
class Held:
    """What became of the streams."""

    wanted: int
    open: int
    lost: int
    """Of the open ones, those that did not answer when they were used again."""
    minutes: float
    haproxy_megabytes: float
    """Memory of HAProxy while all were open, beyond what it used before."""
    kilobytes_each: float


def hold(stack: Stack, namespace: str, count: int, minutes: float, tell: Callable[[str], None]) -> Held:
    """Open `count` streams through the VIP, leave them alone, use each once."""
    holder = stack.holder()
    before = usage(holder)
    options: dict[str, object] = {
        "host": stack.vip,
        "port": stack.port,
        "connections": count,
        "seconds": 0,
        "pause_s": minutes * 60,
    }
    process = start(namespace, options)
    try:
        opened = line(process)
        during = usage(holder)
        tell(
            f"{opened['open']:.0f} of {count} open after {opened['seconds']:.0f} s; idle for {minutes:g} minutes"
        )
        told = line(process)
    finally:
        process.kill()
        process.communicate()
    more = during.kilobytes - before.kilobytes
    opened_count = int(opened["open"])
    return Held(
        wanted=count,
        open=opened_count,
        lost=opened_count - int(told["requests"]),
        minutes=minutes,
        haproxy_megabytes=round(more / 1024, 1),
        kilobytes_each=round(more / max(1, opened_count), 1),
    )
