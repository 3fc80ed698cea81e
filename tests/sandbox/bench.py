"""``sandbox/run tests.sandbox.bench``: how long a warm sandbox takes to start, and what it costs when nothing happens.

Warm: toolchain, image and mirror are in the cache. Two starts, each until SSH answers at every host through its EIP:
one from nothing, all made through the API; one of a sandbox whose server and hosts lost their power, as after a reboot
of the machine. The exit status is 1 where a figure misses its target.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated

import typer

from sandbox import cgroups, lifecycle, needs, output, usage
from sandbox.output import AsJson
from sandbox.progress import to_console
from sandbox.settings import Settings
from sandbox.stack.flow import ensure_host_parts
from tests.ports import free_port
from tests.sandbox.site import found, new_key, wait_for_ssh

START_TARGET_S = 15.0
"""For three hosts."""
IDLE_S = 10.0


@dataclass(frozen=True)
class Figure:
    """One measurement; ``target`` is None where there is none."""

    what: str
    value: float
    unit: str
    target: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target is, if there is one."""
        return self.target is None or self.value <= self.target

    def line(self) -> str:
        """For people."""
        target = "" if self.target is None else f" (target {self.target:g} {self.unit})"
        return f"{self.what:<60} {self.value:8.1f} {self.unit}{target}{'' if self.met else '  MISSED'}"


def measure(settings: Settings, directory: Path, hosts: int, report: Callable[[Figure], None]) -> None:
    """Report each figure as soon as it is there."""
    target = START_TARGET_S if hosts <= 3 else None
    began = time.monotonic()

    def passed(what: str) -> None:
        ends = what.endswith("SSH")
        report(Figure(f"from nothing, until {what}", time.monotonic() - began, "s", target if ends else None))

    lifecycle.up(settings, lambda _: None)
    passed("the API answers")
    site = found(settings, new_key(directory), hosts, passed)
    for host in site.hosts:
        host.run("cloud-init", "status", "--wait")
    passed("every host's cloud-init is done")
    for share in usage.measure(settings, IDLE_S):
        if share.part in ("server", "all"):
            report(Figure(f"idle, processor time of {share.part}", share.cpu_percent, "%"))
            report(Figure(f"idle, memory of {share.part}", share.memory / 2**20, "MiB"))
    for part in sorted(cgroups.children(settings.prefix)):
        cgroups.remove(f"{settings.prefix}/{part}")
    began = time.monotonic()
    lifecycle.up(settings, lambda _: None)
    wait_for_ssh(site)
    report(
        Figure(
            "again after a loss of power, until every host answers SSH", time.monotonic() - began, "s", target
        )
    )


def main(
    hosts: Annotated[int, typer.Option(min=1, max=20, help="How many hosts.")] = 3,
    json_: AsJson = False,
) -> None:
    """Measure a sandbox of its own; nothing of it is left."""
    needs.ensure(to_console)
    ensure_host_parts(to_console)
    load = os.getloadavg()[0]
    run = os.getpid() % 10**5
    settings = Settings(f"bench{run}", free_port(), IPv4Network(f"127.60.{run % 250}.0/24"))
    figures: list[Figure] = []

    def report(figure: Figure) -> None:
        figures.append(figure)
        to_console(figure.line())

    to_console(f"{hosts} hosts; the machine's load before: {load:.2f}")
    try:
        with tempfile.TemporaryDirectory() as directory:
            measure(settings, Path(directory), hosts, report)
    finally:
        lifecycle.down(settings, lambda _: None)
    if json_:
        output.answer([{**vars(figure), "met": figure.met} for figure in figures])
    sys.exit(0 if all(figure.met for figure in figures) else 1)


if __name__ == "__main__":
    typer.run(main)
