"""``kill -9`` of the engine at random moments of a running endpoint's changes: ``sandbox/run tests.e2e.kills``.

Each change is begun by ``pulumi up``, which is killed at a moment drawn by the seed, its plugins with it, and completed
by what docs/operations.md has a person run next: ``pulumi cancel``, ``pulumi up``, and the commands that this may name.
Then the VIP answers, the preview is empty, nothing is pending, and ``make verify`` finds nothing wrong. Not a test of
the tier: twelve kills take about ten minutes.
"""

import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from os import environ, getpid
from pathlib import Path
from typing import Annotated, Any

import typer

from sandbox import lifecycle
from sandbox.errors import SandboxError
from sandbox.progress import to_console
from sandbox.settings import Settings
from sandbox.stack import recovery
from sandbox.stack.flow import prepare
from tests.e2e.conftest import make_lab, own_range
from tests.e2e.lab import Lab, commands_in
from tests.ports import free_port

BALANCERS = ["k8s-master01", "k8s-master02"]
CHANGES: tuple[dict[str, Any], ...] = (
    {"publicEndpoint": "false"},
    {"publicEndpoint": "true"},
    {"additionalPorts": [17443]},
    {"additionalPorts": []},
    {"keepalived": {"virtual_router_id": 77}},
    {"keepalived": {}},
    {"balancers": [*BALANCERS, "k8s-master03"]},
    {"balancers": BALANCERS},
    {"failover": {"preset": "fast"}},
    {"failover": {}},
    {"vip": "10.0.0.20"},
    {"vip": "10.0.0.10"},
)
"""Each undoes the one before it, so that any number of rounds can be made."""
LONGEST_S = 20.0
"""By then every one of these changes has ended when nothing else runs."""


def kill_during(lab: Lab, after_s: float) -> bool:
    """Begin ``pulumi up`` and kill the engine after so long; whether there was anything left to kill."""
    up = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview"],
        cwd=lab.flow.project,
        env={**environ, **lab.engine.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        up.wait(after_s)
    except subprocess.TimeoutExpired:
        up.send_signal(signal.SIGKILL)
        up.wait()
        recovery.end_plugins(lab.engine.environment)
        time.sleep(recovery.SETTLE_S)
        return True
    return False


def completed(lab: Lab) -> str:
    """Complete the change by the documented commands; what `pulumi` said if that is not enough."""
    lab.pulumi("cancel", "--yes")  # fails where the up had ended by itself
    done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
    named = commands_in(done.stdout + done.stderr) if done.returncode else []
    if named:
        for command in named:
            lab.engine.must(*shlex.split(command)[1:])
        done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


def wrong_after(lab: Lab) -> str:
    """Complete the change; what is not as it should be then, or nothing."""
    try:
        said = completed(lab)
    except SandboxError as error:
        said = str(error)
    if said:
        return f"up: {said}"
    if lab.outputs()["eip"] and not lab.answers():
        return "the EIP does not answer"
    left = lab.pulumi("preview", "--expect-no-changes", "--color=never")
    if left.returncode:
        return f"the preview is not empty:\n{left.stdout}{left.stderr}"
    if lab.engine.export().get("pending_operations"):
        return "operations are pending"
    unwell = [name for name, found in lab.verified().items() if not found["holds"]]
    return f"make verify: {unwell}" if unwell else ""


def main(
    *,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 7,
    kills: Annotated[int, typer.Option(min=1, help="How many changes are killed.")] = len(CHANGES),
) -> None:
    """Kill so many changes; exit 1 at the first that could not be completed."""
    chance = random.Random(seed)  # noqa: S311 - a seeded draw is wanted
    settings = Settings(f"kills{getpid() % 100000}", free_port(), own_range(getpid()))
    with tempfile.TemporaryDirectory() as directory:
        try:
            prepare(to_console)
            lifecycle.up(settings, to_console)
            lab = make_lab(settings, Path(directory) / "project", "kills", {})
            lab.flow.up()
            for number in range(kills):
                change = CHANGES[number % len(CHANGES)]
                after_s = chance.uniform(1.0, LONGEST_S)
                lab.configure(**change)
                began = time.monotonic()
                killed = kill_during(lab, after_s)
                how = f"killed after {after_s:.1f} s" if killed else f"ended by itself within {after_s:.1f} s"
                wrong = wrong_after(lab)
                took = time.monotonic() - began
                to_console(f"{number + 1}/{kills} {change}: {how}; {wrong or 'completed'} ({took:.0f} s)")
                if wrong:
                    sys.exit(1)
        finally:
            lifecycle.down(settings, to_console)


if __name__ == "__main__":
    typer.run(main)
