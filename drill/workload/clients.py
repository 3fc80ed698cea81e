"""Putting clients in their places, telling them what to do, and ending them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from drill.errors import DrillError
from drill.stack import Stack

SOURCE = (Path(__file__).parent / "agent.py").read_text()
BEGIN_LIMIT_S = 30.0
STOP_LIMIT_S = 8.0
WITNESS = "witness-"
"""Begins the names of those that only look at the address."""

Spawn = Callable[[Sequence[str], IO[bytes]], "subprocess.Popen[bytes]"]


@dataclass(frozen=True)
class Load:
    """What every client does."""

    outside_ms: int = 10
    """Between two requests of the client outside, in ms; 0: none."""
    inside_ms: int = 20
    """The same for clients on hosts."""
    limit_ms: int = 2000
    """A request that has not its whole answer by then has failed."""
    watches: int = 2
    """Watch-like streams of each client."""
    idle: int = 10
    """Idle streams of each client, used once at the end."""
    path: str = "/version"


class Clients:
    """The clients of one run."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, spawn: Spawn, options: Mapping[str, object], python: str = "python3") -> None:
        """Start a client; it writes ``NAME.jsonl``."""
        with self._file(name).open("wb") as sink:
            self._running[name] = spawn([python, "-c", SOURCE, json.dumps(options)], sink)

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.jsonl"

    def tell(self, command: str, *, witnesses: bool = False) -> None:
        """Say something to every client that still lives; a witness has no part in the load."""
        for name, process in self._running.items():
            if name.startswith(WITNESS) and not witnesses:
                continue
            with suppress(OSError, ValueError):
                assert process.stdin is not None  # noqa: S101 - it is a pipe
                process.stdin.write(f"{command}\n".encode())
                process.stdin.flush()

    def await_begun(self) -> None:
        """Wait until every client has said that it began: on a busy machine that takes seconds.

        One that begins in the middle of the fault would take what was before for an outage. Raises :class:`DrillError`.
        """
        deadline = time.monotonic() + BEGIN_LIMIT_S
        while waiting := [name for name in self._running if not self._file(name).stat().st_size]:
            self.check()
            if time.monotonic() > deadline:
                raise DrillError(
                    f"these clients did not start within {BEGIN_LIMIT_S:.0f} s: {', '.join(waiting)}"
                )
            time.sleep(0.1)

    def check(self) -> None:
        """Raise :class:`DrillError` if a client ended already, with its own words."""
        for name, process in self._running.items():
            if process.poll() is not None:
                assert process.stderr is not None  # noqa: S101 - it is a pipe
                said = process.stderr.read().decode(errors="replace").strip()
                raise DrillError(f"client {name} ended by itself with {process.returncode}: {said[-800:]}")

    def end(self) -> None:
        """End all, those that do not listen any more by force."""
        self.tell("stop", witnesses=True)
        for process in self._running.values():
            with suppress(OSError, ValueError):
                assert process.stdin is not None  # noqa: S101 - it is a pipe
                process.stdin.close()
        for process in self._running.values():
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stderr is not None:
                process.stderr.close()
        self._running.clear()


@contextmanager
def placed(stack: Stack, directory: Path, load: Load, namespace: str) -> Iterator[Clients]:
    """Run clients outside (in `namespace`, or here), on every host, and a witness of the address on balancers."""
    clients = Clients(directory)
    holder = stack.holder()
    common = {
        "host": stack.vip,
        "port": stack.port,
        "path": load.path,
        "limit_ms": load.limit_ms,
        "statuses": stack.statuses,
    }
    inside = {**common, "interval_ms": load.inside_ms, "watches": load.watches, "idle": load.idle}
    with ExitStack() as ending:
        ending.callback(clients.end)
        if namespace or stack.outside:
            host, port = stack.outside or (stack.vip, stack.port)
            options = {**inside, "host": host, "port": port, "interval_ms": load.outside_ms}
            clients.start("client-outside", _here(namespace), options, sys.executable)
        for host_ in stack.hosts:
            # A TLS watch from every host; requests from one that is no balancer (or no holder) and from the holder.
            busy = host_ in (holder, stack.spectator(holder))
            options = {**inside, "interval_ms": load.inside_ms if busy else 0}
            with suppress(DrillError):  # it is off: that is what the fault is about
                clients.start(f"client-{host_.name}", host_.client, options)
        for host_ in stack.balancers:
            options = {**common, "interval_ms": 0, "watches": 0, "idle": 0, "vip": stack.vip}
            clients.start(f"{WITNESS}{host_.name}", host_.witness, options)
        yield clients


def _here(namespace: str) -> Spawn:
    def spawn(argv: Sequence[str], sink: IO[bytes]) -> "subprocess.Popen[bytes]":
        way = ["ip", "netns", "exec", namespace] if namespace else []
        return subprocess.Popen([*way, *argv], stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.PIPE)

    return spawn
