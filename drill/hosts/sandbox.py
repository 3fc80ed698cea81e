"""Hosts of the sandbox: entered past their network, faults by the sandbox's own."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import IO

from typing_extensions import override

from drill.errors import DrillError
from drill.hosts.base import Host
from sandbox import cgroups, names
from sandbox.errors import SandboxError
from sandbox.faults import kinds
from sandbox.faults.kinds import injected
from sandbox.hosts.machine import Machines, init_of
from sandbox.settings import Settings


@dataclass(frozen=True)
class SandboxHost(Host):
    """A host of the sandbox."""

    settings: Settings
    id: str
    """The instance id."""

    @override
    def run(self, command: str, *, stdin: str | None = None, seconds: float = 20) -> str:
        try:
            return Machines(self.settings).run(self.id, ["sh", "-c", command], stdin=stdin, seconds=seconds)
        except SandboxError as error:
            raise DrillError(f"{self.name}: {error}") from error

    @override
    def client(self, argv: Sequence[str], sink: IO[bytes]) -> subprocess.Popen[bytes]:
        group = names.cgroup(self.settings, self.id)
        init = init_of(group)
        if init is None:
            raise DrillError(f"{self.name} is off: no client can be started there")
        inside = ["nsenter", "--target", str(init), "--all", "--", *argv]
        # In the host's cgroup: a client on a frozen host stands still, on one switched off it dies.
        return _start(cgroups.inside(group, inside), sink)

    @override
    def witness(self, argv: Sequence[str], sink: IO[bytes]) -> subprocess.Popen[bytes]:
        # Beside the host, in its network: what it saw does not end with the host.
        return _start(["ip", "netns", "exec", names.host_namespace(self.settings, self.id), *argv], sink)

    @override
    def clock_offset(self) -> float:
        return 0.0  # one kernel, one clock

    @override
    def stopped(self, service: str) -> AbstractContextManager[None]:
        return injected(self.settings, kinds.ServiceStopped(host=self.id, service=service))

    @override
    @contextmanager
    def killed(self, service: str, *, stays_dead: bool = False) -> Iterator[None]:
        with injected(self.settings, kinds.ServiceKilled(host=self.id, service=service)):
            if stays_dead:
                self.run(f"systemctl stop {service}")
            yield

    @override
    def hung(self, service: str) -> AbstractContextManager[None]:
        return injected(self.settings, kinds.ServiceHung(host=self.id, service=service))

    @override
    def rebooted(self) -> AbstractContextManager[None]:
        return injected(self.settings, kinds.Rebooted(host=self.id, force=False))

    @override
    def off(self) -> AbstractContextManager[None]:
        return injected(self.settings, kinds.Killed(host=self.id))

    @override
    def frozen(self) -> AbstractContextManager[None]:
        return injected(self.settings, kinds.Frozen(host=self.id))

    @override
    def cut_off(self, seconds: float) -> AbstractContextManager[None]:
        return injected(self.settings, kinds.CutOff(host=self.id))

    @override
    def partitioned(self, peer: Host) -> AbstractContextManager[None]:
        assert isinstance(peer, SandboxHost)  # noqa: S101 - hosts of one stack are of one kind
        return injected(self.settings, kinds.Partitioned(host=self.id, peer=peer.id))


def _start(argv: Sequence[str], sink: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.PIPE)
