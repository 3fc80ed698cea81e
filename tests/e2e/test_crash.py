"""``kill -9`` of the engine in the middle of ``up``: running the main job again ends with a VIP that answers."""

import os
import shlex
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.api.faults import Effect, When
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.faults.kinds import ApiTroubled, injected
from sandbox.settings import Settings
from sandbox.stack import recovery
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab, commands_in
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NETWORK, VSWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
GROUP, KEY_PAIR = "alicloud:ecs/securityGroup:SecurityGroup", "alicloud:ecs/ecsKeyPair:EcsKeyPair"
INSTANCE, EIP = "alicloud:ecs/instance:Instance", "alicloud:ecs/eipAddress:EipAddress"
HA_VIP, ATTACHMENT = "alicloud:vpc/haVipv2:HaVipv2", "alicloud:vpc/hAVipAttachment:HAVipAttachment"
ASSOCIATION = "alicloud:ecs/eipAssociation:EipAssociation"
ROUNDS = (
    {"CreateVpc": NETWORK, "ImportKeyPair": KEY_PAIR, "AllocateEipAddress": EIP},
    {"CreateVSwitch": VSWITCH, "CreateSecurityGroup": GROUP},
    {"CreateHaVip": HA_VIP, "RunInstances": INSTANCE},
    {"AssociateHaVip": ATTACHMENT, "AssociateEipAddress": ASSOCIATION},
)
"""Actions of the cloud's API, and what they create: those that come up side by side, in their order."""
BALANCERS = ("k8s-master01", "k8s-master02")
TIMES = {INSTANCE: 2, EIP: 3, ASSOCIATION: 3, ATTACHMENT: 2}
EXPECTED = Counter({kind: TIMES.get(kind, 1) for creates in ROUNDS for kind in creates.values()})
"""How many of each the stack has."""
SETTLE_S = 5
"""From the engine's note of a create until the cloud has done it."""


def killed_during_up(
    lab: Lab, when: Callable[[], bool], what: str, linger_s: float = 0, run: str = "up"
) -> None:
    """Start ``pulumi up`` and kill the engine without warning as soon as `when` holds, or so much later."""
    up = subprocess.Popen(
        ["pulumi", run, "--yes", "--skip-preview"],
        cwd=lab.flow.project,
        env={**os.environ, **lab.engine.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(what, lambda: when() or up.poll() is not None, within_s=180)
        time.sleep(linger_s)
        assert up.poll() is None, f"{run} ended before {what}"
    finally:
        up.send_signal(signal.SIGKILL)
        up.wait()


def state_of(lab: Lab) -> dict[str, Any]:
    """The state as it is, nothing while the engine is writing it: to a directory it does not in one step."""
    try:
        return lab.engine.export()
    except SandboxError:
        return {}


def test_up_after_kill_9_recovers_by_itself(settings: Settings, dev: Lab, tmp_path: Path) -> None:
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path / "crash", "crash", {})
    before = {host["id"] for host in lab.cloud()["hosts"]}

    def made() -> list[str]:
        return [host["id"] for host in lab.cloud()["hosts"] if host["id"] not in before]

    def commands_run() -> bool:
        resources = state_of(lab).get("resources") or []
        return any(one["type"] == "command:remote:Command" for one in resources)

    try:
        killed_during_up(lab, lambda: len(made()) > 0, "an instance is being created")
        lab.flow.recover(lab.engine)
        assert made() == [], "what the engine never recorded is still there"
        killed_during_up(lab, commands_run, "remote commands run")
        outputs = lab.flow.up()
        assert outputs["vip"] == "10.0.0.10"
        assert lab.answers()
        assert len(made()) == 3, "the crash left hosts that nobody knows"
        assert not lab.engine.export().get("pending_operations")
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert made() == []


def pending(deployment: Mapping[str, Any], doing: str = "creating") -> list[str]:
    """The types of what was being created when the engine last wrote the state."""
    operations = deployment.get("pending_operations") or []
    return [one["resource"]["type"] for one in operations if one["type"] == doing]


def left_behind(lab: Lab, calls: Mapping[str, str], doing: str = "creating", run: str = "up") -> None:
    """Kill the engine and its plugins while the cloud has done what `calls` says and tells nobody."""
    untold = ApiTroubled(effect=Effect.HANGING, actions=tuple(calls), when=When.AFTER)
    with injected(lab.settings, untold):
        hang = f"{' and '.join(calls)} hang"
        killed_during_up(
            lab, lambda: {*calls.values()} <= {*pending(state_of(lab), doing)}, hang, SETTLE_S, run
        )
        for plugin in recovery.abandoned_plugins(lab.engine.environment):
            os.kill(plugin, signal.SIGKILL)  # as when their machine goes: none is there to be told later
    lab.engine.must("cancel", "--yes")


def objects(lab: Lab) -> set[tuple[str, str]]:
    """Type and id of everything in the cloud."""
    return {(one.kind, one.id) for one in Control(lab.settings).objects()}


def remedies(lab: Lab, kinds: Iterable[str]) -> list[str]:
    """The commands of the one message that ``up`` fails with before it changes anything: of `kinds`, and the last."""
    before = objects(lab)
    refused = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0, said
    assert "nothing was changed" in said
    assert objects(lab) == before
    commands = commands_in(said)
    assert {command.split()[2] for command in commands[:-1]} == {*kinds}, said
    return commands


def test_up_after_kill_9_names_what_that_left_and_the_commands_that_import_it(
    settings: Settings, dev: Lab, tmp_path: Path
) -> None:
    """Whatever was being created. By a person's own commands: elsewhere nobody looks into the cloud for them."""
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path / "orphan", "orphan", {})
    lab.configure(masters=lab.configuration()["masters"][:2])
    before = objects(lab)
    made = set(before)
    try:
        for creates in ROUNDS:
            left_behind(lab, creates)
            for command in remedies(lab, creates.values()):
                lab.engine.must(*shlex.split(command)[1:])
            assert not pending(lab.engine.export())
            made |= objects(lab)
        up = lab.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
        assert Counter(kind for kind, _ in objects(lab) - before) == EXPECTED
        assert made <= objects(lab), "what was imported was replaced"
        assert lab.answers()
        lab.engine.must("preview", "--expect-no-changes")
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert objects(lab) == before


