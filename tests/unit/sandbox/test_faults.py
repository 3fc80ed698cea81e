"""Faults heal however their block is left; what a killed process left is found by its record."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner
from typing_extensions import override

from sandbox.errors import SandboxError
from sandbox.faults import cli, fault, kinds
from sandbox.faults.fault import Fault, injected
from sandbox.settings import Settings

pytestmark = pytest.mark.unit


class Marked(Fault):
    """A file is there as long as the fault is in force."""

    file: Path
    fails: bool = False

    @property
    @override
    def key(self) -> str:
        return f"marked {self.file.name}"

    @override
    def inject(self, settings: Settings) -> None:
        self.file.write_text("")
        if self.fails:
            raise SandboxError("half way")

    @override
    def heal(self, settings: Settings) -> None:
        self.file.unlink(missing_ok=True)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    monkeypatch.setitem(kinds.KINDS, "Marked", Marked)
    settings = Settings("dev")
    settings.save()
    return settings


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_fault_heals_however_its_block_is_left(
    settings: Settings, tmp_path: Path, end: type[BaseException]
) -> None:
    one, two = Marked(file=tmp_path / "one"), Marked(file=tmp_path / "two")

    def block() -> None:
        with injected(settings, one, two):
            assert one.file.exists()
            assert [record.key for record in fault.records(settings)] == ["marked two", "marked one"]
            raise end

    with pytest.raises(end):
        block()
    assert not one.file.exists()
    assert not two.file.exists()
    assert fault.records(settings) == []


def test_a_fault_injected_in_part_is_healed(settings: Settings, tmp_path: Path) -> None:
    half = Marked(file=tmp_path / "half", fails=True)
    with pytest.raises(SandboxError, match="half way"), injected(settings, half):
        pass
    assert not half.file.exists()
    assert fault.records(settings) == []


def test_one_fault_of_a_key_at_a_time(settings: Settings, tmp_path: Path) -> None:
    one = Marked(file=tmp_path / "one")
    with injected(settings, one):
        with pytest.raises(SandboxError, match="in force already"), injected(settings, one):
            pass
        assert one.file.exists()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python's own handler of SIGINT: a shell's background job begins with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_until_all_is_healed(settings: Settings, tmp_path: Path) -> None:
    class Slow(Marked):
        @override
        def heal(self, settings: Settings) -> None:
            signal.raise_signal(signal.SIGINT)
            super().heal(settings)

    slow = Slow(file=tmp_path / "slow")
    with pytest.raises(KeyboardInterrupt), injected(settings, slow):
        pass
    assert not slow.file.exists()
    assert fault.records(settings) == []


def test_what_a_killed_process_left_is_healed(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "left"
    text = (
        "import os, pathlib, signal\n"
        "from sandbox.faults.fault import injected\n"
        "from sandbox.settings import Settings\n"
        "from tests.unit.sandbox.test_faults import Marked\n"
        f"with injected(Settings('dev'), Marked(file=pathlib.Path({str(file)!r}))):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", text], check=False, cwd=Path(__file__).parents[3])
    assert file.exists()
    with injected(settings, Marked(file=tmp_path / "mine")):
        [mine, left] = fault.records(settings)
        assert (mine.orphaned, left.orphaned) == (False, True)
        assert mine.pid == os.getpid()
        assert kinds.heal(settings, orphans_only=True) == ["marked left"]
        assert not file.exists()
        assert (tmp_path / "mine").exists()


def test_who_was_healed_by_another_heals_nothing_of_others(settings: Settings, tmp_path: Path) -> None:
    one = Marked(file=tmp_path / "one")
    with injected(settings, one):
        assert kinds.heal(settings) == ["marked one"]
        second = injected(settings, one)
        second.__enter__()
    assert one.file.exists()
    second.__exit__(None, None, None)
    assert not one.file.exists()


def test_what_cannot_be_healed_is_said_and_kept(settings: Settings, tmp_path: Path) -> None:
    class Stubborn(Marked):
        @override
        def heal(self, settings: Settings) -> None:
            raise SandboxError("not now")

    kinds.KINDS["Stubborn"] = Stubborn
    try:
        with (
            pytest.raises(SandboxError, match="not now"),
            injected(settings, Stubborn(file=tmp_path / "one")),
        ):
            pass
        with pytest.raises(SandboxError, match="marked one: not now"):
            kinds.heal(settings)
        assert [record.key for record in fault.records(settings)] == ["marked one"]
    finally:
        del kinds.KINDS["Stubborn"]


def test_a_sandbox_that_is_not_there_has_no_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    with (
        pytest.raises(SandboxError, match="does not exist"),
        injected(Settings("none"), Marked(file=tmp_path / "x")),
    ):
        pass


def test_the_commands_list_and_heal(settings: Settings, tmp_path: Path) -> None:
    runner = CliRunner()
    left = injected(settings, Marked(file=tmp_path / "left"))
    left.__enter__()
    listed = runner.invoke(cli.app, ["list"])
    assert listed.stdout == f"marked left  (held by process {os.getpid()})\n"
    [shown] = json.loads(runner.invoke(cli.app, ["list", "--json"]).stdout)
    assert (shown["kind"], shown["orphaned"]) == ("Marked", False)
    assert runner.invoke(cli.app, ["heal"]).exit_code == 0
    assert not (tmp_path / "left").exists()
    assert runner.invoke(cli.app, ["list"]).stdout == ""
    left.__exit__(None, None, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_told_to_end_heals(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "held"
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), number))
    timer.start()
    cli.hold(settings.name, Marked(file=file), 20, json_=False)
    timer.join()
    assert not file.exists()
    assert fault.records(settings) == []


def test_every_fault_is_documented() -> None:
    commands: Any = get_command(cli.app)
    text = (Path(__file__).parents[3] / "docs/sandbox.md").read_text()
    described = re.findall(r"^\| `([a-z-]+) ", text.split("## Faults")[1], re.MULTILINE)
    assert sorted([*described, "heal", "list"]) == sorted(commands.commands)
    for command in commands.commands.values():
        assert command.help, command.name


def test_every_kind_can_be_healed_from_its_record() -> None:
    assert set(kinds.KINDS.values()) == {
        kind for kind in Fault.__subclasses__() if kind.__module__ != __name__
    }


def test_a_fault_that_is_held_says_in_json_when_it_is_in_force_and_when_it_is_healed(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = Marked(file=tmp_path / "one")
    cli.hold(settings.name, one, 0.01, json_=True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.pop("state") for line in told] == ["in force", "healed"]
    expected = {"kind": "Marked", "key": "marked one", "fields": one.model_dump(mode="json"), "seconds": 0.01}
    assert told == [expected, expected]
