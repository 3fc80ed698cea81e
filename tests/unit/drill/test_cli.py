"""What the command decides before and after a series."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from drill import cli, load_cli, options, series
from drill.checker import Record, judge
from drill.errors import DrillError
from drill.faults import SIDE_BY_SIDE
from drill.left import NOWHERE
from drill.load.bench import Result
from drill.options import locked
from drill.runner import Runner
from drill.stack import Stack
from sandbox.progress import console
from sandbox.settings import Settings
from sandbox.stack.engine import Engine
from tests.unit.drill import made_up
from tests.unit.drill.fake import scene
from tests.unit.drill.test_series import written

pytestmark = pytest.mark.unit


def record(budget_ms: int | None, *, blind: bool = False, gap: float = 0.1) -> Record:
    """A run judged; a blind one did not come to its end."""
    when = made_up.events(measured=None) if blind else None
    client = made_up.client(outages=[(105, 105 + gap, "refused")])
    return judge(made_up.history({"outside": client}, made_up.setting(budget_ms=budget_ms), when))


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([record(250)], 0),
        ([record(250), record(50), record(250, blind=True)], 2),
        ([record(250), record(250, blind=True)], 3),
        ([record(250), record(None)], 0),
        ([record(250), series.not_made("standard", "both-rebooted", 1)], 3),
    ],
)
def test_the_worst_verdict_is_the_exit_status_where_something_is_promised(
    records: list[Record], status: int
) -> None:
    assert cli.status(records) == status


def test_only_what_others_are_measured_with_is_compared() -> None:
    assert cli.comparable(None) == SIDE_BY_SIDE
    assert cli.comparable(["haproxy-killed", "haproxy-killed"]) == ("haproxy-killed",)
    with pytest.raises(DrillError, match="haproxy-stopped"):
        cli.comparable(["holder-killed"])


class Up(Engine):
    """The engine of a stack that is up."""

    @override
    def exists(self) -> bool:
        return True

    @override
    def outputs(self) -> dict[str, Any]:
        endpoint = {"vip": "10.0.0.10", "control_plane_endpoint": "10.0.0.10:6443", "masters": [{}]}
        return {**endpoint, "budget": {"process_death": 254, "last_process_hang": -1}}


def test_faults_are_shown_with_what_the_stack_promises_where_it_is_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def down(*_: object, **__: object) -> Engine:
        raise DrillError("sandbox 'dev' does not exist")

    monkeypatch.setattr(console, "width", 300)
    for engine, death, hang, said in (
        (lambda *_, **__: Up("dev", {}), "254 ms", "-", False),
        (down, "process_death", "last_process_hang", True),
    ):
        monkeypatch.setattr(cli, "engine_of", engine)
        cli.faults()
        shown = "".join(capsys.readouterr())
        rows = {line.split()[1]: line for line in shown.splitlines() if line.startswith("│")}
        assert f" {death} " in rows["haproxy-killed"]
        assert f" {hang} " in rows["survivor-haproxy-hung"]
        assert " nothing fails " in rows["host-returns"]
        assert ("showing budget names instead of milliseconds: sandbox 'dev' does not exist" in shown) == said


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack can be reached: a command that is not refused, as it should be, must break none."""

    def reached(*_: object, **__: object) -> None:
        raise AssertionError("a real stack would be reached")

    for module in (cli, options):
        for name in ("alone", "engine_of"):
            monkeypatch.setattr(module, name, reached)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("words", [["--sandbox", "test"], ["--only", "nothing", "--runs", "2"]])
@pytest.mark.parametrize("command", ["compare", "load", "faults", "report"])
def test_options_before_a_subcommand_are_refused(words: list[str], command: str) -> None:
    """They would be dropped, and another stack be broken."""
    with pytest.raises(DrillError, match=f"{words[0]}.* before '{command}'.*after the subcommand"):
        cli.app([*words, command], standalone_mode=False)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("word", ["--ssh-user=admin", "--ssh-option=-iKEY"])
def test_a_login_is_for_a_real_cloud_only(word: str) -> None:
    with pytest.raises(DrillError, match="add --real-cloud"):
        cli.app([word], standalone_mode=False)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to a stack that is up: what is installed, and that its own configuration is back."""
    found: list[str] = []
    stack = replace(scene().stack, sandbox=Settings("lab", 7001))

    def installed(name: str, where: Stack) -> Stack:
        found.append(f"{name} installed")
        return where.with_config(name, {})

    @contextmanager
    def restored(*_: object) -> Iterator[None]:
        try:
            yield
        finally:
            found.append("own back")

    for module in (cli, options):
        monkeypatch.setattr(module, "alone", lambda *_, **__: nullcontext(NOWHERE))
        monkeypatch.setattr(module, "engine_of", lambda *_, **__: Up("dev", {}))
    monkeypatch.setattr(options, "healed_stack", lambda *_: stack)
    for command in (cli, load_cli):
        monkeypatch.setattr(command, "restored", restored)
        monkeypatch.setattr(command, "install", installed)
    return found


def test_the_stack_s_own_configuration_is_back_after_a_comparison_that_fails(
    monkeypatch: pytest.MonkeyPatch, done: list[str], tmp_path: Path
) -> None:
    def run(*_: object) -> None:
        raise DrillError("not whole")

    monkeypatch.setattr(cli, "captured", lambda *_: {})
    monkeypatch.setattr(Runner, "run", run)
    with pytest.raises(DrillError, match="not whole"):
        cli.compare(only=["haproxy-killed"], runs=1, output=tmp_path)
    [measured, back] = done
    assert (measured.endswith(" installed"), back) == (True, "own back")


@pytest.mark.parametrize("fails", [False, True])
def test_the_stack_s_own_configuration_is_back_after_a_load_on_another_one(
    monkeypatch: pytest.MonkeyPatch, done: list[str], tmp_path: Path, *, fails: bool
) -> None:
    def bench(stack: Stack, **_: object) -> list[Result]:
        done.append(f"{stack.config} measured")
        if fails and stack.config == "howto":
            raise DrillError("not whole")
        return []

    monkeypatch.setattr(load_cli, "bench", bench)
    monkeypatch.setattr(load_cli, "check_installed", lambda _: None)
    monkeypatch.setattr(load_cli, "precedence", lambda _: nullcontext())
    with pytest.raises(DrillError, match="not whole") if fails else nullcontext():
        load_cli.load(output=tmp_path)
    assert done == ["standard measured", "howto installed", "howto measured", "own back"]


@pytest.mark.parametrize("ended", [DrillError("not whole"), KeyboardInterrupt()])
def test_however_a_series_ends_early_it_leaves_a_report_of_the_runs_before(
    tmp_path: Path, ended: BaseException
) -> None:
    plan = series.Plan(("standard",), ("haproxy-killed",), 2, seed=1, shuffle=False)
    directory = series.begin(tmp_path, plan)
    written(directory, made_up.history({"outside": made_up.client()}))
    with pytest.raises(type(ended)), cli.reported(tmp_path, directory):
        raise ended
    assert [one["verdict"] for one in json.loads((tmp_path / "latest.json").read_text())] == [
        "within",
        "unknown",
    ]


def test_a_first_run_that_fails_shows_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="not whole"), cli.reported(tmp_path, tmp_path):
        raise DrillError("not whole")
    assert not (tmp_path / "latest.json").exists()


def test_one_drill_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "deeper/drill.lock"
    with locked(file), pytest.raises(DrillError, match=f"kill -INT {os.getpid()}"), locked(file):
        raise AssertionError("two at once")
    with locked(file):
        pass
