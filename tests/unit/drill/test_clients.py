"""Commands to clients, with programs that only repeat what they are told."""

from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO

import pytest

from drill.errors import DrillError
from drill.workload.clients import Clients

pytestmark = pytest.mark.unit


def test_a_witness_has_no_part_in_the_load_and_ends_like_the_others(tmp_path: Path) -> None:
    def spawn(_argv: object, sink: IO[bytes]) -> "Popen[bytes]":
        return Popen(["cat"], stdin=PIPE, stdout=sink, stderr=PIPE)

    clients = Clients(tmp_path)
    for name in ("client-outside", "witness-m1"):
        clients.start(name, spawn, {})
    clients.tell("storm 40")
    clients.end()
    assert (tmp_path / "client-outside.jsonl").read_text() == "storm 40\nstop\n"
    assert (tmp_path / "witness-m1.jsonl").read_text() == "stop\n"


def test_nothing_is_measured_before_every_client_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spawn(_argv: object, sink: IO[bytes]) -> "Popen[bytes]":
        return Popen(["sh", "-c", "read word && echo $word; cat"], stdin=PIPE, stdout=sink, stderr=PIPE)

    clients = Clients(tmp_path)
    clients.start("client-m1", spawn, {})
    monkeypatch.setattr("drill.workload.clients.BEGIN_LIMIT_S", 0.0)
    with pytest.raises(DrillError, match="these clients did not start within 0 s: client-m1"):
        clients.await_begun()
    monkeypatch.setattr("drill.workload.clients.BEGIN_LIMIT_S", 20.0)
    clients.tell("begin")
    clients.await_begun()
    clients.end()
