"""The static checks on a machine that does not have every program."""

from pathlib import Path

import pytest

from tests import lint

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("program", lint.REMEDIES)
def test_a_program_that_is_missing_is_a_failed_check_with_its_remedy(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not lint.run(program)
    assert f"{program} is not on PATH: {lint.REMEDIES[program]}" in capsys.readouterr().out


def test_what_a_silent_check_prints_is_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    assert lint.run("true", silent=True)
    assert not lint.run("echo", "main.go", silent=True)
    assert "main.go\n" in capfd.readouterr().out
    assert not lint.run("false", silent=True)


def test_where_apt_is_missing_too_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lint.install_shellcheck()
