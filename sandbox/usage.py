"""What a sandbox costs its machine: processor time and memory of the server, each host and each EIP's forwarder."""

import time
from dataclasses import dataclass

from sandbox import cgroups, names
from sandbox.hosts.machine import Machines
from sandbox.settings import Settings


@dataclass(frozen=True)
class Share:
    """The share of one part, or of all in sum."""

    part: str
    cpu_percent: float
    """Of one processor."""
    memory: int
    """Bytes its processes hold."""
    processes: int


def measure(settings: Settings, seconds: float) -> list[Share]:
    """Watch for so many seconds; return each part's share, the sum last."""
    parts = sorted(cgroups.children(settings.prefix))
    before = {part: cgroups.usage(names.cgroup(settings, part)) for part in parts}
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    hosts = Machines(settings).names()
    shares = []
    for part in parts:
        group = names.cgroup(settings, part)
        now = cgroups.usage(group)
        percent = 100 * max(0.0, now.cpu_s - before[part].cpu_s) / passed
        shares.append(Share(hosts.get(part, part), percent, now.memory, len(cgroups.members(group))))
    total = Share(
        "all",
        sum(share.cpu_percent for share in shares),
        sum(share.memory for share in shares),
        sum(share.processes for share in shares),
    )
    return [*shares, total]
