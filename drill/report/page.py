"""The report: one HTML page that needs nothing else."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from drill.report.summary import Cell

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; background: #fff; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid #e4e7eb; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
.within { color: #2b8a3e; } .over { color: #c92a2a; font-weight: 600; } .unknown { color: #b35c00; }
svg { width: 100%; height: auto; display: block; margin: .2rem 0 1.4rem; border: 1px solid #e4e7eb; }
h3 { margin: 1.2rem 0 .1rem; font-size: 15px; } p.why { margin: 0; font-size: 13px; color: #52606d; }
"""

LEGEND = """
Every point is what the client outside saw: its request was due at that time and took so long (green; orange above
200 ms). A red tick at the top is a request that was refused, reset, or incomplete after 2 s. The shaded part is the
longest time without an answer; an outage is that, or the time from the first request that failed to the last,
whichever is longer. Below, which balancer had the address; red is nobody or two.
"""


def page(
    facts: Mapping[str, str],
    found: Sequence[Cell],
    picture: str,
    timelines: Sequence[tuple[str, str, str]],
    baseline: str,
) -> str:
    """Return the page. `timelines` are title, words and drawing; `baseline` is what others are compared with."""
    parts = ["<h1>The drill</h1>", _facts(facts), picture, "<h2>Every fault</h2>", _table(found)]
    if baseline:
        parts += [f"<h2>Beside {escape(baseline)}</h2>", _ratios(found, baseline)]
    parts += ["<h2>Timelines</h2>", f"<p>{LEGEND}</p>"]
    for title, words, drawing in timelines:
        parts += [f"<h3>{escape(title)}</h3>", f'<p class="why">{escape(words)}</p>', drawing]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>The drill</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _facts(facts: Mapping[str, str]) -> str:
    return "<p>" + "<br>".join(f"{escape(key)}: {escape(value)}" for key, value in facts.items()) + "</p>"


def _table(found: Sequence[Cell]) -> str:
    head = (
        "fault", "config", "runs", "gap median", "gap worst", "outage worst", "failed (worst)", "streams lost",
        "two holders", "whole again", "budget", "verdict",
    )  # fmt: skip
    rows = [
        (
            cell.title,
            cell.config,
            str(cell.runs),
            _ms(cell.gap_median),
            _ms(cell.gap_worst),
            _ms(cell.outage_worst),
            str(cell.failed_worst),
            str(cell.lost_worst),
            _ms(cell.dual_worst),
            "-" if cell.whole_worst is None else _ms(cell.whole_worst),
            "-"
            if cell.budget_ms is None
            else "nothing fails"
            if cell.budget_ms == 0
            else _ms(cell.budget_ms),
            f'<span class="{cell.verdict}" title="{escape(cell.why)}">{cell.verdict}</span>',
        )
        for cell in found
    ]
    return _html_table(head, rows)


def _ratios(found: Sequence[Cell], baseline: str) -> str:
    """Return how many times longer the baseline's outage is, and what fails in both."""
    base = {cell.fault: cell for cell in found if cell.config == baseline}
    rows = []
    for cell in found:
        other = base.get(cell.fault)
        if other is None or cell.config == baseline:
            continue
        rows.append(
            (
                cell.title,
                cell.config,
                f"{_ms(cell.outage_median)} / {_ms(cell.outage_worst)}",
                f"{_ms(other.outage_median)} / {_ms(other.outage_worst)}",
                f"{other.outage_median / cell.outage_median:.1f}" if cell.outage_median else "-",
                f"{cell.failed_median:.0f} / {cell.failed_worst}",
                f"{other.failed_median:.0f} / {other.failed_worst}",
            )
        )
    head = (
        "fault", "config", "outage median / worst", f"{baseline}'s outage", "ratio of medians",
        "failed median / worst", f"{baseline}'s failed",
    )  # fmt: skip
    return _html_table(head, rows)


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{cell if cell.startswith('<span') else escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _ms(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.0f} ms".replace(",", " ")
