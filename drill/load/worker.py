"""What HAProxy's newest worker uses: the one that serves new connections."""

import time
from dataclasses import dataclass

from drill.errors import DrillError
from drill.hosts import Host

RELOAD_LIMIT_S = 15.0
SETTLE_S = 1.0
"""A new worker has asked every apiserver by then."""

_NEWEST = "pgrep --newest --parent $(systemctl show --property MainPID --value haproxy)"
_USAGE = "awk '/^VmRSS/ {{ print $2 }}' /proc/{0}/status && cut -d ' ' -f 14,15 /proc/{0}/stat"


@dataclass(frozen=True)
class Usage:
    """What a process uses."""

    kilobytes: int
    """Resident memory."""
    ticks: int
    """Processor time in ticks of 10 ms."""


def fresh(host: Host) -> int:
    """Reload HAProxy and return its new worker: what earlier connections took stays in a worker's pools.

    Not a restart, which would move the VIP. Raises :class:`DrillError`.
    """
    before = host.run(_NEWEST)
    host.run("systemctl reload haproxy")
    deadline = time.monotonic() + RELOAD_LIMIT_S
    while (found := host.run(_NEWEST)) == before:
        if time.monotonic() > deadline:
            raise DrillError(f"{host.name}: HAProxy has no new worker {RELOAD_LIMIT_S:.0f} s after a reload")
        time.sleep(0.1)
    time.sleep(SETTLE_S)
    return int(found)


def usage(host: Host, worker: int) -> Usage:
    """Return what a worker uses now. Raises :class:`DrillError` if it is gone."""
    kilobytes, user, system = (int(word) for word in host.run(_USAGE.format(worker)).split())
    return Usage(kilobytes, user + system)


def each(before: Usage, after: Usage, count: int) -> float | None:
    """Return the memory in KiB that came for each of `count` connections, ``None`` where there was none."""
    return round((after.kilobytes - before.kilobytes) / count, 1) if count else None
