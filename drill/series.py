"""Many runs in an order that a seed decides; one that was interrupted goes on where it stopped."""

import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drill import history
from drill.checker import Record, judge
from drill.errors import DrillError
from drill.faults import Fault

ROOT = Path("build/drill")


@dataclass(frozen=True)
class Run:
    """One run that is to be made."""

    config: str
    fault: Fault
    number: int

    @property
    def name(self) -> str:
        """Its directory's name."""
        return f"{self.config}-{self.fault.name}-{self.number}"


def planned(
    configs: Sequence[str], faults: Sequence[Fault], runs: int, seed: int, *, shuffle: bool
) -> list[Run]:
    """Return every run: round by round, each in the order of the catalogue or in one drawn with `seed`.

    Rounds, so that a machine that gets slower does so for every configuration, and so that a series ended early
    has as many runs of each.
    """
    found = []
    draw = random.Random(seed)  # noqa: S311 - an order, not a secret
    for number in range(1, runs + 1):
        turn = [Run(config, fault, number) for config in configs for fault in faults]
        if shuffle:
            draw.shuffle(turn)
        found += turn
    return found


def directory(root: Path, *, resume: bool) -> Path:
    """Return a new directory for a series, or with `resume` the newest one. Raises :class:`DrillError`."""
    if resume:
        found = sorted(path for path in (root / "runs").glob("*") if path.is_dir())
        if not found:
            raise DrillError(f"{root / 'runs'}: there is nothing to resume; leave --resume out")
        return found[-1]
    made = root / "runs" / time.strftime("%Y%m%d-%H%M%S")
    made.mkdir(parents=True)
    latest = root / "runs" / "latest"
    with suppress(FileNotFoundError):
        latest.unlink()
    return made


def resumed(series: Path, plan: dict[str, object]) -> dict[str, object]:
    """Return the plan that a series was begun with; a new series keeps `plan`."""
    file = series / "plan.json"
    if file.exists():
        stored: dict[str, object] = json.loads(file.read_text())
        return stored
    file.write_text(json.dumps(plan) + "\n")
    return plan


def do(
    runs: Sequence[Run],
    series: Path,
    make: Callable[[Run, Path], None],
    tell: Callable[[str], None],
) -> list[Record]:
    """Make every run that is not finished, and judge all."""
    records = []
    for count, run in enumerate(runs, 1):
        target = series / run.name
        if not history.finished(target):
            tell(f"[{count}/{len(runs)}] {run.config}: {run.fault.title}")
            for left in target.glob("*.jsonl"):
                left.unlink()  # of a run that was interrupted
            make(run, target)
        record = judge(history.read(target))
        tell(f"    {in_words(record)}")
        records.append(record)
    return records


def read(series: Path) -> list[Record]:
    """Judge every run of a series again, from its data alone."""
    found = sorted(series.glob("*/run.json"), key=lambda file: file.stat().st_mtime)
    return [judge(history.read(file.parent)) for file in found]


def in_words(record: Record) -> str:
    """Return a record as one line."""
    if record.gap_ms is None:
        return f"{record.verdict}: {record.why}"
    parts = [f"{record.verdict}: gap {record.gap_ms:.0f} ms", f"{record.failed} of {record.total} failed"]
    parts += [f"{record.in_flight} in flight"] if record.in_flight else []
    parts += [f"{record.slow} slow"] if record.slow else []
    parts += [f"{record.streams_lost} streams lost ({record.streams_ended} ended)"]
    parts += [f"two holders for {record.dual_holder_ms:.0f} ms"] if record.dual_holder_ms else []
    whole = record.whole_again_ms
    parts += [f"whole again after {whole:.0f} ms"] if whole is not None else []
    return ", ".join(parts) + f" ({record.why})"
