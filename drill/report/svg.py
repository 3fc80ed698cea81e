"""Drawing: numbers to SVG elements. No library; a page must open anywhere and for ever."""

from collections.abc import Iterable, Sequence
from html import escape

INK, FAINT = "#1f2933", "#9aa5b1"
GOOD, SLOW, BAD, SHADE = "#2b8a3e", "#e8890c", "#c92a2a", "#ffe3e3"
SERIES = ("#1c7ed6", "#e8890c", "#7048e8", "#2b8a3e", "#c2255c")


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 11, colour: str = INK) -> str:
    """Return a text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
        f"{escape(words)}</text>"
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str = FAINT, *, dashed: bool = False) -> str:
    """Return a line."""
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'


def rect(x: float, y: float, width: float, height: float, colour: str, title: str = "") -> str:
    """Return a filled rectangle."""
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">{inner}</rect>'


def strokes(pairs: Iterable[tuple[float, float, float]], colour: str) -> str:
    """Return vertical strokes (x, from y, to y) as one path."""
    path = "".join(f"M{x:.1f} {top:.1f}V{bottom:.1f}" for x, top, bottom in pairs)
    return (
        f'<path d="{path}" stroke="{colour}" stroke-width="1.2" stroke-linecap="round" fill="none"/>'
        if path
        else ""
    )


def drawing(width: float, height: float, elements: Sequence[str], label: str) -> str:
    """Return a whole drawing."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(label)}" font-family="system-ui, sans-serif">'
        + rect(0, 0, width, height, "#ffffff")
        + "".join(elements)
        + "</svg>"
    )
