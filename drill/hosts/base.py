"""What a drill needs of a host. Every fault is a context manager: however it is left, it is healed."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, ClassVar

from drill.errors import DrillError
from templates.local.verify_judge import status_ranges


@dataclass(frozen=True)
class Apiserver:
    """What a host's kube-apiserver is asked, as HAProxy's health check does."""

    port: int = 6443
    path: str = "/readyz"
    """Empty where HAProxy only connects."""
    status: str = "200"
    """HTTP statuses that mean ready: ``200``, ``200,401`` or ``200-399``; empty where HAProxy only connects."""

    def ready(self, status: int) -> bool:
        """Whether an answer with this status means ready; 0 is none. Where HAProxy only connects, any does."""
        if not self.status:
            return status > 0
        return any(status in range(low, high + 1) for low, high in self.ranges)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The statuses as ranges, both ends included."""
        return status_ranges(self.status)


@dataclass(frozen=True)
class Host(ABC):
    """One host of the endpoint: a master, or a balancer of its own."""

    name: str
    """On the sandbox what its apiserver calls itself, too."""
    address: str
    """In the VPC."""
    apiserver: Apiserver | None = field(default=None, kw_only=True)
    """``None``: a balancer without one."""
    listens: str = field(default="127.0.0.1", kw_only=True)
    """Where its HAProxy is asked, if it has one; empty: on the VIP alone."""
    called: str = field(default="", kw_only=True)
    """Its name in the stack, where that is another one."""
    ends_late: ClassVar[frozenset[str]] = frozenset()
    """What is healed only when its time has come: nobody can reach the host before."""

    boot_limit_s: ClassVar[float] = 60.0
    """How long a boot in order may take, from the shutdown on."""

    @abstractmethod
    def run(self, command: str, *, stdin: str | None = None, seconds: float = 20) -> str:
        """Run a shell command as root and return its output. Raises :class:`DrillError`."""

    @abstractmethod
    def client(self, argv: Sequence[str], sink: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a process that lives and dies with the host; its standard output goes to `sink`."""

    @abstractmethod
    def witness(self, argv: Sequence[str], sink: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a process that sees the host's addresses, if possible even while the host is dead."""

    @abstractmethod
    def clock_offset(self) -> float:
        """Return by how many seconds the host's clock is ahead of this machine's."""

    def lack(self, what: str) -> str:
        """Return what is missing on the host for a fault such as ``cut_off``; nothing if it can be done."""
        del self, what
        return ""

    def has(self, program: str) -> bool:
        """Whether the host has a program. Raises :class:`DrillError` if it cannot be asked."""
        return not self.run(f"command -v {program} >/dev/null || echo no").strip()

    @abstractmethod
    def stopped(self, service: str) -> AbstractContextManager[None]:
        """``systemctl stop``, and start afterwards."""

    @abstractmethod
    def killed(self, service: str, *, stays_dead: bool = False) -> AbstractContextManager[None]:
        """SIGKILL to all its processes once; systemd may start it again unless it `stays_dead`."""

    @abstractmethod
    def hung(self, service: str) -> AbstractContextManager[None]:
        """SIGSTOP to all its processes, and SIGCONT afterwards."""

    def rebooted(self) -> AbstractContextManager[None]:
        """Shut down in order and boot."""
        raise self._cannot("be rebooted")

    def off(self) -> AbstractContextManager[None]:
        """Power cut, and a boot afterwards."""
        raise self._cannot("be switched off")

    def frozen(self) -> AbstractContextManager[None]:
        """No process runs and no packet passes, and afterwards all goes on."""
        raise self._cannot("be frozen")

    def cut_off(self, seconds: float) -> AbstractContextManager[None]:
        """No packet in or out; where nobody can reach the host to heal it, for so long."""
        del seconds
        raise self._cannot("be cut off the network")

    def ended_at(self, what: str) -> float:
        """Return when what `ends_late` ended last, by this machine's clock. Raises :class:`DrillError`."""
        raise DrillError(f"{self.name}: {what} ends when it is healed")

    def partitioned(self, peer: "Host") -> AbstractContextManager[None]:
        """No packet between two hosts."""
        raise self._cannot(f"be parted from {peer.name}")

    def _cannot(self, what: str) -> DrillError:
        return DrillError(f"{self.name} cannot {what}: this fault needs the sandbox")
