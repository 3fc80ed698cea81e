"""Many runs in an order that a seed decides; one that was interrupted goes on where it stopped."""

import json
import random
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from drill import history
from drill.checker import Record, judge, unmeasured
from drill.errors import DrillError
from drill.faults import CATALOGUE, Fault, named

ROOT = Path("build/drill")
_PLAN = "plan.json"
NOT_MADE = "this run was not made"


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


@dataclass(frozen=True)
class Endpoint:
    """Whose endpoint a series measures."""

    stack: str
    sandbox: str
    """Empty on a real cloud."""
    prefix: str
    """Of its outputs."""
    vip: str

    def __str__(self) -> str:
        where = f"--sandbox {self.sandbox}" if self.sandbox else "--real-cloud"
        prefix = f" --outputs {self.prefix}" if self.prefix else ""
        return f"{self.vip} of {where} --stack {self.stack}{prefix}"


@dataclass(frozen=True)
class Plan:
    """What a series is to measure; kept with it, so that it can go on as it was begun."""

    configs: tuple[str, ...]
    faults: tuple[str, ...]
    runs: int
    seed: int
    shuffle: bool
    endpoint: Endpoint | None = None
    """``None`` in series from before this was kept: those cannot go on."""

    def sorted(self, records: Iterable[Record]) -> list[Record]:
        """Return records in the order of faults, then of configurations, then of runs."""
        known = [*self.faults, *self.configs]
        place = {name: number for number, name in enumerate(known)}
        last = len(known)
        return sorted(
            records,
            key=lambda one: (place.get(one.fault, last), place.get(one.config, last), one.config, one.run),
        )

    def names(self) -> list[tuple[str, str, int]]:
        """Return configuration, fault and number of every run, also of faults that are no more."""
        numbers = range(1, self.runs + 1)
        return [
            (config, fault, number) for fault in self.faults for config in self.configs for number in numbers
        ]

    def order(self) -> list[Run]:
        """Return every run: round by round, each in the order of the catalogue or in one drawn with the seed.

        Rounds, so that a machine that gets slower does so for every configuration, and so that a series ended early
        has as many runs of each. Raises :class:`DrillError` for a fault there is not.
        """
        found = []
        draw = random.Random(self.seed)  # noqa: S311 - an order, not a secret
        faults = named(self.faults)
        for number in range(1, self.runs + 1):
            turn = [Run(config, fault, number) for config in self.configs for fault in faults]
            if self.shuffle:
                draw.shuffle(turn)
            found += turn
        return found


def begin(root: Path, plan: Plan) -> Path:
    """Return the directory of a new series."""
    made = root / "runs" / time.strftime("%Y%m%d-%H%M%S")
    made.mkdir(parents=True)
    (made / _PLAN).write_text(json.dumps(asdict(plan), indent=1) + "\n")
    return made


def newest(root: Path) -> Path:
    """Return the directory of the newest series. Raises :class:`DrillError` if there is none."""
    found = sorted(path for path in (root / "runs").glob("*") if path.is_dir())
    if not found:
        raise DrillError(f"{root / 'runs'}: no series there yet; run: sandbox/run drill")
    return found[-1]


def begun(directory: Path) -> Plan:
    """Return what a series was begun with. Raises :class:`DrillError` if it does not say."""
    try:
        return TypeAdapter(Plan).validate_json((directory / _PLAN).read_text())
    except (OSError, ValueError) as error:
        raise DrillError(
            f"{directory / _PLAN}: {error}; this series cannot go on, begin a new one"
        ) from error


def going_on(directory: Path, endpoint: Endpoint | None) -> Plan:
    """Return what a series was begun with. Raises :class:`DrillError` if it measures another endpoint than this."""
    plan = begun(directory)
    if plan.endpoint is None:
        raise DrillError(
            f"{directory / _PLAN} does not say which endpoint it measures, and a series measures one; begin a new one"
        )
    if plan.endpoint != endpoint:
        raise DrillError(
            f"{directory} measures {plan.endpoint}, and this is {endpoint}: a series measures one endpoint; go on with "
            "that one's options, or begin a new series"
        )
    return plan


def do(
    plan: Plan,
    series: Path,
    make: Callable[[Run, Path], None],
    tell: Callable[[str], None],
) -> list[Record]:
    """Make every run that is not finished, and judge all."""
    records = []
    runs = plan.order()
    for count, run in enumerate(runs, 1):
        target = series / run.name
        if not history.finished(target):
            tell(f"[{count}/{len(runs)}] {run.config}: {run.fault.title}")
            if target.exists():
                shutil.rmtree(target)  # of a run that was interrupted: of another holder it has other files
            make(run, target)
        record = judge(history.read(target))
        tell(f"    {in_words(record)}")
        records.append(record)
    return plan.sorted(records)


def read(series: Path) -> list[Record]:
    """Judge every run of a series again, from its data alone; what was planned and not made is unknown.

    Raises :class:`DrillError` if there is no run at all.
    """
    found = [judge(history.read(file.parent)) for file in sorted(series.glob("*/run.json"))]
    if not found:
        raise DrillError(f"{series}: holds no run; begin a series with: sandbox/run drill")
    if not (series / _PLAN).exists():
        return found
    plan = begun(series)
    made = {(record.config, record.fault, record.run) for record in found}
    return plan.sorted([*found, *(not_made(*run) for run in plan.names() if run not in made)])


def not_made(config: str, fault: str, number: int) -> Record:
    """Return what is known of a run that was planned and not made: nothing, which is no pass."""
    title = CATALOGUE[fault].title if fault in CATALOGUE else fault
    return unmeasured(config, fault, number, NOT_MADE, title)


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
