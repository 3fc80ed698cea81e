"""Commands of the Makefile that use the sandbox's environment, or nothing."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def made(target: str, directory: Path, stack: str) -> subprocess.CompletedProcess[str]:
    """Run a target with `stack` in place of ``sandbox stack``, and a ``python`` that says where it runs."""
    python = directory / "python"
    python.write_text('#!/bin/sh\necho "$@ in $PULUMI_BACKEND_URL"\n')
    python.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{directory}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": "production",
    }
    return subprocess.run(
        ["make", "--silent", target, f"STACK={stack}", "ARGS=--some"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["verify", "files"])
def test_without_a_sandbox_nothing_is_done_elsewhere(target: str, tmp_path: Path) -> None:
    """Plain `pulumi` of the same shell may be somebody's production."""
    done = made(target, tmp_path, "echo no sandbox >&2; false")
    assert done.returncode != 0
    assert "no sandbox" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("target", ["verify", "files"])
def test_it_runs_on_the_sandbox_s_stack(target: str, tmp_path: Path) -> None:
    done = made(target, tmp_path, "echo export PULUMI_BACKEND_URL=\"'the sandbox'\" #")
    assert done.stdout == f"-m components.{target} --some in the sandbox\n"
