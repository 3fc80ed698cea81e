"""Figures of the load, and the load itself against nobody."""

import time
from collections.abc import Sequence
from itertools import chain, repeat
from subprocess import Popen
from typing import IO

import pytest
from typing_extensions import override

from drill.errors import DrillError
from drill.load import worker
from drill.load.bench import Told, hammering, middle, result
from drill.load.hold import held
from drill.load.worker import Usage
from tests.unit.drill.fake import FakeHost, log

pytestmark = pytest.mark.unit

TOLD: Told = {
    "open": 100, "failed": 0, "requests": 900, "per_second": 90.0, "p50_ms": 1.0, "p99_ms": 9.0
}  # fmt: skip
NOTHING: Told = {
    "open": 0, "failed": 100, "requests": 0, "per_second": 0.0, "p50_ms": None, "p99_ms": None
}  # fmt: skip
USED = (Usage(20_000, 100), Usage(25_000, 150), Usage(26_000, 200))


def test_what_a_connection_costs_is_shared_by_those_that_are_open() -> None:
    found = result("VIP", 200, TOLD, USED)
    assert (found.haproxy_before_kib, found.haproxy_open_kib) == (20_000, 25_000)
    assert found.kilobytes_each == 50  # 100 of 200 are open
    assert found.microseconds_each == 1000  # a second for 900 requests and 100 connections
    assert result("straight", 200, TOLD, None).kilobytes_each is None


def test_where_nothing_opens_nothing_is_divided() -> None:
    found = result("VIP", 100, NOTHING, USED)
    assert (found.kilobytes_each, found.microseconds_each, found.failed) == (None, None, 100)
    streams = held(100, 1, {"open": 0, "seconds": 15}, NOTHING, USED[:2])
    assert (streams.kilobytes_each, streams.lost) == (None, 0)


def test_streams_that_do_not_answer_again_are_lost() -> None:
    streams = held(8000, 10, {"open": 7990, "seconds": 15}, {**TOLD, "requests": 7980}, USED[:2])
    assert (streams.open, streams.lost) == (7990, 10)
    assert (streams.haproxy_before_mib, streams.haproxy_open_mib) == (19.5, 24.4)
    assert streams.kilobytes_each == 0.6


def test_of_several_rounds_the_median_counts_and_of_failures_the_worst() -> None:
    rounds = [
        result("VIP", 100, {**TOLD, "per_second": speed, "failed": failed, "p99_ms": p99}, USED)
        for speed, failed, p99 in ((80, 0, None), (120, 2, 5.0), (90, 0, 7.0))
    ]
    found = middle(rounds)
    assert (found.per_second, found.failed, found.p99_ms) == (90, 2, 6)
    assert middle([result("straight", 100, TOLD, None)]).haproxy_open_kib is None


def test_memory_is_that_of_a_worker_with_fresh_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SETTLE_S", 0.0)
    newest = chain(["11\n", "11\n"], repeat("12\n"))
    host = FakeHost("m1", "10.0.0.1", lambda command: next(newest) if "pgrep" in command else "512\n7 3\n")
    assert worker.fresh(host) == 12
    assert "systemctl reload haproxy" in log(host)
    assert worker.usage(host, 12) == Usage(512, 10)
    assert "/proc/12/status" in log(host)[-1]


def test_a_reload_without_a_new_worker_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RELOAD_LIMIT_S", 0.0)
    with pytest.raises(DrillError, match="no new worker"):
        worker.fresh(FakeHost("m1", "10.0.0.1", lambda _: "11\n"))


def test_the_load_tells_when_all_are_tried_and_what_became_of_them() -> None:
    options: dict[str, object] = {"host": "127.0.0.1", "port": 1, "connections": 3, "seconds": 1}
    with hammering(FakeHost("m3", "10.0.0.3"), options) as line:
        assert line()["open"] == 0
        assert line() == {**NOTHING, "failed": 3}
        with pytest.raises(DrillError, match="ended by itself"):
            line()


class Nested(FakeHost):
    """A host whose clients are children of what is started: as where a namespace of processes is entered."""

    @override
    def client(self, argv: Sequence[str], sink: IO[bytes]) -> "Popen[bytes]":
        return super().client(["sh", "-c", '"$@"; :', "sh", *argv], sink)


def test_a_load_that_nobody_waits_for_ends() -> None:
    options: dict[str, object] = {
        "host": "127.0.0.1",
        "port": 1,
        "connections": 1,
        "seconds": 0,
        "pause_s": 60,
    }
    began = time.monotonic()
    with hammering(Nested("m3", "10.0.0.3"), options) as line:
        line()
    assert time.monotonic() - began < 20
