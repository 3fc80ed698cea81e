"""The figures of a series as tables for a document."""

import math
from collections.abc import Sequence

from drill.report.summary import Cell


def markdown(found: Sequence[Cell]) -> str:
    """Return one table of a configuration's faults, or of several configurations side by side."""
    configs = list(dict.fromkeys(cell.config for cell in found))
    return _alone(found) if len(configs) == 1 else _beside(found, configs)


def _alone(found: Sequence[Cell]) -> str:
    rows = [
        (
            cell.title,
            _spread(cell.gap_median, cell.gap_worst),
            _spread(cell.outage_median, cell.outage_worst),
            str(cell.failed_worst),
            str(cell.lost_worst),
            "-" if cell.budget_ms is None else f"{cell.budget_ms} ms" if cell.budget_ms else "none fails",
            str(cell.verdict),
        )
        for cell in found
    ]
    head = ("fault", "gap", "outage", "failed requests", "streams lost", "promised", "verdict")
    return table(head, rows)


def _beside(found: Sequence[Cell], configs: Sequence[str]) -> str:
    faults = {cell.fault: cell.title for cell in found}
    at = {(cell.fault, cell.config): cell for cell in found}
    rows = [
        (title, *(_both(at[fault, config]) if (fault, config) in at else "-" for config in configs))
        for fault, title in faults.items()
    ]
    return table(("fault", *configs), rows)


def _both(cell: Cell) -> str:
    return f"{_spread(cell.outage_median, cell.outage_worst)}; {cell.failed_median:.0f} / {cell.failed_worst}"


def _spread(middle: float, worst: float) -> str:
    return "-" if math.isnan(worst) else f"{middle:.0f} / {worst:.0f} ms"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of a document."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
