"""``pulumi up`` on the stack under test, as a person would run it; its configuration file is never touched."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from drill.errors import DrillError
from drill.left import NOWHERE, Left
from sandbox.interrupts import ended_in_order, uninterrupted
from sandbox.progress import to_console
from sandbox.stack.engine import Engine
from sandbox.stack.recovery import cancel_dead_lock

_LOCAL = "file://"


def pending(engine: Engine) -> bool:
    """Whether a ``pulumi up`` would change anything."""
    return engine.run("preview", "--expect-no-changes", capture=True).returncode != 0


def must_be_applied(engine: Engine) -> None:
    """Raise :class:`DrillError` if a change would bring about more than itself, or the stack cannot be looked at."""
    if pending(engine):
        raise DrillError(
            f"stack {engine.stack!r} is not as its configuration and its program say (pulumi preview), so a change "
            "would bring that about as well; run first: pulumi up (make up)"
        )


def up(engine: Engine, changes: Mapping[str, str], left: Left = NOWHERE) -> None:
    """Run ``pulumi up`` with keys (paths such as ``failover.preset``) changed in a copy of the configuration.

    That they are is kept in `left` until an ``up`` without changes is through.

    Raises :class:`DrillError` with the engine's own words.
    """
    if changes:
        left.note(changes=sorted(changes))
    with tempfile.TemporaryDirectory() as directory:
        more: list[str] = []
        if changes:
            copy = Path(directory) / f"Pulumi.{engine.stack}.yaml"
            shutil.copy(engine.project / copy.name, copy)
            more = ["--config-file", str(copy)]
            for key, value in changes.items():
                engine.must("config", "set", *more, "--path", key, value)
        words = ["up", "--yes", "--skip-preview", "--suppress-outputs", "--color=never", *more]
        done = ended_in_order(["pulumi", *words], engine.project, engine.environment)
    if done.returncode:
        raise DrillError(f"pulumi up failed:\n{(done.stdout + done.stderr)[-3000:]}")
    if not changes:
        left.forget("changes")


def up_again(engine: Engine, changes: Mapping[str, str], left: Left = NOWHERE) -> None:
    """Run ``pulumi up`` as healing: a lock that a dead engine left is no reason to stop, and nobody interrupts it.

    Raises :class:`DrillError` with the engine's own words, :class:`SandboxError` if another engine is at work.
    """
    with uninterrupted():
        backend = engine.environment.get("PULUMI_BACKEND_URL", "")
        if backend.startswith(_LOCAL):  # that of a sandbox; elsewhere a lock may be somebody else's
            cancel_dead_lock(engine, Path(backend.removeprefix(_LOCAL)), to_console)
        up(engine, changes, left)
