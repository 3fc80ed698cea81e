"""Orders, histories on disk, and the report made from them."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from drill import history, series
from drill.checker import Verdict, judge
from drill.errors import DrillError
from drill.faults import CATALOGUE, SHORT, SIDE_BY_SIDE, named
from drill.report import write
from drill.report.summary import cells
from drill.report.timeline import timeline
from tests.unit.drill import made_up

pytestmark = pytest.mark.unit


def written(root: Path, told: history.History) -> Path:
    """A made up run on disk, as the runner would have left it."""
    setting = told.setting
    directory = root / f"{setting.config}-{setting.fault}-{setting.run}"
    writer = history.Writer(directory, setting)
    for event in told.events:
        writer.note(event["kind"], at=event["at"])
    writer.note("done")
    writer.close()
    for kind, places in (("client", told.clients), ("witness", told.witnesses)):
        for place, lines in places.items():
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (directory / f"{kind}-{place}.jsonl").write_text(text)
    return directory


def planned(runs: int, seed: int) -> series.Plan:
    """A series of two configurations."""
    return series.Plan(("ours", "howto"), tuple(SIDE_BY_SIDE), runs, seed, shuffle=True)


def test_a_seed_decides_the_order_and_nothing_is_left_out() -> None:
    first, again, other = (planned(5, seed).order() for seed in (7, 7, 8))
    assert [run.name for run in first] == [run.name for run in again]
    assert [run.name for run in first] != [run.name for run in other]
    assert {run.name for run in first} == {run.name for run in other}
    assert len({run.name for run in first}) == 2 * len(SIDE_BY_SIDE) * 5


def test_each_round_has_every_configuration_with_every_fault_once() -> None:
    size = 2 * len(SIDE_BY_SIDE)
    runs = planned(3, 7).order()
    for number in (1, 2, 3):
        turn = runs[(number - 1) * size : number * size]
        assert {run.number for run in turn} == {number}
        assert len({run.name for run in turn}) == size


def test_a_series_goes_on_as_it_was_begun(tmp_path: Path) -> None:
    directory = series.begin(tmp_path, planned(2, 3))
    assert series.newest(tmp_path) == directory
    assert series.begun(directory) == planned(2, 3)


HERE = series.Endpoint("dev", "lab", "blue_", "10.0.0.10")


def test_a_series_goes_on_with_its_own_endpoint(tmp_path: Path) -> None:
    directory = series.begin(tmp_path, replace(planned(2, 3), endpoint=HERE))
    assert series.going_on(directory, HERE).endpoint == HERE
    for change in ({"stack": "prod"}, {"sandbox": ""}, {"prefix": ""}, {"vip": "10.0.0.20"}):
        other = replace(HERE, **change)
        with pytest.raises(
            DrillError, match=f"10.0.0.10 of --sandbox lab --stack dev --outputs blue_, and .*{other}"
        ):
            series.going_on(directory, other)


def test_a_series_that_does_not_name_its_endpoint_is_reported_and_does_not_go_on(tmp_path: Path) -> None:
    old = {key: value for key, value in asdict(planned(1, 1)).items() if key != "endpoint"}
    (tmp_path / "plan.json").write_text(json.dumps(old))
    assert series.begun(tmp_path) == planned(1, 1)
    with pytest.raises(DrillError, match=r"does not say which endpoint.*begin a new one"):
        series.going_on(tmp_path, HERE)


def test_a_series_that_does_not_say_how_it_was_begun_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="begin a new one"):
        series.begun(tmp_path)
    with pytest.raises(DrillError, match="no series"):
        series.newest(tmp_path)


def test_an_unknown_fault_is_refused_with_those_there_are() -> None:
    with pytest.raises(DrillError, match="haproxy-stopped"):
        named(["haproxy-tickled"])


def test_every_short_fault_exists_and_measures_something() -> None:
    assert set(SHORT) | set(SIDE_BY_SIDE) <= set(CATALOGUE)
    assert all(fault.hold_s > 0 and fault.title for fault in CATALOGUE.values())


def test_a_history_reads_back_as_it_was_written(tmp_path: Path) -> None:
    told = made_up.history({"outside": made_up.client(outages=[(105, 105.1, "refused")])})
    assert judge(history.read(written(tmp_path, told))) == judge(told)


def test_clocks_of_other_hosts_are_brought_to_one(tmp_path: Path) -> None:
    ahead = tuple(
        {key: value + 30 if key in history.TIMES and value else value for key, value in line.items()}
        for line in made_up.client(outages=[(105, 105.1, "refused")])
    )
    told = made_up.history({"m3": ahead}, made_up.setting(clock_offsets={"m3": 30.0}))
    record = judge(history.read(written(tmp_path, told)))
    assert record.failed == 10
    assert record.gap_ms == pytest.approx(110, abs=1)


def test_half_a_line_of_a_killed_client_is_left_out(tmp_path: Path) -> None:
    directory = written(tmp_path, made_up.history({"outside": made_up.client()}))
    with (directory / "client-outside.jsonl").open("a") as file:
        file.write('{"kind":"req","due":1')
    assert judge(history.read(directory)).verdict is Verdict.WITHIN


def test_a_series_goes_on_where_it_stopped(tmp_path: Path) -> None:
    plan = series.Plan(("standard",), ("haproxy-killed",), 2, seed=1, shuffle=False)
    done: list[str] = []

    def make(run: series.Run, directory: Path) -> None:
        if run.number == 2 and len(done) == 1:
            done.append("interrupted")
            raise KeyboardInterrupt
        done.append(run.name)
        about = made_up.setting(run=run.number)
        written(directory.parent, made_up.history({"outside": made_up.client()}, about))

    with pytest.raises(KeyboardInterrupt):
        series.do(plan, tmp_path, make, lambda _: None)
    records = series.do(plan, tmp_path, make, lambda _: None)
    assert done == ["standard-haproxy-killed-1", "interrupted", "standard-haproxy-killed-2"]
    assert [record.run for record in records] == [1, 2]


def test_the_report_holds_every_run_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    told = [
        made_up.history(
            {"outside": made_up.client(outages=[(105, 105 + gap, "refused")])}, made_up.setting(**about)
        )
        for about, gap in (
            ({"run": 1}, 0.1),
            ({"run": 2}, 0.4),
            ({"config": "howto", "budget_ms": None}, 3.0),
        )
    ]
    for each in told:
        written(tmp_path, each)
    (tmp_path / "plan.json").write_text(
        json.dumps(asdict(planned(2, 1)) | {"configs": ["standard", "howto"], "faults": ["haproxy-killed"]})
    )
    records = series.read(tmp_path)
    page, figures = write(records, tmp_path, tmp_path / "out")
    stored = json.loads(figures.read_text())
    keys = "config fault run gap_ms failed total slow streams_lost dual_holder_ms whole_again_ms budget_ms verdict"
    assert all(set(keys.split()) <= set(each) for each in stored)
    assert [each["why"] for each in stored if each["gap_ms"] is None] == [series.NOT_MADE]  # howto's second
    assert len(stored) == len(told) + 1
    text = page.read_text()
    assert text.count("<svg") == 1 + len(cells(records))
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "src=" not in text
    worst = {(cell.config, cell.verdict) for cell in cells(records)}
    assert worst == {("standard", Verdict.OVER), ("howto", Verdict.UNKNOWN)}
    beside = (tmp_path / "out/summary.md").read_text().splitlines()
    assert beside[0] == "| fault | standard | howto |"
    assert beside[2].endswith("| 260 / 410 ms; 25 / 40 | 3010 / 3010 ms; 300 / 300 |"), beside[2]


def test_an_interrupted_run_leaves_nothing_to_the_one_made_instead(tmp_path: Path) -> None:
    plan = series.Plan(("standard",), ("haproxy-killed",), 1, seed=1, shuffle=False)
    left = tmp_path / "standard-haproxy-killed-1/logs/deeper"
    left.mkdir(parents=True)

    def make(_run: series.Run, directory: Path) -> None:
        assert not directory.exists()
        written(directory.parent, made_up.history({"outside": made_up.client()}))

    series.do(plan, tmp_path, make, lambda _: None)


def test_what_was_planned_and_not_made_is_unknown(tmp_path: Path) -> None:
    plan = series.Plan(("standard",), ("haproxy-killed", "no-such-fault"), 2, seed=1, shuffle=False)
    (tmp_path / "plan.json").write_text(json.dumps(asdict(plan)))
    written(tmp_path, made_up.history({"outside": made_up.client()}))
    records = series.read(tmp_path)
    assert [(one.fault, one.run, one.verdict) for one in records] == [
        ("haproxy-killed", 1, Verdict.WITHIN),
        ("haproxy-killed", 2, Verdict.UNKNOWN),
        ("no-such-fault", 1, Verdict.UNKNOWN),
        ("no-such-fault", 2, Verdict.UNKNOWN),
    ]
    page, _ = write(records, tmp_path, tmp_path / "out")
    assert page.read_text().count("<h3>") == 1  # a timeline of the one there is
    assert "nan" not in (tmp_path / "out/summary.md").read_text()


def test_a_series_without_a_plan_is_reported_as_it_is_found(tmp_path: Path) -> None:
    for fault in ("b", "a"):
        written(tmp_path, made_up.history({"outside": made_up.client()}, made_up.setting(fault=fault)))
    assert [one.fault for one in series.read(tmp_path)] == ["a", "b"]


def test_an_empty_series_takes_nothing_away(tmp_path: Path) -> None:
    latest = tmp_path / "latest.json"
    latest.write_text("[1]")
    directory = series.begin(tmp_path, planned(1, 1))
    with pytest.raises(DrillError, match="holds no run"):
        series.read(directory)
    with pytest.raises(DrillError, match="left as it is"):
        write([], directory, tmp_path)
    assert latest.read_text() == "[1]"


def test_a_fault_named_twice_counts_once() -> None:
    assert [fault.name for fault in named(["nothing", "haproxy-killed", "nothing"])] == [
        "nothing",
        "haproxy-killed",
    ]


def test_what_is_shaded_is_the_gap_that_is_judged() -> None:
    """Where the outage counts from healing, a longer one before is no part of it."""
    outages = [(105.0, 107.5, "reset"), (109.0, 109.3, "reset")]
    lines = made_up.client(outages=outages)
    for anchor, seconds in (("inject", 2.5), ("heal", 0.3)):
        seen = made_up.history({"outside": lines}, made_up.setting(anchor=anchor))
        shaded = re.search(r"no answer for (\d+) ms", timeline(seen, judge(seen)))
        assert shaded is not None
        assert int(shaded[1]) == pytest.approx(seconds * 1000, abs=20)


def test_the_timeline_is_that_of_the_worst_verdict_then_of_the_longest_gap(tmp_path: Path) -> None:
    lost = {"kind": "watch-end", "at": 110.0, "opened": 109.0, "why": "closed", "by": "m2"}
    for number, (gap, seen) in enumerate(((0.2, ()), (0.05, (lost,)), (0.1, (lost,))), 1):
        lines = made_up.client(*seen, outages=[(105, 105 + gap, "refused")])
        written(tmp_path, made_up.history({"outside": lines}, made_up.setting(run=number)))
    page, _ = write(series.read(tmp_path), tmp_path, tmp_path / "out")
    assert "run 3): over" in page.read_text()
    assert page.read_text().count("<h3>") == 1
