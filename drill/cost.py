"""What the program itself costs: seconds and memory of previews, as the number of control planes grows.

Every control plane is an ``ApiServerVip`` over hosts that exist already, so that the program, the engine and
the plugins are all that is measured: a preview reaches no host. The bare program registers one
resource with the same plugins.
"""

import json
import os
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from drill.errors import DrillError
from sandbox.stack.engine import PROJECT, Engine

PLANES = (1, 5, 20, 50)
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
_PROJECT = """\
name: drill-cost
runtime: {name: python, options: {toolchain: pip}}
"""
_BARE = """\
import pulumi_command
from pulumi_alicloud import vpc

vpc.Network("bare", cidr_block="10.0.0.0/16")
"""
_MANY = """\
from components import ApiServerVip

for plane in range({planes}):
    hosts = [
        {{"name": f"m{{n}}", "address": f"10.{{plane}}.0.1{{n}}", "instance_id": f"i-{{plane}}-{{n}}"}}
        for n in (1, 2, 3)
    ]
    ApiServerVip(
        f"cp{{plane}}",
        {{
            "vswitch_id": f"vsw-{{plane}}",
            "vswitch_cidr": f"10.{{plane}}.0.0/24",
            "vip": f"10.{{plane}}.0.10",
            "balancers": hosts[:2],
            "backends": [{{"name": host["name"], "address": host["address"]}} for host in hosts],
            "ssh": {{"user": "root", "private_key": "a key"}},
        }},
    )
"""


@dataclass(frozen=True)
class Cost:
    """One program's figures."""

    program: str
    operation: str
    resources: int
    seconds: float
    """The quickest of the tries."""
    megabytes: float
    """Most memory that engine, language host, program and plugins used together (shared pages counted each time)."""


def previews(engine: Engine, directory: Path, planes: tuple[int, ...] = PLANES, tries: int = 2) -> list[Cost]:
    """Preview a bare program and one with each number of control planes. Raises :class:`DrillError`."""
    found = [_preview(engine, directory / "bare", "bare, same plugins", _BARE, tries)]
    for number in planes:
        text = _MANY.format(planes=number)
        found.append(
            _preview(engine, directory / f"planes-{number}", f"{number} control planes", text, tries)
        )
    return found


def no_op(engine: Engine, tries: int = 2) -> list[Cost]:
    """Measure ``preview`` and an ``up`` that changes nothing, on the stack itself."""
    resources = len(engine.export().get("resources") or [])
    found = []
    for operation in ("preview", "up"):
        more = ("--yes", "--skip-preview") if operation == "up" else ()
        measured = [measured_run(engine, operation, *more, "--expect-no-changes") for _ in range(tries)]
        seconds, megabytes = min(measured)
        found.append(Cost("the stack", operation, resources, round(seconds, 1), round(megabytes)))
    return found


def _preview(engine: Engine, directory: Path, name: str, program: str, tries: int) -> Cost:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "Pulumi.yaml").write_text(_PROJECT)
    (directory / "__main__.py").write_text(program)
    stack = yaml.safe_load((engine.project / f"Pulumi.{engine.stack}.yaml").read_text())
    stack["config"] = {key: value for key, value in stack["config"].items() if key.startswith("alicloud:")}
    (directory / "Pulumi.cost.yaml").write_text(yaml.safe_dump(stack))
    for part in ("components", "templates"):
        (directory / part).symlink_to(PROJECT / part)
    own = Engine("cost", {**engine.environment, "PULUMI_STACK": "cost"}, directory)
    own.select()
    try:
        measured = [measured_run(own, "preview") for _ in range(tries)]
        steps = json.loads(own.must("preview", "--json"))["steps"]
    finally:
        own.must("stack", "rm", "--yes", "--force", "--preserve-config", "cost")
    seconds, megabytes = min(measured)
    return Cost(name, "preview", len(steps), round(seconds, 1), round(megabytes))


def measured_run(engine: Engine, *arguments: str) -> tuple[float, float]:
    """Run ``pulumi`` and return seconds and the most megabytes. Raises :class:`DrillError` if it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        ["pulumi", *arguments],
        cwd=engine.project,
        env={**os.environ, **engine.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    most = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.1):
            most = max(most, _pages(process.pid))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    said, _ = process.communicate()
    ended.set()
    watching.join()
    if process.returncode:
        raise DrillError(f"pulumi {' '.join(arguments)} failed:\n{said[-2000:]}")
    return time.monotonic() - began, most * PAGE_KIB / 1024


def _pages(root: int) -> int:
    """Return the resident pages of a process and all below it."""
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            number = int(entry.name)
            parents[number] = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
            pages[number] = int((entry / "statm").read_text().split()[1])
    ours = {root}
    grew = True
    while grew:
        below = {child for child, parent in parents.items() if parent in ours} - ours
        ours |= below
        grew = bool(below)
    return sum(pages.get(number, 0) for number in ours)
