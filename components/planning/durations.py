"""Durations as HAProxy writes them: a number and ``us``, ``ms``, ``s``, ``m``, ``h`` or ``d``; bare: ms."""

import re

_SECOND_MS = 1000
_MILLISECONDS = {"us": 0.001, "ms": 1, "": 1, "s": _SECOND_MS, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FORM = re.compile(r"([0-9]{1,15})(us|ms|s|m|h|d)?")
LIMIT_MS = 2**31 - 1
"""HAProxy keeps timers in a signed 32-bit count of milliseconds (configuration manual, "Time format")."""


def is_duration(text: str) -> bool:
    """Say whether HAProxy would take `text` as a time."""
    return bool(_FORM.fullmatch(text)) and milliseconds(text) <= LIMIT_MS


def is_seconds(text: str, most: int) -> bool:
    """Say whether `text` is a duration with a unit, of whole seconds from 1 to `most`."""
    found = milliseconds(text)
    return not text.isdigit() and found % _SECOND_MS == 0 and _SECOND_MS <= found <= most * _SECOND_MS


def milliseconds(text: str) -> float:
    """Return `text` in milliseconds; ``ValueError`` if it is no duration."""
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 5s or 1h")
    return int(found[1]) * _MILLISECONDS[found[2] or ""]
