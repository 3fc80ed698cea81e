"""When keepalived's check has the VIP let go: it, and what it asks the peers with, run against what they ask."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from components.enums import Preset
from components.planning.plan import Plan
from components.rendering import paths, render
from tests.hosts.monitors import HERE, answering, nobody, silent
from tests.ports import free_port
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

PEER = "127.0.0.2"
KEEP, LET_GO = 0, 1
State = Callable[[int, str], AbstractContextManager[None]]


class Check:
    """The check of a balancer, with all it calls, in a directory of its own."""

    def __init__(
        self, directory: Path, preset: Preset, next_port: int = 0, peers: tuple[str, ...] = (PEER,)
    ) -> None:
        self.port = free_port()
        hosts = [{"name": f"m{n}", "address": f"10.0.0.{11 + n}"} for n in range(1 + len(peers))]
        given = {
            "monitor_port": self.port,
            "failover": {"preset": preset},
            "balancers": hosts,
            "backends": hosts,
        }
        self.plan: Plan = examples.planned(examples.topology() | given)
        first, *others = self.plan.balancers
        self.alone = directory / "alone"
        self._script = directory / "check"
        events = directory / "haproxy-events"
        # HAProxy's files change before keepalived's.
        after = examples.planned(examples.topology() | given | {"monitor_port": next_port or self.port})
        text = render.haproxy_events(after, first)
        for other, peer in zip(others, peers, strict=True):
            text = text.replace(other.address, peer)
        events.write_text(text)
        events.chmod(0o755)
        check = render.check_haproxy(self.plan)
        self._script.write_text(
            check.replace(paths.EVENTS, str(events)).replace(paths.RUNTIME, str(directory))
        )
        # Reviving what hangs has a test of its own.
        (directory / "setsid").write_text("#!/bin/sh\n")
        (directory / "setsid").chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"}

    def run(self) -> int:
        """Ask once, as keepalived does."""
        done = subprocess.run(["bash", self._script], env=self._environment, check=False, timeout=30)
        return done.returncode


@pytest.fixture(params=list(Preset))
def check(request: pytest.FixtureRequest, tmp_path: Path) -> Check:
    """The check of each preset."""
    return Check(tmp_path, request.param)


@pytest.mark.parametrize(
    ("here", "there", "verdict"),
    [
        (answering, answering, KEEP),
        (answering, nobody, KEEP),
        (nobody, answering, LET_GO),
        (silent, answering, LET_GO),
        (nobody, nobody, KEEP),
        (silent, silent, KEEP),
    ],
)
def test_the_vip_is_let_go_only_for_a_peer_that_answers(
    check: Check, here: State, there: State, verdict: int
) -> None:
    with here(check.port, HERE), there(check.port, PEER):
        assert check.run() == verdict
        # So it is when everything was down the last time.
        check.alone.touch()
        assert check.run() == verdict
        assert check.alone.exists() == (here is not answering)


@pytest.mark.parametrize("first", [nobody, silent])
def test_any_peer_that_answers_is_enough(tmp_path: Path, first: State) -> None:
    check = Check(tmp_path, Preset.STANDARD, peers=(PEER, "127.0.0.3"))
    # Later than the first one's refusal.
    with first(check.port, PEER), answering(check.port, "127.0.0.3", pause_s=0.03):
        assert check.run() == LET_GO


@pytest.mark.parametrize("here", [nobody, silent])
def test_the_first_haproxy_to_come_back_has_the_vip_within_a_second(check: Check, here: State) -> None:
    skew_ms = 60
    came: list[float] = []

    def come() -> None:
        time.sleep(0.7)
        with answering(check.port, PEER):
            came.append(time.monotonic())
            done.wait(30)

    done, thread = threading.Event(), threading.Thread(target=come)
    with here(check.port, HERE):
        assert check.run() == KEEP
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while check.run() == KEEP:
                assert time.monotonic() < deadline
            assert (time.monotonic() - came[0]) * 1000 + skew_ms < 1000
        finally:
            done.set()
            thread.join(10)


def test_two_that_come_back_at_once_do_not_both_let_go(check: Check) -> None:
    check.alone.touch()
    for _ in range(5):
        with answering(check.port, HERE), answering(check.port, PEER):
            assert check.run() == KEEP
            check.alone.touch()


@pytest.mark.parametrize("reloaded", [False, True])
def test_the_vip_stays_while_the_monitor_gets_another_port(tmp_path: Path, reloaded: bool) -> None:
    new = free_port()
    check = Check(tmp_path, Preset.STANDARD, new)
    with answering(new if reloaded else check.port, HERE), answering(new, PEER):
        assert check.run() == KEEP


def test_a_check_is_over_before_the_next_one_is_due(check: Check) -> None:
    took: list[float] = []
    with silent(check.port, HERE), silent(check.port, PEER):
        for _ in range(3):  # the machine may be busy with something else
            check.alone.touch()
            began = time.monotonic()
            assert check.run() == KEEP
            took.append(time.monotonic() - began)
    assert min(took) < check.plan.timers.probe_interval_s


def test_a_systemd_that_is_busy_moves_no_vip(check: Check, tmp_path: Path) -> None:
    """It reads nothing while it reloads, and whoever gives it a sign of life may have to wait."""
    (tmp_path / "systemd-notify").write_text(f"#!/bin/sh\nsleep 5\necho read >>{tmp_path}/read\n")
    (tmp_path / "systemd-notify").chmod(0o755)
    with answering(check.port, HERE):
        began = time.monotonic()
        assert check.run() == KEEP
        assert time.monotonic() - began < 2
    deadline = time.monotonic() + 10
    while not (tmp_path / "read").exists():
        assert time.monotonic() < deadline, "the sign of life is given nevertheless"
        time.sleep(0.1)
