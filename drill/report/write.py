"""Writing the report of a series."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from drill import history
from drill.checker import WORST_FIRST, Record
from drill.errors import DrillError
from drill.report.markdown import markdown
from drill.report.page import page
from drill.report.summary import cells, picture
from drill.report.timeline import timeline

BASELINE = "howto"


def write(records: Sequence[Record], series: Path, output: Path) -> tuple[Path, Path]:
    """Write ``report.html``, ``summary.svg``, ``summary.md`` and ``latest.json``; return page and figures.

    Raises :class:`DrillError` if there is nothing to write: what was written before stays.
    """
    if not records:
        raise DrillError(f"{series}: no run to report; {output / 'latest.json'} is left as it is")
    output.mkdir(parents=True, exist_ok=True)
    figures = output / "latest.json"
    figures.write_text(json.dumps([asdict(record) for record in records], indent=1) + "\n")
    found = cells(records)
    drawn = picture(found)
    (output / "summary.svg").write_text(drawn + "\n")
    (output / "summary.md").write_text(markdown(found))
    timelines = []
    # What was planned and not made has no history to show.
    for record in _worst([one for one in records if (_directory(series, one) / "run.json").exists()]):
        run = history.read(_directory(series, record))
        title = f"{record.title} ({record.config}, run {record.run}): {record.verdict}"
        timelines.append((title, record.why, timeline(run, record)))
    baseline = BASELINE if any(record.config == BASELINE for record in records) else ""
    html = output / "report.html"
    html.write_text(page(facts(records, series), found, drawn, timelines, baseline))
    return html, figures


def facts(records: Sequence[Record], series: Path) -> dict[str, str]:
    """Return what a reader must know to judge the figures."""
    floors = [record.floor_ms for record in records if record.floor_ms is not None]
    late = max((record.late_ms for record in records), default=0.0)
    busy = [
        float(line["pressure"])
        for file in series.glob("*/events.jsonl")
        for line in map(json.loads, file.read_text().splitlines())
        if line.get("pressure") is not None
    ]
    found = {
        "Series": f"{series.name}, {len(records)} runs, written {time.strftime('%Y-%m-%d %H:%M')}",
        "Machine": f"{os.cpu_count()} processors, Linux {platform.release()}",
    }
    if floors:
        found["What the drill cannot see below"] = (
            f"gaps of {min(floors):.0f} to {max(floors):.0f} ms without any fault; its clients were late by "
            f"{late:.0f} ms at worst"
        )
    if busy:
        found["Processors wanted by somebody else"] = f"{max(busy):.0f} % of the time in the busiest run"
    return found


def _directory(series: Path, record: Record) -> Path:
    return series / f"{record.config}-{record.fault}-{record.run}"


def _worst(records: Sequence[Record]) -> list[Record]:
    """Return the run with the worst verdict of each configuration and fault, of several that with the longest gap."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.config, record.fault), []).append(record)
    return [
        min(group, key=lambda one: (WORST_FIRST.index(one.verdict), -(one.gap_ms or 0)))
        for group in groups.values()
    ]
