"""After a crash: a dead lock is cancelled, left plugins end, and what the engine made but never recorded is found.

``kill -9`` of the engine leaves its lock in the backend, and an operation under way as "pending" in the state. A
pending create may or may not have happened. Cloud objects that match a pending create and that no state knows are
removed, so that the next ``up`` makes them anew instead of colliding with them.
"""

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.control import CloudObject, Control
from sandbox.errors import SandboxError
from sandbox.progress import Report
from sandbox.stack.engine import Engine

SETTLE_S = 5.0
"""A call that the server had begun when its caller died still takes effect; making an instance takes the longest."""

Properties = Mapping[str, Any]


def holder_of(lock: Path) -> int | None:
    """The process id that wrote a backend lock, or None if it is empty (the engine died writing it) or gone by now."""
    try:
        return int(json.loads(lock.read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return None


def alive(pid: int) -> bool:
    """Whether `pid` is a running Pulumi engine of this machine."""
    try:
        return b"pulumi" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def refuse_if_busy(stack: str, backend: Path) -> None:
    """Raise :class:`SandboxError` if a living engine changes the stack."""
    living = [pid for pid in map(holder_of, _locks(stack, backend)) if pid is not None and alive(pid)]
    if living:
        raise SandboxError(
            f"stack {stack!r} is being changed by another pulumi (process {living[0]}): "
            f"wait for it to end, or stop it with: kill -INT {living[0]}"
        )


def cancel_dead_lock(engine: Engine, backend: Path, report: Report) -> None:
    """Cancel the locks of dead engines. Raises :class:`SandboxError` if a living one holds the stack."""
    refuse_if_busy(engine.stack, backend)
    locks = _locks(engine.stack, backend)
    if locks:
        report(f"The last run of the engine died (process {holder_of(locks[0])}): its lock is cancelled")
        engine.must("cancel", "--yes", "--stack", engine.stack)


def _locks(stack: str, backend: Path) -> list[Path]:
    return sorted(backend.glob(f".pulumi/locks/**/{stack}/*.json"))


def abandoned_plugins(environment: Mapping[str, str]) -> Iterator[int]:
    """Process ids of the plugins of a dead engine of this stack: they go on with what they were asked for.

    Without ``PULUMI_STACK`` in the environment, those of every stack of its backend.
    """
    names = ("PULUMI_BACKEND_URL", "PULUMI_STACK")
    wanted = {f"{name}={environment[name]}".encode() for name in names if name in environment}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            program = process.joinpath("cmdline").read_bytes()
            if b"pulumi-resource-" not in program.partition(b"\0")[0]:
                continue
            parent = int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            if not alive(parent) and wanted <= set(process.joinpath("environ").read_bytes().split(b"\0")):
                yield int(process.name)


def end_plugins(environment: Mapping[str, str]) -> None:
    """Kill the plugins of dead engines, as :func:`abandoned_plugins` finds them."""
    for plugin in abandoned_plugins(environment):
        with suppress(ProcessLookupError):
            os.kill(plugin, signal.SIGKILL)


def pending_creates(deployment: Properties) -> list[tuple[str, Properties]]:
    """Type token and inputs of every create that was under way when the engine died."""
    return [
        (operation["resource"]["type"], operation["resource"].get("inputs") or {})
        for operation in deployment.get("pending_operations") or []
        if operation["type"] == "creating"
    ]


def known_ids(deployments: Iterable[Properties]) -> frozenset[str]:
    """Every provider id that the given states hold."""
    return frozenset(
        resource["id"]
        for deployment in deployments
        for resource in deployment.get("resources") or []
        if resource.get("id")
    )


def matches(inputs: Properties, found: CloudObject) -> bool:
    """Whether `found` may be what a create with these inputs made: all properties that both name agree."""
    shared = [key for key in found.properties if key in inputs]
    return bool(shared) and all(inputs[key] == found.properties[key] for key in shared)


def unrecorded(
    creates: list[tuple[str, Properties]], known: frozenset[str], objects: Iterable[CloudObject]
) -> list[CloudObject]:
    """The cloud objects that a pending create made and that no state knows."""
    return [
        found
        for found in objects
        if found.id not in known
        and any(kind == found.kind and matches(inputs, found) for kind, inputs in creates)
    ]


def recover(engine: Engine, control: Control, report: Report) -> None:
    """Remove what pending creates left behind and clear them from the state."""
    end_plugins(engine.environment)  # else one might make one more thing after we have looked
    deployment = engine.export()
    # Of updates the refresh would only drop the note, of which the program still makes a warning.
    pending = [one for one in deployment.get("pending_operations") or [] if one["type"] != "updating"]
    if not pending:
        return
    report(f"{len(pending)} operations were cut off: looking for what they left")
    creates = pending_creates(deployment)
    deadline, removed = time.monotonic() + SETTLE_S, 0
    while removed < len(creates) and time.monotonic() < deadline:
        for orphan in unrecorded(creates, known_ids([deployment]), control.objects()):
            report(f"  {orphan.kind} {orphan.id} was made but never recorded: removed")
            control.remove(orphan)
            removed += 1
        time.sleep(0.5)
    engine.must("refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", engine.stack)
