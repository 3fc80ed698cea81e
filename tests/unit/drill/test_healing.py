"""What a drill that was killed left is healed by the next one."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from drill import runner
from drill.engine import up, up_again
from drill.errors import DrillError
from drill.faults import CATALOGUE, changes
from drill.faults.fault import nothing
from drill.healing import heal_configuration, heal_hosts, mend
from drill.hosts import SandboxHost
from drill.left import Left
from drill.runner import Runner
from drill.workload.clients import Load
from drill.workload.precedence import FACTOR, precedence
from sandbox import cgroups
from sandbox.faults import fault as records
from sandbox.faults import kinds
from sandbox.hosts.machine import Machines
from sandbox.settings import Settings
from sandbox.stack.engine import Engine
from tests.unit.drill.fake import FakeHost, log, scene

pytestmark = pytest.mark.unit


@pytest.fixture
def left(tmp_path: Path) -> Left:
    """A file that is not there yet."""
    return Left(tmp_path / "deeper/drill-dev.json")


def test_facts_are_kept_until_all_are_healed(left: Left) -> None:
    assert left.read() == {}
    left.note(fault="change-timer")
    left.note(changes=["port"])
    assert Left(left.file).read() == {"fault": "change-timer", "changes": ["port"]}
    left.forget("fault", "key")
    assert left.read() == {"changes": ["port"]}
    left.forget("changes")
    assert left.file is not None
    assert not left.file.exists()


# --- the configuration ---------------------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path, left: Left, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A stack whose pulumi says what was kept while it was at work, and fails if a file says so."""
    program = tmp_path / "bin/pulumi"
    program.parent.mkdir()
    script = f'if [ "$1" = up ]; then cat {left.file} >>{tmp_path}/seen; echo >>{tmp_path}/seen; fi\n'
    script += f'[ "$1" != preview ] || [ -e {tmp_path}/clean ] || exit 1\n'
    program.write_text(f"#!/bin/sh\n{script}[ ! -e {tmp_path}/broken ]\n")
    program.chmod(0o755)
    (tmp_path / "Pulumi.dev.yaml").touch()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return Engine("dev", {}, tmp_path)


def test_a_change_is_known_before_it_is_made_and_until_it_is_made_undone(
    engine: Engine, left: Left, tmp_path: Path
) -> None:
    up(engine, {"port": "7443"}, left)
    assert json.loads((tmp_path / "seen").read_text()) == left.read() == {"changes": ["port"]}
    up_again(engine, {"haproxy.maxconn": "9"}, left)  # what something else still needs
    assert left.read() == {"changes": ["haproxy.maxconn"]}
    up_again(engine, {}, left)
    assert left.read() == {}


def test_a_change_that_a_killed_drill_left_is_undone_or_the_drill_refused(
    engine: Engine, left: Left, tmp_path: Path
) -> None:
    told: list[str] = []
    heal_configuration(engine, left, told.append)
    assert not (tmp_path / "seen").exists()  # nothing was left
    left.note(changes=["failover.preset"])
    (tmp_path / "broken").touch()
    with pytest.raises(DrillError, match=r"'dev' still has failover\.preset as an earlier drill changed it"):
        heal_configuration(engine, left, told.append)
    assert left.read() == {"changes": ["failover.preset"]}
    (tmp_path / "broken").unlink()
    heal_configuration(engine, left, told.append)
    assert left.read() == {}
    assert "failover.preset" in told[-1]


def test_a_stack_that_somebody_else_cares_for_is_healed_by_nobody_else(
    engine: Engine, left: Left, tmp_path: Path
) -> None:
    """Its configuration may have been changed since, and not applied."""
    left.note(changes=["failover.preset"])
    with pytest.raises(DrillError, match=r"failover\.preset as an earlier drill changed it.*run: pulumi up"):
        heal_configuration(engine, left, lambda _: None, may_change=False)
    assert not (tmp_path / "seen").exists()
    (tmp_path / "clean").touch()
    heal_configuration(engine, left, lambda _: None, may_change=False)
    assert left.read() == {}


# --- hosts ---------------------------------------------------------------------------------------------------------


