"""``pulumi up`` as the drill runs it, with a shell script in pulumi's place."""

import os
from pathlib import Path

import pytest

from drill.engine import up_again
from sandbox.stack.engine import Engine

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("backend", "calls"), [("file://{0}", ["cancel", "up"]), ("s3://state", ["up"])])
def test_healing_goes_past_the_lock_of_a_dead_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, calls: list[str]
) -> None:
    program = tmp_path / "bin/pulumi"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$1" >>{tmp_path}/calls\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    lock = tmp_path / ".pulumi/locks/organization/project/dev/one.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("")  # the engine died while it wrote it
    up_again(Engine("dev", {"PULUMI_BACKEND_URL": backend.format(tmp_path)}, tmp_path), {})
    assert (tmp_path / "calls").read_text().split() == calls
