"""A cgroup for every host and forwarder, in every mounted hierarchy (v1, hybrid and v2).

Membership cannot be lost or forged by a process that forks or detaches, so this is how processes are found
again after the one that started them is gone. systemd inside a host also needs it: hosts that share a cgroup
kill each other's processes.
"""

import os
import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

LEADER = "supervisor"
"""Sub-cgroup of our own process: in v2 a cgroup with processes in it hands no controllers down."""

MACHINE = "machine"
"""Sub-cgroup of nspawn, which makes more below it."""

PERIOD_US = 100_000
"""Length of the kernel's usual accounting period, in which a limit of processor time counts."""

_ENTER = 'for group in $GROUPS_TO_ENTER; do echo $$ >"$group/cgroup.procs"; done; exec "$@"'


@dataclass(frozen=True)
class Limits:
    """Upper bounds of one cgroup."""

    memory: int
    """Bytes."""
    cores: int
    """Processors' worth of time, in each tenth of a second."""
    processes: int = 1024


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup tree."""

    root: Path
    unified: bool
    controllers: frozenset[str]


def hierarchies(mountinfo: str | None = None) -> tuple[Hierarchy, ...]:
    """Every cgroup tree mounted here (``mountinfo`` as in proc(5))."""
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    found: dict[Path, Hierarchy] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        mount_point = Path(before.split()[4])
        kind, _, options = after.split(maxsplit=2)
        if kind == "cgroup2":
            found[mount_point] = Hierarchy(mount_point, unified=True, controllers=frozenset())
        elif kind == "cgroup":
            found[mount_point] = Hierarchy(
                mount_point, unified=False, controllers=frozenset(options.split(","))
            )
    return tuple(found.values())


def create(name: str, limits: Limits | None = None) -> None:
    """Make the cgroup ``name`` (``PREFIX/ID``) in every hierarchy."""
    for hierarchy in hierarchies():
        path = hierarchy.root / name
        for leaf in (path / LEADER, path / MACHINE):
            _make(hierarchy, leaf)
        if limits:
            _limit(hierarchy, path, limits)


def inside(name: str, argv: Sequence[str], leaf: str = LEADER) -> list[str]:
    """Return a command that joins the cgroup in every hierarchy before it becomes ``argv``."""
    groups = [str(hierarchy.root / name / leaf) for hierarchy in hierarchies()]
    return ["sh", "-ec", _ENTER.replace("$GROUPS_TO_ENTER", shlex.join(groups)), "sh", *argv]


def members(name: str) -> set[int]:
    """Process ids in the cgroup and below it, in whatever hierarchy; the dead are left out."""
    return {pid for tree in _trees(name) for pid in _processes(tree) if _alive(pid)}


def kill(name: str, seconds: float = 10) -> None:
    """SIGKILL every member until none is left. Raises :class:`SandboxError` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while pids := members(name):
        if time.monotonic() > deadline:
            raise SandboxError(
                f"processes {sorted(pids)} of {name} survive SIGKILL for {seconds:.0f} s: see dmesg"
            )
        thaw(name)  # in v1 a frozen process dies only then
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def remove(name: str, seconds: float = 5) -> None:
    """Kill every member, then remove the cgroup and what hosts made below it."""
    kill(name)
    deadline = time.monotonic() + seconds
    for tree in _trees(name):
        while not _remove_tree(tree):
            # A process that just died keeps its cgroup busy for a moment.
            if time.monotonic() > deadline:
                raise SandboxError(f"cgroup {tree} is still busy after {seconds:.0f} s")
            time.sleep(0.02)


def freeze(name: str) -> None:
    """Let no member run from now on; :func:`frozen` tells when the last one stands still."""
    for file, word in _freezers(name):
        file.write_text(word)


def frozen(name: str) -> bool:
    """Whether every member stands still."""
    return any(
        "frozen 1" in (file.parent / "cgroup.events").read_text()
        if file.name == "cgroup.freeze"
        else file.read_text().strip() == word
        for file, word in _freezers(name)
    )


