"""Which faults fit a stack."""

from collections.abc import Callable, Iterable

from drill.errors import DrillError
from drill.faults.catalogue import named
from drill.faults.fault import Fault
from drill.stack import Stack


def demanded(names: Iterable[str], stack: Stack) -> list[Fault]:
    """Return the faults of these names. Raises :class:`DrillError` for each that does not fit the stack, with why."""
    found = named(names)
    lacks = [f"fault {fault.name!r}: {why}" for fault in found if (why := fault.misfit(stack))]
    if lacks:
        raise DrillError("; ".join(lacks))
    return found


def fitting(names: Iterable[str], stack: Stack, tell: Callable[[str], None]) -> list[Fault]:
    """Return those of these faults that fit the stack, and say why of each that is left out.

    Raises :class:`DrillError` if none is left.
    """
    found = []
    for fault in named(names):
        if why := fault.misfit(stack):
            tell(f"left out: {fault.name}: {why}")
        else:
            found.append(fault)
    if not found:
        raise DrillError("no fault of this set fits the stack")
    return found
