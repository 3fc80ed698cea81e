"""One run as a picture: latencies over time, failures, who held the address, the gap shaded."""

import math
from itertools import pairwise

from drill.checker import Record, holders
from drill.history import History, Line
from drill.report import svg

WIDTH, HEIGHT = 960.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 12.0, 18.0, 52.0
FLOOR_MS, CEILING_MS = 1.0, 2000.0
STEP_S = 0.05
"""Answers of so long a time become one stroke from the quickest to the slowest."""


def timeline(history: History, record: Record) -> str:
    """Draw a run; seconds count from the fault."""
    inject, measured = history.when("inject"), history.when("measured")
    if inject is None or measured is None:
        return ""
    plot = _Plot(inject, inject - 2, measured)
    lines = _requests(history)
    # Where the outage counts from healing, what came before is no part of it.
    anchor = (history.when("heal") if history.setting.anchor == "heal" else None) or inject
    gap = _gap(lines, anchor, plot.end)
    parts = [_shade(plot, gap), *_axes(plot), *_answers(plot, lines), *_holders(plot, history, record)]
    for kind, words in (("inject", "fault"), ("heal", "healed"), ("whole", "whole again")):
        if (at := history.when(kind)) is not None:
            parts += [
                svg.line(plot.x(at), TOP, plot.x(at), HEIGHT - BOTTOM, svg.INK, dashed=True),
                svg.text(plot.x(at) + 3, TOP - 5, words, size=10),
            ]
    return svg.drawing(WIDTH, HEIGHT, parts, f"{record.config}: {record.title}")


class _Plot:
    """Where times and latencies lie."""

    def __init__(self, zero: float, begin: float, end: float) -> None:
        self.zero, self.begin, self.end = zero, begin, end

    def x(self, at: float) -> float:
        share = (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, milliseconds: float) -> float:
        low, high = math.log10(FLOOR_MS), math.log10(CEILING_MS)
        share = (math.log10(min(max(milliseconds, FLOOR_MS), CEILING_MS)) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _requests(history: History) -> list[Line]:
    """Return the requests of the client outside, or of the busiest one where there is none outside."""
    found = {
        place: [line for line in lines if line["kind"] == "req"]
        for place, lines in history.clients.items()
        if place not in history.setting.silenced
    }
    return found.get("outside") or max(found.values(), key=len, default=[])


def _gap(lines: list[Line], anchor: float, end: float) -> tuple[float, float]:
    times = sorted(line["done"] for line in lines if not line["why"] and line["done"] <= end)
    pairs = [(max(first, anchor), then) for first, then in pairwise(times) if then > anchor]
    return max(pairs, key=lambda pair: pair[1] - pair[0], default=(anchor, anchor))


def _shade(plot: _Plot, gap: tuple[float, float]) -> str:
    begin, end = plot.x(gap[0]), plot.x(gap[1])
    title = f"no answer for {(gap[1] - gap[0]) * 1000:.0f} ms"
    return svg.rect(begin, TOP, max(1.0, end - begin), HEIGHT - TOP - BOTTOM, svg.SHADE, title)


def _axes(plot: _Plot) -> list[str]:
    parts = []
    for mark in (1, 10, 100, 1000):
        y = plot.y(mark)
        parts += [
            svg.line(LEFT, y, WIDTH - RIGHT, y, "#e4e7eb"),
            svg.text(LEFT - 6, y + 4, f"{mark} ms", anchor="end"),
        ]
    length = plot.end - plot.begin
    step = next((step for step in (1, 2, 5, 10, 20, 60) if length / step <= 16), 120)  # noqa: PLR2004 - labels that fit
    for second in range(
        math.ceil((plot.begin - plot.zero) / step) * step, int(plot.end - plot.zero) + 1, step
    ):
        x = plot.x(plot.zero + second)
        parts.append(svg.text(x, HEIGHT - BOTTOM + 14, f"{second} s", anchor="middle", colour=svg.FAINT))
    return parts


def _answers(plot: _Plot, lines: list[Line]) -> list[str]:
    bins: dict[int, list[float]] = {}
    failed = []
    for line in lines:
        if not plot.begin <= line["due"] <= plot.end:
            continue
        if line["why"]:
            failed.append((plot.x(line["due"]), TOP, TOP + 12))
        else:
            bins.setdefault(int((line["due"] - plot.begin) / STEP_S), []).append(
                (line["done"] - line["due"]) * 1000
            )
    good: list[tuple[float, float, float]] = []
    slow: list[tuple[float, float, float]] = []
    for number, found in bins.items():
        stroke = (plot.x(plot.begin + number * STEP_S), plot.y(max(found)), plot.y(min(found)) + 0.8)
        (slow if max(found) > 200 else good).append(stroke)  # noqa: PLR2004 - what counts as slow
    return [svg.strokes(good, svg.GOOD), svg.strokes(slow, svg.SLOW), svg.strokes(failed, svg.BAD)]


def _holders(plot: _Plot, history: History, record: Record) -> list[str]:
    setting = history.setting
    inject, heal = history.when("inject") or 0.0, history.when("heal") or 0.0
    silence = holders.Silence(frozenset(setting.out_of_reach), inject, heal)
    y, height = HEIGHT - BOTTOM + 22, 12.0
    parts = [svg.text(LEFT - 6, y + 10, "holder", anchor="end")]
    hosts = sorted(history.witnesses)
    for span in holders.spans(history.witnesses, plot.begin, plot.end, silence):
        x, width = plot.x(span.begin), plot.x(span.end) - plot.x(span.begin)
        names = ", ".join(sorted(span.holders)) or "nobody"
        colour = svg.SERIES[hosts.index(min(span.holders))] if len(span.holders) == 1 else svg.BAD
        parts.append(
            svg.rect(
                x, y, max(0.8, width), height, colour, f"{names}: {(span.end - span.begin) * 1000:.0f} ms"
            )
        )
    for number, host in enumerate(hosts):
        x = LEFT + number * 150
        parts += [svg.rect(x, y + 18, 9, 9, svg.SERIES[number]), svg.text(x + 14, y + 26, host, size=10)]
    if record.dual_holder_ms or record.no_holder_ms:
        words = f"nobody {record.no_holder_ms or 0:.0f} ms, two {record.dual_holder_ms or 0:.0f} ms"
        parts += [svg.rect(LEFT + 310, y + 18, 9, 9, svg.BAD), svg.text(LEFT + 324, y + 26, words, size=10)]
    return parts
