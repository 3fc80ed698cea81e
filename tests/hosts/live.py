"""A HAProxy that runs with what is rendered for a host, on ports of its own, without privileges to drop."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from tests.hosts.conftest import Judges, haproxy_cfg
from tests.ports import free_port
from tests.unit.components import examples
from tests.waiting import eventually


@dataclass(frozen=True)
class Live:
    """One that runs."""

    process: subprocess.Popen[bytes]
    port: int
    monitor_port: int

    def get(self, path: str) -> httpx.Response:
        """Ask on the monitor's port."""
        return httpx.get(f"http://127.0.0.1:{self.monitor_port}{path}", timeout=5, trust_env=False)


def answers(live: Live) -> bool:
    """Whether it does, whatever it says."""
    try:
        live.get("/monitor")
    except httpx.TransportError:
        return False
    return True


@contextmanager
def running(
    judges: Judges,
    directory: Path,
    *,
    backend: int | None = None,
    edit: Callable[[str], str] = str,
    **changes: Any,
) -> Iterator[Live]:
    """HAProxy with the configuration of a balancer; `changes` are arguments, `edit` has the last word on the text.

    `backend` is the loopback port that stands for every kube-apiserver; left out, there is none.
    """
    haproxy = {"user": "", "group": "", "chroot": "", **changes.pop("haproxy", {})}
    ports = {"port": free_port(), "monitor_port": free_port()}
    plan = examples.planned(examples.topology() | ports | changes | {"haproxy": haproxy})
    text = haproxy_cfg(plan, directory)
    # Nothing of a test leaves this machine.
    text = re.sub(r"\b10\.0\.0\.\d+:6443\b", f"127.0.0.1:{backend or free_port()}", text)
    (directory / "haproxy.cfg").write_text(edit(judges.lines_for("haproxy", text)))
    with process(judges, directory) as one:
        live = Live(one, ports["port"], ports["monitor_port"])
        eventually("HAProxy answers", lambda: one.poll() is not None or answers(live))
        assert one.poll() is None, (directory / "log").read_text()
        yield live


@contextmanager
def process(judges: Judges, directory: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """HAProxy with the configuration that is in `directory`."""
    with (directory / "log").open("ab") as log:
        command: list[str | Path] = [judges.haproxy, "-db", "-f", directory / "haproxy.cfg", *arguments]
        started = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(10)


@contextmanager
def reloaded(judges: Judges, directory: Path, old: Live) -> Iterator[Live]:
    """What serves new connections after a reload; `old` is left to its streams."""
    with process(judges, directory, "-sf", str(old.process.pid)) as one:
        live = replace(old, process=one)
        eventually("the new worker answers", lambda: one.poll() is not None or pid_of(live) == one.pid)
        assert one.poll() is None, (directory / "log").read_text()
        yield live


def pid_of(live: Live) -> int:
    """The process that answers on the monitor's port."""
    said = re.search(r"pid = *</b> *(\d+)", live.get("/stats").text)
    assert said is not None, "the statistics name no process"
    return int(said[1])
