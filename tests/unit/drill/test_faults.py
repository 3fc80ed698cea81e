"""What faults are held to, and what they do to hosts that only write it down."""

import json
import re
import subprocess
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from components.enums import Preset
from components.planning import failover
from components.planning.failover import PRESETS
from drill.configurations import check_installed
from drill.errors import DrillError
from drill.faults import CATALOGUE, CHANGED, SHORT, Fault, changes
from drill.faults.fault import Scene
from drill.history import Writer, read
from drill.hosts import ssh
from drill.runner import in_force
from drill.stack import Stack
from sandbox.hosts.later import Later
from sandbox.stack.engine import Engine
from sandbox.stack.ssh_key import ensure_key
from tests.unit.components import examples
from tests.unit.drill import made_up
from tests.unit.drill.fake import FakeHost, log, scene

pytestmark = pytest.mark.unit


def test_a_holder_that_leaves_in_order_is_held_to_the_handover() -> None:
    promised = scene(handover=500, host_loss=900, backend_loss=5000)
    stopped, rebooted = CATALOGUE["keepalived-stopped"], CATALOGUE["holder-rebooted"]
    assert (stopped.budget_ms(promised), stopped.lasting_ms(promised)) == (500, None)
    assert (rebooted.budget_ms(promised), rebooted.lasting_ms(promised)) == (500, 5000)


def test_a_promise_is_not_overlooked_because_the_stack_is_older() -> None:
    with pytest.raises(DrillError, match="handover"):
        CATALOGUE["keepalived-stopped"].budget_ms(scene(host_loss=900))
    assert CATALOGUE["haproxy-hung"].budget_ms(scene(process_hang=-1)) is None
    assert CATALOGUE["both-rebooted"].budget_ms(scene(host_loss=900)) is None
    assert (
        CATALOGUE["haproxy-hung"].budget_ms(scene()) is None
    )  # another configuration, which promises nothing


def test_another_configuration_is_not_taken_for_the_stack_s_own() -> None:
    check_installed(
        scene(lambda _: "/etc/systemd/system/haproxy.service.d/kube-apiserver-havip.conf\n").stack
    )
    with pytest.raises(DrillError, match="make verify"):
        check_installed(scene(lambda _: "").stack)


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("survivor-haproxy-stopped", (["stop haproxy", "start haproxy"],) * 2),
        ("both-haproxy-hung", (["hang haproxy", "continue haproxy"],) * 2),
    ],
)
def test_the_last_haproxies_can_be_stopped_and_hung(name: str, done: tuple[list[str], list[str]]) -> None:
    fault, where = CATALOGUE[name], scene(process_return=652, last_process_hang=4550)
    with fault.prepare(where), fault.inject(where):
        pass
    assert (log(where.holder), log(where.peer)) == done
    assert fault.budget_ms(where) == (652 if fault.anchor == "heal" else 4550)


def promising(preset: Preset) -> Scene:
    """A stack with a preset's promises."""
    return scene(lambda _: "", **failover.budget(PRESETS[preset], 100, 3, tracked=True))


@pytest.mark.parametrize("preset", PRESETS)
def test_whatever_a_fault_may_cost_shows_before_it_is_healed(preset: Preset) -> None:
    promised = promising(preset)
    for fault in CATALOGUE.values():
        longest = max(fault.budget_ms(promised) or 0, fault.lasting_ms(promised) or 0)
        answered = 2000  # the limit of a request, in ms
        assert fault.anchor == "heal" or fault.held_s(promised) * 1000 > longest + answered * bool(longest), (
            fault.name
        )
        assert fault.held_s(promised) >= fault.hold_s


def test_the_short_set_is_held_for_two_minutes_at_most() -> None:
    """So that all of it takes ten."""
    promised = promising(Preset.STANDARD)
    assert sum(CATALOGUE[name].held_s(promised) for name in SHORT) < 120


def test_a_host_is_cut_off_for_as_long_as_the_fault_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def cut_off(_host: FakeHost, seconds: float) -> AbstractContextManager[None]:
        asked.append(seconds)
        return nullcontext()

    monkeypatch.setattr(FakeHost, "cut_off", cut_off)
    with CATALOGUE["holder-cut-off"].inject(replace(scene(), held_s=14.2)):
        assert asked == [14.2]


def test_what_takes_longer_than_its_budget_is_still_measured() -> None:
    alone, both = CATALOGUE["survivor-haproxy-stopped"], CATALOGUE["both-haproxy-stopped"]
    slow, quick = scene(process_return=2270), scene(process_return=650)
    assert alone.measured_s(slow) == pytest.approx(3.27)
    assert alone.measured_s(quick) == both.measured_s(slow) == 2