def thaw(name: str) -> None:
    """Let members run again, those of cgroups below it too. What is not frozen, or not there, is fine."""
    for tree in _trees(name):
        for file, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            for place in tree.rglob(file):
                with suppress(OSError):
                    place.write_text(word)


def _freezers(name: str) -> list[tuple[Path, str]]:
    """Return the files that freeze a cgroup, with their words: that of v2 where there is one, else that of v1."""
    for file, word in (("cgroup.freeze", "1"), ("freezer.state", "FROZEN")):
        if found := [(tree / file, word) for tree in _trees(name) if (tree / file).exists()]:
            return found
    return []


def children(name: str) -> set[str]:
    """Names of the cgroups directly below ``name``, in whatever hierarchy."""
    return {entry.name for tree in _trees(name) for entry in tree.iterdir() if entry.is_dir()}


def exists(name: str) -> bool:
    """Whether any hierarchy has the cgroup."""
    return bool(_trees(name))


def _trees(name: str) -> list[Path]:
    return [tree for hierarchy in hierarchies() if (tree := hierarchy.root / name).is_dir()]


def _processes(tree: Path) -> Iterator[int]:
    for directory, _, _ in os.walk(tree):
        with suppress(OSError):  # a cgroup may vanish while we look
            yield from map(int, (Path(directory) / "cgroup.procs").read_text().split())


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def _remove_tree(tree: Path) -> bool:
    for directory, _, _ in os.walk(tree, topdown=False):
        try:
            Path(directory).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _delegate(parent: Path) -> None:
    available = (parent / "cgroup.controllers").read_text().split()
    for controller in ("cpu", "memory", "pids"):
        if controller in available:
            with suppress(OSError):  # a parent with processes of its own delegates nothing
                (parent / "cgroup.subtree_control").write_text(f"+{controller}")


def _make(hierarchy: Hierarchy, leaf: Path) -> None:
    path = hierarchy.root
    for part in leaf.relative_to(hierarchy.root).parts:
        if hierarchy.unified:
            _delegate(path)
        path /= part
        path.mkdir(exist_ok=True)
        if "cpuset" in hierarchy.controllers:
            _inherit_cpuset(path)


def _inherit_cpuset(path: Path) -> None:
    """Fill a new cpuset: it is empty, and takes no process before it has processors and memory nodes."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not (path / file).read_text().strip():
            (path / file).write_text((path.parent / file).read_text())


def _limit(hierarchy: Hierarchy, path: Path, limits: Limits) -> None:
    bounds = {"pids.max": limits.processes}
    if hierarchy.unified:
        bounds |= {"memory.max": limits.memory, "cpu.max": limits.cores * PERIOD_US}
    else:
        bounds |= {"memory.limit_in_bytes": limits.memory, "cpu.cfs_quota_us": limits.cores * PERIOD_US}
    for file, value in bounds.items():
        if (path / file).exists():
            (path / file).write_text(str(value))


@dataclass(frozen=True)
class Usage:
    """What a cgroup has taken of the machine."""

    cpu_s: float
    """Processor time in seconds since it was made; nothing of it is lost when a process ends."""
    memory: int
    """Bytes its processes hold now, without the files the kernel keeps in memory for as long as there is room."""


def usage(name: str) -> Usage:
    """Return what a cgroup and those below it use; a cgroup that is not there uses nothing."""
    cpu_s, memory = 0.0, 0
    for tree in _trees(name):
        for file, key, unit in (
            ("cpuacct.usage", "", 1e9),
            ("cpu.stat", "usage_usec", 1e6),
        ):
            cpu_s = max(cpu_s, _figure(tree / file, key) / unit)
        memory = max(
            memory, _figure(tree / "memory.stat", "total_rss"), _figure(tree / "memory.stat", "anon")
        )
    return Usage(cpu_s, memory)


def _figure(file: Path, key: str) -> int:
    """Return the number behind a key of a cgroup's file (or its only one), 0 where there is none."""
    with suppress(OSError):
        for line in file.read_text().splitlines():
            words = line.split()
            if words[:-1] == ([key] if key else []):
                return int(words[-1])
    return 0
