"""Options that several commands have, and the stack they mean."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from drill.configurations import heal_installed
from drill.errors import DrillError
from drill.faults import CHANGED
from drill.healing import heal_configuration, heal_hosts
from drill.left import Left
from drill.stack import Stack, chosen, on_sandbox, over_ssh
from sandbox.faults import kinds
from sandbox.progress import to_console
from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT, Engine
from sandbox.stack.flow import DevStack

__all__ = [
    "PROJECT",
    "Login",
    "Output",
    "Outputs",
    "Project",
    "Sandbox",
    "StackName",
    "alone",
    "budget_of",
    "engine_of",
    "healed_stack",
    "stack_of",
]

Sandbox = Annotated[str, typer.Option(help="Name of the sandbox.")]
StackName = Annotated[str, typer.Option(help="Name of the Pulumi stack.")]
Project = Annotated[Path, typer.Option(help="Directory of the Pulumi project.")]
Outputs = Annotated[
    str,
    typer.Option(help="What the names of the endpoint's outputs begin with, in a stack of several: blue_."),
]
Output = Annotated[Path, typer.Option(help="Where histories and the report go.")]


@contextmanager
def alone(sandbox: str, stack: str, output: Path, *, real_cloud: bool) -> Iterator[Left]:
    """Keep other drills away, and heal the sandbox's faults that a killed one left; the rest does :func:`healed_stack`.

    Raises :class:`DrillError` if another one is at work: a sandbox has one client outside, whatever its stacks.
    """
    settings = None if real_cloud else Settings.load(sandbox)
    with locked(settings.directory / "drill.lock" if settings else output / f"drill-{stack}.lock"):
        if settings and (healed := kinds.heal(settings, orphans_only=True)):
            to_console(f"What an earlier command left in force is healed: {', '.join(healed)}")
        yield Left((settings.directory if settings else output) / f"drill-{stack}.json")


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


@dataclass(frozen=True)
class Login:
    """How SSH logs in to the hosts of a stack on a real cloud."""

    user: str = "root"
    options: tuple[str, ...] = ()


def stack_of(engine: Engine, sandbox: str, prefix: str, login: Login | None = None) -> Stack:
    """The stack under test, from its outputs; with a login, on a real cloud.

    Raises :class:`DrillError` if it is not up, or if it has no endpoint with outputs of that prefix.
    """
    outputs = _known(engine)
    own, ours = chosen(outputs, prefix), configurable(engine.project)
    # Another program's preset is known to nobody but itself.
    config = preset_of(engine) if ours else re.sub(r"\W+", "-", prefix).strip("_-") or engine.stack
    if login:
        found = over_ssh(own, config, login.user, login.options)
    else:
        found = on_sandbox(Settings.existing(sandbox), own, config)
    return replace(found, prefix=prefix, configurable=ours)


def budget_of(engine: Engine, prefix: str) -> Mapping[str, int]:
    """What an endpoint promises. Raises :class:`DrillError` if its stack is not up, or has none of that prefix."""
    found: Mapping[str, int] = chosen(_known(engine), prefix).get("budget") or {}
    return found


def healed_stack(left: Left, engine: Engine, sandbox: str, prefix: str, login: Login | None = None) -> Stack:
    """The stack under test as :func:`stack_of` finds it, once what a killed drill left on it is healed.

    Raises :class:`DrillError` also if that cannot be healed.
    """
    if _outputs(engine):  # one that was destroyed meanwhile must not be made again
        heal_configuration(engine, left, to_console, may_change=login is None)
    found = stack_of(engine, sandbox, prefix, login)
    heal_hosts(found, left, to_console)
    heal_installed(engine, found, left, to_console)
    return found


def _known(engine: Engine) -> dict[str, Any]:
    """Return what the stack puts out. Raises :class:`DrillError` where it is not up."""
    outputs = _outputs(engine)
    if not outputs:
        raise DrillError(f"stack {engine.stack!r} has no outputs: it is not up; run: make up")
    return outputs


def _outputs(engine: Engine) -> dict[str, Any]:
    """Return what the stack puts out; nothing where it is not up."""
    return engine.outputs() if engine.exists() else {}


def preset_of(engine: Engine) -> str:
    """Return the preset of a stack of this project's program."""
    said = engine.run("config", "get", "--path", "failover.preset", capture=True).stdout.strip()
    return said or "standard"


def configurable(project: Path) -> bool:
    """Whether a project's program is this one's: whether it declares the keys that a drill changes."""
    file = project / "Pulumi.yaml"
    declared = (yaml.safe_load(file.read_text()).get("config") or {}) if file.exists() else {}
    return CHANGED.issubset(key.rpartition(":")[2] for key in declared)
