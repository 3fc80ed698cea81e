"""Histories on disk: a directory for each run with JSON lines, so that everything is judged afterwards.

``run.json`` says what was done to what; ``events.jsonl`` when; ``client-PLACE.jsonl`` what clients saw;
``witness-HOST.jsonl`` when a host had the address.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Line = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What a run is about; all that judging needs besides the lines."""

    config: str
    fault: str
    run: int
    title: str
    budget_ms: int | None
    """What the component promises for this fault; 0: no request fails; ``None``: nothing is promised."""
    budget_key: str
    anchor: str
    """What the outage is counted from: ``inject``, or ``heal`` where nothing could answer before."""
    path: str
    """Whose connections the fault must end: ``vip`` (all through the holder), servers' names, or nobody's."""
    silenced: tuple[str, ...] = ()
    """Hosts whose own clients are no witnesses while the fault is in force: out of reach, or not running."""
    whole_from: str = "heal"
    """What the return of redundancy is counted from: ``inject`` where the fault is an instant, else ``heal``."""
    must_be_whole: bool = True
    lasting_ms: int | None = None
    """By when the last request may have failed, if not within ``budget_ms``."""
    two_holders_ms: int | None = None
    """For how long two may have the VIP, in all; ``None``: nothing is promised."""
    parted: bool = False
    """Whether two sides serve until the healing; for how long two may have the VIP counts from there."""
    cuts: bool = False
    """Whether an apiserver that is the fault must lose its idle streams, which nobody else would end."""
    holder: str = ""
    balancers: tuple[str, ...] = ()
    """Of each there is a witness; empty in runs from before this was kept."""
    seed: int = 0
    interval_ms: int = 10
    clock_offsets: Mapping[str, float] = field(default_factory=dict)

    @property
    def out_of_reach(self) -> tuple[str, ...]:
        """Hosts whose packets reach nobody from injection to healing; an instant, such as a boot, keeps none so."""
        return self.silenced if self.whole_from == "heal" else ()

    @property
    def booting(self) -> tuple[str, ...]:
        """Hosts that go down or come up as the fault itself, with every process that was started there."""
        return self.silenced if self.whole_from == "inject" else ()


class Writer:
    """The runner's own lines."""

    def __init__(self, directory: Path, setting: Setting) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "run.json").write_text(json.dumps(asdict(setting), indent=1) + "\n")
        self._file = (directory / "events.jsonl").open("a")

    def note(self, kind: str, at: float | None = None, **more: object) -> float:
        """Write an event with its time, now unless given; return the time."""
        when = time.time() if at is None else at
        self._file.write(json.dumps({"kind": kind, "at": round(when, 5), **more}) + "\n")
        self._file.flush()
        return when

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True)
class History:
    """One run as read from disk."""

    setting: Setting
    events: tuple[Line, ...]
    clients: Mapping[str, tuple[Line, ...]]
    """By place: ``outside`` or a host's name."""
    witnesses: Mapping[str, tuple[Line, ...]]
    """By host."""

    def when(self, kind: str) -> float | None:
        """Return when an event happened (the last one of that kind), ``None`` if it never did."""
        return next((float(line["at"]) for line in reversed(self.events) if line["kind"] == kind), None)


def read(directory: Path) -> History:
    """Read a run; times of hosts with clocks of their own are brought to this machine's."""
    stored = json.loads((directory / "run.json").read_text())
    for key in ("silenced", "balancers"):
        stored[key] = tuple(stored.get(key, ()))
    setting = Setting(**stored)

    def of(kind: str) -> dict[str, tuple[Line, ...]]:
        found = {}
        for file in sorted(directory.glob(f"{kind}-*.jsonl")):
            place = file.stem.removeprefix(f"{kind}-")
            found[place] = tuple(_shifted(_lines(file), setting.clock_offsets.get(place, 0.0)))
        return found

    events = tuple(_lines(directory / "events.jsonl"))
    return History(setting, events, of("client"), of("witness"))


def finished(directory: Path) -> bool:
    """Whether a run came to its end."""
    file = directory / "events.jsonl"
    return file.exists() and any(line["kind"] == "done" for line in _lines(file))


TIMES = ("at", "due", "began", "connected", "done", "opened")


def _shifted(lines: Iterator[Line], offset: float) -> Iterator[Line]:
    for line in lines:
        if offset:
            line.update({key: line[key] - offset for key in TIMES if line.get(key)})
        yield line


def _lines(file: Path) -> Iterator[Line]:
    for text in file.read_text().splitlines():
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            # The last line of a client that was killed in the middle of it.
            continue