def test_kill_9_of_a_delete_blocks_neither_up_nor_destroy(
    settings: Settings, dev: Lab, tmp_path: Path
) -> None:
    """The provider deletes neither of these twice. By a person's own commands, those of docs/operations.md."""
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path / "deletes", "deletes", {})
    lab.configure(masters=lab.configuration()["masters"][:2])
    before = objects(lab)
    try:
        lab.engine.must("up", "--yes", "--skip-preview")
        lab.configure(publicEndpoint="false")
        left_behind(lab, {"UnassociateEipAddress": ASSOCIATION}, "deleting")
        [refresh] = remedies(lab, [])
        lab.engine.must(*shlex.split(refresh)[1:])
        lab.engine.must("up", "--yes", "--skip-preview")
        lab.engine.must("preview", "--expect-no-changes")
        left_behind(lab, {"UnassociateHaVip": ATTACHMENT}, "deleting", "destroy")
        lab.engine.must("refresh", "--clear-pending-creates", "--skip-preview", "--yes")
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert objects(lab) == before


def test_a_change_that_was_cut_off_and_taken_back_is_warned_of_and_repaired(standing: Lab) -> None:
    """The state has what was there before: there is nothing to change, though a host may have it."""

    def on_a_host() -> bool:
        return "command:remote:Command" in pending(state_of(standing), "updating")

    try:
        standing.configure(haproxy={"timeout_client": "11h"})
        killed_during_up(standing, on_a_host, "a host is changed", linger_s=1)
        recovery.end_plugins(standing.engine.environment)
        standing.engine.must("cancel", "--yes")
    finally:
        standing.configure(haproxy={})
        up = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
    said = up.stdout + up.stderr
    assert "`python -m components verify --repair`" in said, said
    assert standing.verified("--repair")[standing.component]["holds"]
    for host in BALANCERS:
        assert "11h" not in standing.ssh(host, "grep 'timeout client ' /etc/haproxy/haproxy.cfg")
    standing.engine.must("preview", "--expect-no-changes")
