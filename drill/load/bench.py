"""Requests a second and latencies: through the VIP, straight to one apiserver, and through other configurations."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

from drill.errors import DrillError
from drill.hosts import Host
from drill.load.worker import Usage, each, fresh, usage
from drill.stack import Stack

SOURCE = (Path(__file__).parent / "hammer.py").read_text()
CONNECTIONS = (1, 100, 1000)
ROUNDS = 3
"""Of every way in turn: a machine gets slower and quicker for all of them."""

Told = dict[str, float | None]


@dataclass(frozen=True)
class Result:
    """One measurement, or the median of several."""

    way: str
    connections: int
    open: int
    """Of several, the fewest."""
    failed: int
    """Of several, the most."""
    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    haproxy_before_kib: float | None
    """Memory of HAProxy's newest worker before; ``None`` where there is no HAProxy on the way."""
    haproxy_open_kib: float | None
    """The same while all connections were open."""
    kilobytes_each: float | None
    """What that is for each open connection."""
    microseconds_each: float | None
    """Processor time of HAProxy for each request, connecting included."""


@contextmanager
def hammering(host: Host, options: dict[str, object]) -> Iterator[Callable[[], Told]]:
    """Put the load onto a host, among its own processes; what is given waits for the next line it tells."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as said:
        with os.fdopen(writing, "wb") as sink:
            process = host.client(["python3", "-c", SOURCE, json.dumps(options)], sink)
        try:
            yield lambda: _line(process, said)
        finally:
            process.kill()
            process.communicate()  # it ends with its standard input, where it is not the process that was killed


def _line(process: "subprocess.Popen[bytes]", said: IO[str]) -> Told:
    text = said.readline()
    if not text:
        words = process.communicate()[1].decode(errors="replace")
        raise DrillError(f"the load ended by itself: {words[-800:]}")
    told: Told = json.loads(text)
    return told


def bench(
    stack: Stack, *, seconds: int, connections: Sequence[int], straight: bool, tell: Callable[[str], None]
) -> list[Result]:
    """Measure the way through the VIP, and with `straight` that to one apiserver: the median of some rounds."""
    ways = [(f"{stack.config}, VIP", stack.vip, stack.port)]
    if straight:
        backend = idle_backend(stack, stack.holder())
        assert backend.apiserver is not None  # noqa: S101 - that makes it a backend
        ways.append(("straight to one apiserver", backend.address, backend.apiserver.port))
    found: dict[tuple[str, int], list[Result]] = {}
    for number in range(1, ROUNDS + 1):
        for count in connections:
            for way, address, port in ways:
                one = _measure(stack, way, address=address, port=port, count=count, seconds=seconds)
                found.setdefault((way, count), []).append(one)
                tell(
                    f"[{number}/{ROUNDS}] {way}, {count} connections: {one.per_second:.0f}/s, p99 {one.p99_ms} ms, "
                    f"{one.failed} failed"
                )
    return [middle(found[way, count]) for way, _, _ in ways for count in connections]


def idle_backend(stack: Stack, holder: Host) -> Host:
    """Return the backend to go to: neither where the load comes from nor where HAProxy is at work, if there is one."""
    busy = (stack.spectator(holder), holder)
    return next((host for host in stack.backends if host not in busy), stack.backends[0])


def middle(results: Sequence[Result]) -> Result:
    """Return the median of each figure; of what failed the worst."""

    def of(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    return Result(
        way=results[0].way,
        connections=results[0].connections,
        open=min(one.open for one in results),
        failed=max(one.failed for one in results),
        per_second=median(one.per_second for one in results),
        p50_ms=of([one.p50_ms for one in results]),
        p99_ms=of([one.p99_ms for one in results]),
        haproxy_before_kib=of([one.haproxy_before_kib for one in results]),
        haproxy_open_kib=of([one.haproxy_open_kib for one in results]),
        kilobytes_each=of([one.kilobytes_each for one in results]),
        microseconds_each=of([one.microseconds_each for one in results]),
    )


def _measure(stack: Stack, way: str, *, address: str, port: int, count: int, seconds: int) -> Result:
    options: dict[str, object] = {"host": address, "port": port, "connections": count, "seconds": seconds}
    holder = stack.holder()
    if address != stack.vip:
        with hammering(stack.spectator(holder), options) as line:
            line()
            return result(way, count, line(), None)
    worker = fresh(holder)
    before = usage(holder, worker)
    with hammering(stack.spectator(holder), options) as line:
        line()
        during = usage(holder, worker)
        told = line()
        return result(way, count, told, (before, during, usage(holder, worker)))


def result(way: str, count: int, told: Told, used: tuple[Usage, Usage, Usage] | None) -> Result:
    """Return the figures of one measurement; `used` is what HAProxy used before, with all open, and after."""
    opened, requests = int(told["open"] or 0), int(told["requests"] or 0)
    before, during, after = used or (None, None, None)
    busy = (after.ticks - before.ticks) * 10_000 if before and after else 0
    # Each connection made one request when it was opened.
    asked = requests + opened
    return Result(
        way=way,
        connections=count,
        open=opened,
        failed=int(told["failed"] or 0),
        per_second=told["per_second"] or 0.0,
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
        haproxy_before_kib=before.kilobytes if before else None,
        haproxy_open_kib=during.kilobytes if during else None,
        kilobytes_each=each(before, during, opened) if before and during else None,
        microseconds_each=round(busy / asked, 1) if used and asked else None,
    )
