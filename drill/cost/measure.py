"""Running ``pulumi`` with an eye on the clock and on its memory."""

import time
from typing import NamedTuple

from drill.cost.figures import Cost
from drill.cost.processes import Peak
from drill.errors import DrillError
from sandbox.interrupts import ended_in_order
from sandbox.progress import to_console
from sandbox.stack.engine import Engine

UP = ("up", "--yes", "--skip-preview", "--suppress-outputs")
NO_OPS = {"preview": ("preview",), "up that changes nothing": UP}
"""What people run on a stack that is up, by what it is called in the table."""


class Run(NamedTuple):
    """One run; the quickest of several is the smallest."""

    seconds: float
    mebibytes: float


def run(engine: Engine, *words: str) -> Run:
    """Run ``pulumi WORDS``. Raises :class:`DrillError` with its own words if it fails."""
    peak = Peak()
    began = time.monotonic()
    try:
        done = ended_in_order(
            ["pulumi", *words, "--color=never"], engine.project, engine.environment, peak.begin
        )
        seconds = time.monotonic() - began
    finally:
        mebibytes = peak.end()
    if done.returncode:
        raise DrillError(f"pulumi {' '.join(words)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return Run(seconds, mebibytes)


def no_ops(engine: Engine, program: str, planes: int | None, tries: int, *, ours: bool = True) -> list[Cost]:
    """Measure what changes nothing, on a stack that is up. Raises :class:`DrillError` if it would change something."""
    resources = len(engine.export().get("resources") or [])
    found = []
    for operation, words in NO_OPS.items():
        best = min(run(engine, *words, "--expect-no-changes") for _ in range(tries))
        to_console(f"{program}: {operation}: {best.seconds:.1f} s, {best.mebibytes:.0f} MiB")
        found.append(
            Cost(
                program, planes, operation, resources, round(best.seconds, 2), round(best.mebibytes, 1), ours
            )
        )
    return found