@pytest.mark.parametrize("advert_ms", [100, 1000, 3000])
def test_a_host_that_preempts_late_is_still_measured(advert_ms: int) -> None:
    """The peer ranks above it for some seconds after it is back, and all is whole by then."""
    plan = examples.planned(examples.topology() | {"failover": {"advert_interval_ms": advert_ms}})
    where = scene(lambda _: "", **plan.budget)
    assert failover.advert_ms_of(plan.budget) == advert_ms
    moved_s = failover.settle_s(advert_ms) + 4 * advert_ms / 1000
    assert CATALOGUE["host-returns"].measured_s(where) > moved_s + 1
    assert CATALOGUE["host-returns"].measured_s(scene()) == 8


def test_slow_checks_have_the_time_they_are_promised() -> None:
    fault = CATALOGUE["apiserver-killed"]
    assert fault.whole_within_s(scene(backend_return=1750)) == fault.whole_limit_s
    assert fault.whole_within_s(scene(backend_return=60000)) == 63
    assert fault.whole_within_s(scene(backend_return=-1)) == fault.whole_limit_s


def test_what_two_holders_are_promised_follows_from_the_fault() -> None:
    where = scene(two_holders=150, two_holders_return=350, two_holders_hang=5150)
    promised = {name: fault.two_holders_ms(where) for name, fault in CATALOGUE.items()}
    assert promised.pop("keepalived-hung") == 5150
    assert [promised.pop(name) for name in ("holder-cut-off", "holder-frozen")] == [350, 350]
    assert promised.pop("holder-partitioned") == 350
    assert set(promised.values()) == {150}


@pytest.mark.parametrize("restarted", [True, False])
def test_packages_that_restart_nothing_measure_nothing(*, restarted: bool) -> None:
    pids = iter(["7\n", "8\n" if restarted else "7\n"])
    where = scene(lambda command: next(pids) if "MainPID" in command else "")
    outcome = nullcontext() if restarted else pytest.raises(DrillError, match="not restarted")
    with outcome, changes.packages(where):
        pass
    assert any("--reinstall haproxy keepalived" in command for command in log(where.holder))


def test_the_versions_from_before_are_put_back_while_their_source_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "later", lambda package, *_: Later(f"{package}=2", f"offer {package}", ""))
    where = scene(lambda command: "haproxy=1\nkeepalived=1\n" if "dpkg-query" in command else "")
    with changes.later_packages_offered(where):
        offered = len(log(where.peer))
    for host in where.stack.balancers:
        back, *removed = log(host)[offered:]
        assert back.endswith("--allow-downgrades haproxy=1 keepalived=1")
        assert [command.startswith("rm -f /etc/apt/sources.list.d/later-") for command in removed] == [
            True,
            True,
        ]
    assert not log(where.victim)


class Configured(Engine):
    """A stack's engine that knows a configuration."""

    @override
    def run(self, *arguments: str, capture: bool = False) -> "subprocess.CompletedProcess[str]":
        known = {"haproxy.timeout_client": "11h", "additionalPorts": "[9443, 16444]"}
        known |= {"haproxy.cut_streams_of_dead_backends": "false"} if self.stack == "leaving" else {}
        failed = self.stack == "pending" and "--expect-no-changes" in arguments
        return subprocess.CompletedProcess(arguments, int(failed), known.get(arguments[-1], "") + "\n", "")


@pytest.fixture
def brought_about(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What each `pulumi up` changed."""
    found: list[dict[str, str]] = []
    for up in ("up", "up_again"):
        monkeypatch.setattr(changes, up, lambda _engine, keys, _left: found.append(dict(keys)))
    return found


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name.startswith("change-")])
@pytest.mark.usefixtures("brought_about")
def test_a_change_brings_nothing_else_about(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What people changed and have not applied is theirs to apply, and no part of the measurement."""
    where, asked = replace(scene(), engine=Configured("dev", {})), list[str]()
    monkeypatch.setattr(changes, "must_be_applied", lambda _: asked.append(name))
    monkeypatch.setattr(changes, "later", lambda package, *_: Later(f"{package}=2", "offer", ""))
    with CATALOGUE[name].prepare(where):
        assert asked == [name]
    monkeypatch.undo()
    with (
        pytest.raises(DrillError, match=r"'pending' is not as its configuration.*run first: pulumi up"),
        CATALOGUE[name].prepare(replace(where, engine=Configured("pending", {}))),
    ):
        raise AssertionError("not to be reached")


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name.startswith("change-")])
def test_a_change_declares_the_keys_that_it_changes(
    monkeypatch: pytest.MonkeyPatch, brought_about: list[dict[str, str]], tmp_path: Path, name: str
) -> None:
    """By them a program is known to be this project's own."""
    monkeypatch.setattr(changes, "must_be_applied", lambda _: None)
    monkeypatch.setattr(changes, "later", lambda package, *_: Later(f"{package}=2", "offer", ""))
    engine = Configured("dev", {"SANDBOX_SSH_KEY": str(ensure_key(tmp_path))})
    fault, where = CATALOGUE[name], replace(scene(), engine=engine)
    with fault.prepare(where), fault.inject(where):
        pass
    seen = {re.split(r"\W", path)[0] for paths in brought_about for path in paths}
    declared = [one.keys for one in (fault.prepare, fault.inject) if isinstance(one, changes.Change)]
    assert seen == frozenset[str]().union(*declared)
    assert seen <= CHANGED