def test_hosts_that_a_killed_drill_left_in_a_fault_are_mended(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drill.healing.await_whole", lambda *_: None)
    where = scene()
    stack = replace(where.stack, sandbox=Settings("lab", 7001))
    heal_hosts(stack, left, lambda _: None)
    assert log(where.victim) == []  # nothing was left
    left.note(fault="apiserver-not-ready", packages={"m1": ["haproxy=1"]}, key="ssh-ed25519 AAA\n")
    heal_hosts(stack, left, lambda _: None)
    made_ready, mended, forgotten = log(where.victim)
    assert made_ready == "rm -f /run/apiserver/not-ready"
    assert mended == "systemctl start apiserver"
    assert forgotten.startswith("grep -vxF -f - /root/.ssh/authorized_keys")
    assert any(command.endswith("haproxy=1") for command in log(where.holder))
    assert not any("apt-get" in command for command in log(where.peer))
    assert left.read() == {}


def test_an_apiserver_is_ready_again_also_where_no_health_check_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    where = scene()
    stack = replace(where.stack, sandbox=Settings("lab", 7001))
    monkeypatch.setattr("drill.healing.await_whole", lambda *_: 0.0)
    mend(stack)
    assert [log(host) for host in stack.backends] == [["rm -f /run/apiserver/not-ready"]] * 3
    mend(where.stack)
    assert len(log(where.victim)) == 1  # elsewhere there is no such file


def test_a_key_is_forgotten_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "authorized_keys"
    monkeypatch.setattr(changes, "_AUTHORIZED", str(file))

    class Shell(FakeHost):
        @override
        def run(self, command: str, *, stdin: str | None = None, seconds: float = 20) -> str:
            return subprocess.run(
                ["sh", "-c", command], input=stdin, text=True, check=True, capture_output=True
            ).stdout

    for others in ("ssh-rsa A own\nssh-rsa B other\n", ""):
        file.write_text(f"{others}ssh-ed25519 C sandbox\n")
        for _ in range(2):
            changes.forget_key(Shell("m1", "10.0.0.1"), "ssh-ed25519 C sandbox\n")
            assert file.read_text() == others
    assert list(tmp_path.iterdir()) == [file]


def test_a_run_is_known_to_be_under_way_until_it_is_healed(
    left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, known = scene(lambda _: "holds"), []

    @contextmanager
    def healed(_scene: object) -> Iterator[None]:
        yield
        known.append(left.read())

    monkeypatch.setattr(runner, "await_whole", lambda *_: 0.0)
    monkeypatch.setattr(runner, "placed", lambda *_: nullcontext())
    monkeypatch.setattr(runner, "mend", lambda _: None)
    monkeypatch.setattr(Runner, "_settled", lambda *_: None)
    monkeypatch.setattr(Runner, "_measure", lambda *_: known.append(left.read()))
    monkeypatch.setattr("drill.stack.Stack.holder", lambda _: where.holder)
    assert CATALOGUE["nothing"].prepare is nothing
    one = Runner(where.stack, Load(), 1, left=left)
    one.run(replace(CATALOGUE["nothing"], prepare=healed), 1, tmp_path / "run")
    assert known == [{"fault": "nothing"}] * 2
    assert left.read() == {}


def test_a_boot_that_a_killed_drill_did_not_see_begin_is_the_sandbox_s_to_heal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    settings = Settings("lab", 7001)
    settings.save()
    seen: list[tuple[str, kinds.Fault, bool]] = []

    def reboot(_machines: Machines, host: str, force: bool = False) -> None:
        seen.extend((record.key, kinds.of(record), force) for record in records.records(settings))
        assert host == "i-1"

    monkeypatch.setattr(Machines, "reboot", reboot)
    monkeypatch.setattr(kinds.Rebooted, "heal", lambda *_: None)
    with SandboxHost("m1", "10.0.0.1", settings, "i-1").rebooted():
        assert seen == [("rebooted i-1", kinds.Rebooted(host="i-1", force=False), False)]


# --- precedence ----------------------------------------------------------------------------------------------------


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Path]:
    """A sandbox whose cgroup has a share of 100."""
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    settings = Settings("lab", 7001)
    settings.save()
    file = tmp_path / settings.prefix / "cpu.weight"
    file.parent.mkdir()
    file.write_text("100")
    tree = cgroups.Hierarchy(tmp_path, unified=True, controllers=frozenset())
    monkeypatch.setattr(cgroups, "hierarchies", lambda: (tree,))
    return settings, file


def test_precedence_is_given_once_and_taken_back(share: tuple[Settings, Path]) -> None:
    settings, file = share
    with precedence(settings), precedence(settings):
        assert file.read_text() == str(100 * FACTOR)
    assert file.read_text() == "100"


def test_the_share_that_a_killed_drill_gave_is_not_taken_for_the_one_before(
    share: tuple[Settings, Path],
) -> None:
    settings, file = share
    giving = precedence(settings)
    giving.__enter__()
    during = (settings.directory / "precedence.json").read_text()
    giving.__exit__(None, None, None)
    (settings.directory / "precedence.json").write_text(during)
    file.write_text(str(100 * FACTOR))
    with precedence(settings):
        assert file.read_text() == str(100 * FACTOR)
    assert file.read_text() == "100"
