"""One sandbox for the whole tier, on a port and loopback range of its own; every host's logs are kept on failure."""

import os
import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from drill.workload.precedence import precedence
from sandbox import lifecycle
from sandbox.progress import to_console
from sandbox.settings import Settings
from sandbox.stack import recovery
from sandbox.stack.engine import PROJECT
from sandbox.stack.flow import BACKEND, DevStack, prepare
from tests.e2e.lab import Lab
from tests.ports import free_port
from tests.waiting import eventually

PROGRAM = ("Pulumi.yaml", "__main__.py", "components", "templates", "sandbox")
"""What the program is made of; a test's project directory links to these and has a stack file of its own."""


def own_range(pid: int) -> IPv4Network:
    """A loopback range for the run `pid`: runs side by side must not share one."""
    return IPv4Network(f"127.{128 + pid % 64}.{pid // 64 % 256}.0/24")


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """A sandbox of this run's own; gone afterwards, whatever happened."""
    own = Settings(f"e2e{os.getpid() % 100000}", free_port(), own_range(os.getpid()))
    try:
        yield own
    finally:
        lifecycle.down(own, to_console)
        # Those of an engine that was cut off would ask a cloud that is gone for minutes.
        recovery.end_plugins({"PULUMI_BACKEND_URL": f"file://{own.directory / BACKEND}"})


def stack_file(settings: Settings, changes: dict[str, Any], program: Path) -> dict[str, Any]:
    """The dev stack's configuration, pointed at `settings`, with `changes` to the project's own keys.

    Another program than the dev stack's takes the keys it declares.
    """
    content: dict[str, Any] = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())
    config = content["config"]
    products = config["alicloud:endpoints"][0]
    config["alicloud:endpoints"] = [dict.fromkeys(products, settings.endpoint)]
    project = yaml.safe_load((program / "Pulumi.yaml").read_text())
    declared = project.get("config") or {}
    own = {
        key.removeprefix("kube-apiserver-havip:"): config.pop(key)
        for key in list(config)
        if key[:4] == "kube"
    }
    for key, value in {**own, **changes}.items():
        if key in declared or key in changes:
            config[f"{project['name']}:{key}"] = value
    return content


def make_lab(
    settings: Settings, directory: Path, stack: str, changes: dict[str, Any], program: Path = PROJECT
) -> Lab:
    """A project directory with one stack on the sandbox, and the means to look at it."""
    directory.mkdir(parents=True)
    for part in PROGRAM:
        own = program / part
        (directory / part).symlink_to(own if own.exists() else PROJECT / part)
    (directory / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(stack_file(settings, changes, program)))
    return Lab(settings, DevStack(settings, to_console, stack, directory))


@pytest.fixture(scope="session")
def dev(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """The dev stack, not up yet; its sandbox runs.

    Where outages are measured, its hosts go before those of the tests beside this run.
    """
    lab = make_lab(settings, tmp_path_factory.mktemp("project") / "dev", "dev", {})
    prepare(to_console)
    lifecycle.up(settings, to_console)
    measured = any(item.get_closest_marker("endpoint") for item in request.session.items)
    with precedence(settings) if measured else nullcontext():
        yield lab


@pytest.fixture(scope="session")
def standing(settings: Settings, dev: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The dev stack once more, up, for all tests that leave it as they found it (`dev` lives and dies as a test)."""
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path_factory.mktemp("project") / "standing", "standing", {})
    up = lab.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    yield lab
    destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr


def serves(lab: Lab, master: str) -> bool:
    """Whether the apiserver on a master is up."""
    return lab.ssh(master, "curl -sk https://127.0.0.1:6443/readyz", check=False) == "ok"


@pytest.fixture(scope="session")
def base(settings: Settings, dev: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The outputs of a stack with a network and three masters whose user data has ended."""
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path_factory.mktemp("p") / "base", "base", {}, PROJECT / "tests/e2e/base")
    up = lab.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    outputs = lab.outputs()
    for master in outputs["masters"]:
        eventually(f"{master['name']} serves", partial(serves, lab, master["name"]), within_s=60)
    yield outputs
    destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what the hosts and the sandbox's server wrote when a test fails."""
    report = yield
    used = item.funcargs.get("settings") if isinstance(item, pytest.Function) else None
    if report.failed and isinstance(used, Settings):
        keep_logs(used, PROJECT / "build" / "failed" / item.name)
    return report


def keep_logs(settings: Settings, target: Path) -> None:
    """Copy server log, API log, consoles and journals."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in (*settings.directory.glob("*.log"), *settings.hosts.glob("*/console.log")):
        shutil.copy(file, target / "-".join(file.relative_to(settings.directory).parts))
    for journal in settings.hosts.glob("*/**/var/log/journal"):
        name = journal.relative_to(settings.hosts).parts[0]
        with (target / f"{name}.journal.txt").open("w") as sink:
            subprocess.run(
                ["journalctl", "--directory", str(journal), "--no-pager"], stdout=sink, check=False
            )
