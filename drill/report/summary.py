"""Many runs as few figures: median and worst of each fault in each configuration, and a picture of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from drill.checker import WORST_FIRST, Record, Verdict
from drill.report import svg


@dataclass(frozen=True)
class Cell:
    """All runs of one fault with one configuration."""

    config: str
    fault: str
    title: str
    runs: int
    gap_median: float
    gap_worst: float
    outage_median: float
    """Of the longer in each run: the gap, or from the first request that failed to the last."""
    outage_worst: float
    failed_median: float
    failed_worst: int
    lost_worst: int
    dual_worst: float
    whole_worst: float | None
    """``None``: at least once redundancy did not come back by itself, or the fault does not ask for it."""
    budget_ms: int | None
    verdict: Verdict
    """The worst of all runs; unknown if none is over and one is unknown."""
    why: str


def cells(records: Sequence[Record]) -> list[Cell]:
    """Return one cell a configuration and fault, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.config, record.fault), []).append(record)
    return [_cell(group) for group in groups.values()]


def _cell(group: list[Record]) -> Cell:
    worst = min(group, key=lambda record: WORST_FIRST.index(record.verdict))
    measured = [record for record in group if record.gap_ms is not None]
    gaps = [record.gap_ms or 0.0 for record in measured] or [math.nan]
    outages = [max(record.gap_ms or 0.0, record.failing_ms or 0.0) for record in measured] or [math.nan]
    failed = [record.failed or 0 for record in measured] or [0]
    whole = [record.whole_again_ms for record in measured] or [None]
    return Cell(
        config=worst.config,
        fault=worst.fault,
        title=worst.title,
        runs=len(measured),
        gap_median=median(gaps),
        gap_worst=max(gaps),
        outage_median=median(outages),
        outage_worst=max(outages),
        failed_median=median(failed),
        failed_worst=max(failed),
        lost_worst=max(record.streams_lost or 0 for record in group),
        dual_worst=max(record.dual_holder_ms or 0 for record in group),
        whole_worst=None if None in whole else max(value for value in whole if value is not None),
        budget_ms=next((record.budget_ms for record in group if record.budget_ms is not None), None),
        verdict=worst.verdict,
        why=worst.why,
    )


def picture(found: Sequence[Cell]) -> str:
    """Draw the worst outages as bars, on a logarithmic scale, with the budget as a mark."""
    faults = list(dict.fromkeys(cell.fault for cell in found))
    configs = list(dict.fromkeys(cell.config for cell in found))
    left, right, bar, pad = 190.0, 190.0, 12.0, 10.0
    width, group = 960.0, len(configs) * bar + pad
    top = 44.0
    height = top + len(faults) * group + 24
    low, high = math.log10(5), math.log10(30000)

    def x(milliseconds: float) -> float:
        share = (math.log10(min(max(milliseconds, 5.0), 30000.0)) - low) / (high - low)
        return left + share * (width - left - right)

    parts = [
        svg.text(
            12,
            18,
            "Longest time without an answer or with failing requests, worst run (milliseconds; | is the budget)",
            size=13,
        )
    ]
    for mark, words in ((10, "10"), (100, "100"), (1000, "1 000"), (10000, "10 000")):
        parts += [
            svg.line(x(mark), top - 8, x(mark), height - 20, "#e4e7eb"),
            svg.text(x(mark), height - 6, words, anchor="middle", colour=svg.FAINT),
        ]
    for number, config in enumerate(configs):
        parts += [
            svg.rect(left + number * 110, top - 18, 9, 9, svg.SERIES[number % len(svg.SERIES)]),
            svg.text(left + number * 110 + 14, top - 10, config, size=11),
        ]
    for row, fault in enumerate(faults):
        y = top + row * group + pad / 2
        parts.append(svg.text(left - 8, y + len(configs) * bar / 2 + 4, fault, anchor="end", size=12))
        for number, config in enumerate(configs):
            cell = next((cell for cell in found if (cell.config, cell.fault) == (config, fault)), None)
            if cell is not None and not math.isnan(cell.outage_worst):
                parts += _bar(cell, x, left, y + number * bar, bar, svg.SERIES[number % len(svg.SERIES)])
    return svg.drawing(width, height, parts, "longest outage of each fault and configuration")


def _bar(
    cell: Cell, x: Callable[[float], float], left: float, y: float, bar: float, colour: str
) -> list[str]:
    end = x(cell.outage_worst)
    failed = f", {cell.failed_worst} failed" if cell.failed_worst else ""
    parts = [
        svg.rect(left, y + 1, end - left, bar - 2, colour, cell.title),
        svg.text(end + 5, y + bar - 2.5, f"{cell.outage_worst:.0f}{failed}", size=10),
    ]
    if cell.budget_ms:
        parts.append(svg.line(x(cell.budget_ms), y, x(cell.budget_ms), y + bar, svg.INK))
    return parts
