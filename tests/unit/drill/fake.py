"""Hosts that only write down what they are told."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import IO

from typing_extensions import override

from drill.faults.fault import Scene
from drill.hosts import Host
from drill.stack import Stack


@dataclass(frozen=True)
class FakeHost(Host):
    """A host; `answer` is what it says to a command."""

    answer: Callable[[str], str] = lambda _: ""
    log: list[str] = field(default_factory=list)
    """What was done to it."""

    @override
    def run(self, command: str, *, stdin: str | None = None, seconds: float = 20) -> str:
        self.log.append(command)
        return self.answer(command)

    @override
    def client(self, argv: Sequence[str], sink: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(list(argv), stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.PIPE)

    @override
    def witness(self, argv: Sequence[str], sink: IO[bytes]) -> "subprocess.Popen[bytes]":
        return self.client(argv, sink)

    @override
    def clock_offset(self) -> float:
        return 0.0

    @override
    def stopped(self, service: str) -> AbstractContextManager[None]:
        return self._noted(f"stop {service}", f"start {service}")

    @override
    def killed(self, service: str, *, stays_dead: bool = False) -> AbstractContextManager[None]:
        return self._noted(f"kill {service}", f"start {service}")

    @override
    def hung(self, service: str) -> AbstractContextManager[None]:
        return self._noted(f"hang {service}", f"continue {service}")

    @contextmanager
    def _noted(self, before: str, after: str) -> Iterator[None]:
        self.log.append(before)
        yield
        self.log.append(after)


def scene(answer: Callable[[str], str] = lambda _: "", **budget: int) -> Scene:
    """Three masters, two of them balancers, of which the first has the VIP."""
    hosts = tuple(FakeHost(f"m{number}", f"10.0.0.{number}", answer) for number in (1, 2, 3))
    stack = Stack("standard", "10.0.0.10", 6443, budget, hosts, hosts[:2], None)
    return Scene(stack, hosts[0])


def log(host: Host) -> list[str]:
    """Return what was done to a fake host."""
    assert isinstance(host, FakeHost)
    return host.log
