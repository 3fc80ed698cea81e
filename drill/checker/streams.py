"""Long-lived streams: which were lost, and which of those the fault had to end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drill.history import Line


@dataclass(frozen=True)
class Streams:
    """What all streams together say."""

    opened: int
    lost: int
    """Beyond what the killed process itself carried."""
    ended: int
    """Carried by the process that was killed, or through the host that vanished."""


def judged(
    clients: Mapping[str, Sequence[Line]], path: str, begin: float, injected: float, end: float
) -> Streams:
    """Count streams lost between `begin` and `end`, and idle ones that did not answer when they were used.

    Only what was open when the fault was `injected` can be among those it had to end.
    """
    opened = lost = ended = 0
    for lines in clients.values():
        opened += sum(line["kind"] in ("watch-open", "idle-open") for line in lines)
        for line in lines:
            watch = line["kind"] == "watch-end" and line["why"] and begin <= line["at"] <= end
            # One that was used again counts whenever that was: it is for the time since it was opened.
            idle = line["kind"] == "idle-used" and line["why"]
            if not (watch or idle):
                continue
            on_path = path == "vip" or line["by"] in path.split(",")
            if on_path and line.get("opened", begin) <= injected:
                ended += 1
            else:
                lost += 1
    return Streams(opened, lost, ended)
