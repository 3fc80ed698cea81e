"""Hosts that only write down what they are told."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import IO

from typing_extensions import override

from drill.faults.fault import Scene
from drill.hosts import Apiserver, Host
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
    return shaped("Ba", "Ba", "a", answer=answer, **budget)


def shaped(*kinds: str, answer: Callable[[str], str] = lambda _: "", **budget: int) -> Scene:
    """Hosts m1, m2 and so on, each of a kind: ``B`` for a balancer, ``a`` for an apiserver, ``Ba`` for both.

    The first balancer has the VIP.
    """
    hosts = tuple(
        FakeHost(
            f"m{number}",
            f"10.0.0.{number}",
            answer,
            apiserver=Apiserver() if "a" in kind else None,
        )
        for number, kind in enumerate(kinds, 1)
    )
    balancers = tuple(host for host, kind in zip(hosts, kinds, strict=True) if "B" in kind)
    stack = Stack("standard", "10.0.0.10", 16443, budget, hosts, balancers, None)
    return Scene(stack, balancers[0])


def log(host: Host) -> list[str]:
    """Return what was done to a fake host."""
    assert isinstance(host, FakeHost)
    return host.log
