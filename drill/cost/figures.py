"""Figures, and how they grow with each control plane."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from drill.report.markdown import table

HEAD = ("program", "operation", "resources", "seconds", "MiB", "s a plane more", "MiB a plane more")


@dataclass(frozen=True)
class Cost:
    """One operation of one program."""

    program: str
    planes: int | None
    """How many control planes it has, or is to be compared with; ``None`` for anything else."""
    operation: str
    resources: int
    seconds: float
    """The quickest of the tries."""
    mebibytes: float
    """Most memory that engine, language host, program and plugins had together (shared pages count each time)."""
    ours: bool = True
    """Not where it only has as many resources."""


@dataclass(frozen=True)
class Growth:
    """What each control plane cost that one program has more than the one before it."""

    seconds: float
    mebibytes: float


def growths(found: Sequence[Cost]) -> list[Growth | None]:
    """Return for each figure its growth since that of the next smaller number of planes, if there is one."""
    return [_growth(_smaller(one, found), one) for one in found]


def _smaller(one: Cost, found: Sequence[Cost]) -> Cost | None:
    if one.planes is None:
        return None
    below = [
        other
        for other in found
        if (other.operation, other.ours) == (one.operation, one.ours)
        and other.planes is not None
        and other.planes < one.planes
    ]
    return max(below, key=lambda other: other.planes or 0, default=None)


def _growth(before: Cost | None, after: Cost) -> Growth | None:
    if before is None or before.planes is None or after.planes is None:
        return None
    more = after.planes - before.planes
    return Growth(
        round((after.seconds - before.seconds) / more, 3),
        round((after.mebibytes - before.mebibytes) / more, 2),
    )


def as_data(found: Sequence[Cost]) -> list[dict[str, Any]]:
    """Return the figures with their growth, for JSON."""
    return [
        {**asdict(one), "growth": asdict(growth) if growth else None}
        for one, growth in zip(found, growths(found), strict=True)
    ]


def rows(found: Sequence[Cost]) -> list[tuple[str, ...]]:
    """Return the figures as the rows of a table below :data:`HEAD`."""
    return [
        (
            one.program,
            one.operation,
            str(one.resources),
            f"{one.seconds:.1f}",
            f"{one.mebibytes:.0f}",
            "-" if growth is None else f"{growth.seconds:.2f}",
            "-" if growth is None else f"{growth.mebibytes:.1f}",
        )
        for one, growth in zip(found, growths(found), strict=True)
    ]


def markdown(found: Sequence[Cost]) -> str:
    """Return the table for a document."""
    return table(HEAD, rows(found))
