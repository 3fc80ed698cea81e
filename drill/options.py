"""Options that several commands have, and the stack they mean."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from drill.errors import DrillError
from drill.stack import Stack, anywhere, on_sandbox
from sandbox.faults import kinds
from sandbox.progress import to_console
from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT, Engine
from sandbox.stack.flow import DevStack

__all__ = ["PROJECT", "Output", "Project", "Sandbox", "StackName", "alone", "engine_of", "stack_of"]

Sandbox = Annotated[str, typer.Option(help="Name of the sandbox.")]
StackName = Annotated[str, typer.Option(help="Name of the Pulumi stack.")]
Project = Annotated[Path, typer.Option(help="Directory of the Pulumi project.")]
Output = Annotated[Path, typer.Option(help="Where histories and the report go.")]


@contextmanager
def alone(sandbox: str, stack: str, output: Path, *, real_cloud: bool) -> Iterator[None]:
    """Keep other drills away, and heal what a killed one left in a sandbox.

    Raises :class:`DrillError` if another one is at work: a sandbox has one client outside, whatever its stacks.
    """
    settings = None if real_cloud else Settings.load(sandbox)
    with locked(settings.directory / "drill.lock" if settings else output / f"drill-{stack}.lock"):
        if settings and (healed := kinds.heal(settings, orphans_only=True)):
            to_console(f"What an earlier command left in force is healed: {', '.join(healed)}")
        yield


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that goes with this process. Raises :class:`DrillError` naming whoever has it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            pid = held.read().strip()
            raise DrillError(
                f"another drill is at work (process {pid}, {file}): wait for it to end, or end it with: kill -INT {pid}"
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def engine_of(sandbox: str, stack: str, project: Path, *, real_cloud: bool) -> Engine:
    """The engine of the stack. Raises :class:`SandboxError` where it does not run."""
    if real_cloud:
        return Engine(stack, {"PULUMI_STACK": stack}, project)
    settings = Settings.load(sandbox)
    if settings is None:
        raise DrillError(
            f"sandbox {sandbox!r} does not exist; run: make up (or --real-cloud for a real account)"
        )
    return DevStack(settings, to_console, stack, project).running_engine()


def stack_of(engine: Engine, sandbox: str, user: str, options: list[str], *, real_cloud: bool) -> Stack:
    """The stack under test, from its outputs. Raises :class:`DrillError` if it is not up."""
    outputs = engine.outputs() if engine.exists() else {}
    if not outputs:
        raise DrillError(f"stack {engine.stack!r} has no outputs: it is not up; run: make up")
    preset = (
        engine.run("config", "get", "--path", "failover.preset", capture=True).stdout.strip() or "standard"
    )
    if real_cloud:
        return anywhere(outputs, preset, user, options)
    settings = Settings.load(sandbox)
    assert settings is not None  # noqa: S101 - engine_of has seen to it
    return on_sandbox(settings, outputs, preset)
