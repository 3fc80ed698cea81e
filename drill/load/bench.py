"""Requests a second and latencies: through the VIP, straight to one apiserver, and through other configurations."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drill.errors import DrillError
from drill.hosts import Host
from drill.stack import Stack

SOURCE = (Path(__file__).parent / "hammer.py").read_text()
CONNECTIONS = (1, 100, 1000)

_HAPROXY = """\
for pid in $(pgrep -x haproxy); do
    awk '/^VmRSS/ { print $2 }' /proc/$pid/status
    cut -d ' ' -f 14,15 /proc/$pid/stat
done | paste -sd ' '
"""


@dataclass(frozen=True)
class Usage:
    """What all HAProxy processes of a host use."""

    kilobytes: int
    ticks: int
    """Processor time in ticks of 10 ms."""


@dataclass(frozen=True)
class Result:
    """One measurement."""

    way: str
    connections: int
    open: int
    failed: int
    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    kilobytes_each: float | None
    """Memory of HAProxy for each connection; ``None`` where there is no HAProxy on the way."""
    microseconds_each: float | None
    """Processor time of HAProxy for each request, connecting included."""


def usage(host: Host) -> Usage:
    """Return what HAProxy uses on a host now."""
    numbers = [int(word) for word in host.run(_HAPROXY).split()]
    return Usage(sum(numbers[0::3]), sum(numbers[1::3]) + sum(numbers[2::3]))


def start(namespace: str, options: dict[str, object]) -> "subprocess.Popen[str]":
    """Start the load in a namespace."""
    command = ["ip", "netns", "exec", namespace, sys.executable, "-c", SOURCE, json.dumps(options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Return the next line it tells. Raises :class:`DrillError` with its own words."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    text = process.stdout.readline()
    if not text:
        raise DrillError(f"the load ended by itself: {process.communicate()[1][-800:]}")
    told: dict[str, float] = json.loads(text)
    return told


def bench(
    stack: Stack,
    namespace: str,
    *,
    seconds: int,
    connections: Sequence[int],
    straight: bool,
    tell: Callable[[str], None],
) -> list[Result]:
    """Measure the way through the VIP, and with `straight` that to one apiserver."""
    ways = [(f"{stack.config}, VIP", stack.vip, stack.port)]
    if straight:
        backend = next(host for host in stack.hosts if host not in (stack.spectator, stack.holder()))
        ways.append(("straight to one apiserver", backend.address, 6443))
    found = []
    for way, address, port in ways:
        for count in connections:
            found.append(
                _measure(stack, namespace, way, address=address, port=port, count=count, seconds=seconds)
            )
            one = found[-1]
            tell(
                f"{way}, {count} connections: {one.per_second:.0f}/s, p99 {one.p99_ms} ms, {one.failed} failed"
            )
    return found


def _measure(
    stack: Stack, namespace: str, way: str, *, address: str, port: int, count: int, seconds: int
) -> Result:
    holder = stack.holder()
    before = usage(holder)
    options: dict[str, object] = {"host": address, "port": port, "connections": count, "seconds": seconds}
    process = start(namespace, options)
    try:
        opened = line(process)
        during = usage(holder)
        told = line(process)
        after = usage(holder)
    finally:
        process.kill()
        process.communicate()
    through = address == stack.vip
    requests = told["requests"] + opened["open"]
    return Result(
        way=way,
        connections=count,
        open=int(told["open"]),
        failed=int(told["failed"]),
        per_second=told["per_second"],
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
        kilobytes_each=round((during.kilobytes - before.kilobytes) / count, 1) if through else None,
        microseconds_each=round((after.ticks - before.ticks) * 10_000 / requests, 1) if through else None,
    )
