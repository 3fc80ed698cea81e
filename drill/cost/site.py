"""A sandbox without hosts for control planes that are only counted, and the projects that are run on it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from drill.cost.sshd import free_port
from drill.options import locked
from sandbox import lifecycle
from sandbox.interrupts import uninterrupted
from sandbox.progress import to_console
from sandbox.settings import Settings, cache_dir
from sandbox.stack.engine import PROJECT, Engine
from sandbox.stack.flow import DevStack, prepare

NAME = "drill-cost"
STACK = "cost"
PROJECTS = Path(__file__).resolve().parent / "projects"


@dataclass(frozen=True)
class Site:
    """The sandbox, and what a shell needs to use it."""

    settings: Settings
    environment: Mapping[str, str]

    def engine(self, project: str, config: Mapping[str, Any]) -> Engine:
        """Return an engine for one of our projects with this configuration; its stack is there."""
        directory = self.settings.directory / "projects" / project
        if not directory.exists():
            shutil.copytree(PROJECTS / project, directory)
            for part in ("components", "templates"):
                (directory / part).symlink_to(PROJECT / part)
        content = yaml.safe_dump(configuration(project, config, self.settings.endpoint))
        (directory / f"Pulumi.{STACK}.yaml").write_text(content)
        engine = Engine(STACK, self.environment, directory)
        engine.select()
        return engine


def configuration(project: str, config: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    """Return a stack's file: the dev stack's words for the provider, with the API at `endpoint`."""
    dev = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())
    provider = {key: value for key, value in dev["config"].items() if key.startswith("alicloud:")}
    [services] = provider["alicloud:endpoints"]
    provider["alicloud:endpoints"] = [dict.fromkeys(services, endpoint)]
    own = {f"drill-cost-{project}:{key}": value for key, value in config.items()}
    return {**dev, "config": {**provider, **own}}


@contextmanager
def site() -> Iterator[Site]:
    """Give a sandbox of the measurement's own; nothing of it is left, nor of one whose run was killed."""
    prepare(to_console)
    settings = Settings(NAME, free_port(), with_hosts=False)
    with locked(cache_dir() / f".{NAME}.lock"):
        lifecycle.down(settings, lambda _: None)
        try:
            lifecycle.up(settings, to_console)
            yield Site(settings, DevStack(settings, to_console, STACK).running_engine().environment)
        finally:
            with uninterrupted():
                lifecycle.down(settings, to_console)