def test_a_change_is_to_what_is_not_there(brought_about: list[dict[str, str]]) -> None:
    where = replace(scene(), engine=Configured("dev", {}))
    with CATALOGUE["change-timer"].inject(where):
        assert brought_about == [{"haproxy.timeout_client": "10h"}]
    brought_about.clear()
    with (
        pytest.raises(DrillError, match=r"haproxy.timeout_client=11h: .*'dev' says so already.*leave"),
        changes.changed({"haproxy.timeout_client": "11h"})(where),
    ):
        raise AssertionError("not to be reached")
    assert brought_about == []
    with CATALOGUE["change-password"].prepare(where), CATALOGUE["change-password"].inject(where):
        assert brought_about[-1]["keepalived.auth_pass"] == "second"
    assert brought_about[-1] == {}


def test_streams_must_be_cut_where_the_configuration_is_known_and_does_not_forbid_it() -> None:
    ours = scene(host_loss=900).stack
    assert changes.cuts_streams(ours, Configured("dev", {}))
    assert not changes.cuts_streams(ours, Configured("leaving", {}))
    assert not changes.cuts_streams(ours, None)
    assert not changes.cuts_streams(replace(ours, configurable=False), Configured("dev", {}))
    assert not changes.cuts_streams(ours.with_config("howto", {}), Configured("dev", {}))


def test_the_ports_there_are_stay(brought_about: list[dict[str, str]]) -> None:
    with CATALOGUE["change-port"].inject(replace(scene(), engine=Configured("dev", {}))):
        assert brought_about == [{"port": "16445", "additionalPorts[2]": "16443"}]


def test_a_host_may_take_as_long_to_be_whole_as_to_boot() -> None:
    fault = CATALOGUE["holder-rebooted"]
    slow = ssh.SshHost("m1", "10.0.0.1", "root@m1")
    assert fault.whole_within_s(scene()) == fault.whole_limit_s
    assert fault.whole_within_s(replace(scene(), holder=slow)) == ssh.BOOT_LIMIT_S
    assert CATALOGUE["holder-cut-off"].whole_within_s(replace(scene(), holder=slow)) < ssh.BOOT_LIMIT_S


def test_packages_are_installed_anew_only_where_apt_does_that() -> None:
    def answer(command: str) -> str:
        return "no\n" if "apt-get" in command else ""

    assert CATALOGUE["packages-installed-anew"].misfit(scene().stack) == ""
    assert (
        CATALOGUE["packages-installed-anew"].misfit(scene(answer).stack)
        == "needs apt-get, which is not on m1, m2"
    )


def test_what_happens_to_the_stand_in_for_apiservers_needs_the_sandbox() -> None:
    stand_in = [fault for fault in CATALOGUE.values() if fault.name.startswith("apiserver")]
    assert {fault.name for fault in stand_in if not fault.sandbox_only} == {"apiserver-cut-off"}
    assert CATALOGUE["reload-storm"].sandbox_only  # one of them hangs meanwhile


def noted(fault: Fault, where: Scene, directory: Path) -> list[str]:
    """Inject and heal a fault; what was noted, and what was done to the holder in between."""
    writer = Writer(directory, made_up.setting())
    with in_force(fault, where, writer):
        pass
    writer.close()
    return [json.loads(line)["kind"] for line in (directory / "events.jsonl").read_text().splitlines()]


def test_healing_is_noted_before_it_is_done(tmp_path: Path) -> None:
    where = scene()
    assert noted(CATALOGUE["haproxy-stopped"], where, tmp_path) == ["inject", "injected", "heal", "healed"]
    times = read(tmp_path)
    assert times.when("heal") != times.when("healed")


def test_a_fault_that_ends_by_itself_is_healed_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which the host tells, by its own clock: to log in there takes longer than two holders may last."""
    ahead_s, ended = 100.0, time.time() + 0.6
    monkeypatch.setattr(ssh.SshHost, "run", lambda *_, **__: f"{ended + ahead_s}\n")
    monkeypatch.setattr(ssh.SshHost, "clock_offset", lambda _: ahead_s)
    hosts = tuple(ssh.SshHost(name, "10.0.0.1", f"root@{name}") for name in ("m1", "m2", "m3"))
    where = Scene(Stack("standard", "10.0.0.10", 6443, {}, hosts, hosts[:2], None), hosts[0])
    assert noted(CATALOGUE["holder-cut-off"], where, tmp_path) == ["inject", "injected", "heal", "healed"]
    times = read(tmp_path)
    assert times.when("heal") == pytest.approx(ended, abs=0.001)
    assert (times.when("healed") or 0) - (times.when("heal") or 0) > 0.3  # the rest of the cut-off's second
