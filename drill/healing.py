"""Putting right what a fault, or a drill that was killed, left on a stack."""

from collections.abc import Callable
from contextlib import suppress

from drill.engine import pending, up_again
from drill.errors import DrillError
from drill.faults.changes import forget_key, put_packages_back
from drill.faults.injections import APISERVER, NOT_READY
from drill.left import Left
from drill.settle import await_whole
from drill.stack import Stack
from sandbox.errors import SandboxError
from sandbox.stack.engine import Engine

Tell = Callable[[str], None]


def mend(stack: Stack) -> None:
    """Start what did not come back by itself; the next fault needs a whole stack."""
    if stack.sandbox:
        for host in stack.backends:
            with suppress(DrillError):  # it boots, without the file
                host.run(f"rm -f {NOT_READY}")  # not every health check asks for what this fails
    if await_whole(stack, 1) is not None:
        return
    for host in stack.hosts:
        services = ["haproxy", "keepalived"] if host in stack.balancers else []
        # Elsewhere an apiserver is no unit of ours.
        services += [APISERVER] if host.apiserver and stack.sandbox else []
        if not services:
            continue
        try:
            host.run(f"systemctl start {' '.join(services)}", seconds=30)
        except DrillError:
            continue  # it boots; whether all is well is asked next


def heal_configuration(engine: Engine, left: Left, tell: Tell, *, may_change: bool = True) -> None:
    """Bring about again what the configuration says, if a drill was killed while it had other keys.

    Before anything is asked of the stack: its outputs are those of the change. Unless this `may_change` anything, on a
    stack whose configuration people may have changed since and not applied, only an ``up`` of theirs heals it. Raises
    :class:`DrillError`.
    """
    changes = left.read().get("changes")
    if not changes:
        return
    if not pending(engine):
        left.forget("changes")
        return
    still = f"stack {engine.stack!r} still has {', '.join(changes)} as an earlier drill changed it, so a drill would"
    if not may_change:
        raise DrillError(f"{still} measure another stack than its configuration says; run: pulumi up")
    tell(f"An earlier drill was killed while {', '.join(changes)} was changed; pulumi up changes it back ...")
    try:
        up_again(engine, {}, left)
    except (DrillError, SandboxError) as error:
        raise DrillError(
            f"{still} measure another stack than its configuration says; mend what `pulumi up` says, and come again: "
            f"{error}"
        ) from error


def heal_hosts(stack: Stack, left: Left, tell: Tell) -> None:
    """Put hosts right that a killed drill left in the middle of a fault. Raises :class:`DrillError`."""
    found = left.read()
    if fault := found.get("fault"):
        tell(f"{fault} of an earlier drill did not come to its end; what it left is mended ...")
        mend(stack)
    packages: dict[str, list[str]] = found.get("packages") or {}
    for host in stack.balancers:
        if host.name in packages:
            put_packages_back(host, packages[host.name])
    if key := found.get("key"):
        for host in stack.hosts:
            forget_key(host, str(key))
    left.forget("fault", "packages", "key")
