"""Long-lived streams: which were lost, and which of those the fault had to end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drill.history import Line


@dataclass(frozen=True)
class Streams:
    """What all streams together say."""

    idle: int
    """Opened at all."""
    watches: int
    lost: int
    """Beyond what the killed process itself carried."""
    ended: int
    """Carried by the process that was killed, or through the host that vanished."""
    outlived: int
    """Idle streams of apiservers that were the fault, which went on as if nothing had been."""


@dataclass(frozen=True)
class Ended:
    """Which streams a fault has to end."""

    path: str = ""
    """``vip``: all that were open; else names of apiservers; nothing: none."""
    effect: float = 0.0
    """When it took effect: what was opened later is not among them."""
    vanishing: frozenset[str] = frozenset()
    """Hosts that go with their apiservers, however late: one that shuts down in order serves until the last moment."""
    vanished: float = 0.0

    def covers(self, by: str, opened: float) -> bool:
        """Whether a stream that apiserver `by` served is one of them. Where nobody said who serves, none is."""
        if not self.path:
            return False
        if by in self.vanishing and opened <= self.vanished:
            return True
        return (self.path == "vip" or by in self.path.split(",")) and opened <= self.effect


def judged(clients: Mapping[str, Sequence[Line]], must_end: Ended, begin: float, end: float) -> Streams:
    """Count streams lost between `begin` and `end`, and idle ones that did not answer when they were used."""
    every = [line for lines in clients.values() for line in lines]
    idle = sum(line["kind"] == "idle-open" for line in every)
    watches = sum(line["kind"] == "watch-open" for line in every)
    lost = ended = outlived = 0
    for line in every:
        watch = line["kind"] == "watch-end" and line["why"] and begin <= line["at"] <= end
        # One that was used again counts whenever that was: it is for the time since it was opened.
        used = line["kind"] == "idle-used" and line["why"]
        outlived += line["kind"] == "idle-used" and not line["why"] and line["by"] in must_end.path.split(",")
        if not (watch or used):
            continue
        if must_end.covers(line["by"], line.get("opened", begin)):
            ended += 1
        else:
            lost += 1
    return Streams(idle, watches, lost, ended, outlived)
