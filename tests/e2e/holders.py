"""Who has the VIP on an interface, sampled while something happens."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyroute2 import NetNS

from sandbox.names import host_namespace
from tests.e2e.lab import Lab


@dataclass
class Holders:
    """Samples of all hosts of a lab, a few milliseconds apart."""

    lab: Lab
    vip: str
    every_s: float = 0.02
    samples: list[tuple[float, frozenset[str]]] = field(default_factory=list)
    """When (``time.monotonic``), and the names of those that had the address then."""

    @contextmanager
    def watched(self) -> Iterator["Holders"]:
        """Sample while the block runs."""
        names = {
            name: host_namespace(self.lab.settings, host["id"]) for name, host in self.lab.hosts().items()
        }
        stop = threading.Event()

        def work() -> None:
            looks = {name: NetNS(namespace, flags=0) for name, namespace in names.items()}
            try:
                while not stop.wait(self.every_s):
                    have = frozenset(name for name, look in looks.items() if look.get_addr(address=self.vip))
                    self.samples.append((time.monotonic(), have))
            finally:
                for look in looks.values():
                    look.close()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join(10)
        assert self.samples, "nothing was sampled"

    def longest_s(self, count: int) -> float:
        """The longest time that exactly `count` hosts had the address."""
        longest, since = 0.0, None
        for moment, have in self.samples:
            if len(have) != count:
                since = None
                continue
            since = moment if since is None else since
            longest = max(longest, moment - since)
        return longest

    def moves(self) -> list[str]:
        """Every sole holder in turn."""
        turns: list[str] = []
        for _, have in self.samples:
            if len(have) == 1 and [*have] != turns[-1:]:
                turns += have
        return turns
