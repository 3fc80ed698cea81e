"""Where one sandbox lives: its name, port, loopback range and directories."""

import json
import os
import re
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from sandbox.errors import SandboxError

LOOPBACK = IPv4Network("127.0.0.0/8")
EIP_RANGE = IPv4Network("127.66.0.0/24")
HIGHEST_PORT = 65535
NAME_LIMIT = 12
"""Characters of a sandbox's name: it begins the names of namespaces, links and cgroups."""


def cache_dir() -> Path:
    """The cache shared by every checkout: toolchain, host images, package mirror (``HAVIP_CACHE`` overrides)."""
    explicit = os.environ.get("HAVIP_CACHE")
    if explicit:
        return Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kube-apiserver-havip"


@dataclass(frozen=True)
class Settings:
    """One sandbox. Several run side by side when name, port and loopback range all differ."""

    name: str = "dev"
    port: int = 7443
    """Loopback TCP port of the API (HTTPS)."""
    eip_range: IPv4Network = EIP_RANGE
    """Loopback addresses handed out as EIPs."""
    with_hosts: bool = True
    """Whether machines and networks are made; without, there is the API alone (``sandbox.hostless``)."""

    def __post_init__(self) -> None:
        """Check every value. Raises :class:`SandboxError`."""
        if not re.fullmatch(rf"[a-z][a-z0-9-]{{0,{NAME_LIMIT - 1}}}", self.name):
            raise SandboxError(
                f"sandbox name {self.name!r}: 1 to {NAME_LIMIT} of a-z, 0-9 and '-', beginning with a letter"
            )
        if not 1 <= self.port <= HIGHEST_PORT:
            raise SandboxError(
                f"port {self.port}: a TCP port is 1 to {HIGHEST_PORT}; choose another with --port"
            )
        if not self.eip_range.subnet_of(LOOPBACK):
            raise SandboxError(
                f"EIP range {self.eip_range}: must lie in {LOOPBACK}; choose another with --eip-range"
            )

    @property
    def directory(self) -> Path:
        """All state of this sandbox; removed by ``down``."""
        return cache_dir() / "sandboxes" / self.name

    @property
    def hosts(self) -> Path:
        """One directory an instance: overlay, console log, pid."""
        return self.directory / "hosts"

    @property
    def prefix(self) -> str:
        """Begins the name of every namespace and cgroup of this sandbox, so that ``down`` finds left-overs."""
        return f"havip-{self.name}"

    @property
    def endpoint(self) -> str:
        """``HOST:PORT`` of the API, as the provider's ``endpoints`` take it."""
        return f"127.0.0.1:{self.port}"

    def save(self) -> None:
        """Remember these settings for the commands that only know the name."""
        self.directory.mkdir(parents=True, exist_ok=True)
        stored = {**asdict(self), "eip_range": str(self.eip_range)}
        # In one step: whoever starts another sandbox meanwhile reads those of all.
        draft = self.directory / f".settings.{os.getpid()}"
        draft.write_text(json.dumps(stored) + "\n")
        draft.replace(self.directory / "settings.json")

    @classmethod
    def all(cls) -> "list[Settings]":
        """The settings of all sandboxes of this machine."""
        names = sorted(file.parent.name for file in (cache_dir() / "sandboxes").glob("*/settings.json"))
        return [found for name in names if (found := cls.load(name))]

    @classmethod
    def load(cls, name: str) -> "Settings | None":
        """The settings a sandbox of this name was started with, or None where there is none."""
        try:
            stored = json.loads((cls(name=name).directory / "settings.json").read_text())
        except FileNotFoundError:
            return None
        # A sandbox of an earlier revision wrote nothing about hosts: it has some.
        return cls(
            stored["name"],
            int(stored["port"]),
            IPv4Network(stored["eip_range"]),
            bool(stored.get("with_hosts", True)),
        )

    @classmethod
    def existing(cls, name: str) -> "Settings":
        """The settings of a sandbox. Raises :class:`SandboxError` where there is none of that name."""
        found = cls.load(name)
        if found is None:
            raise SandboxError(f"sandbox {name!r} does not exist; start it with: sandbox up --name {name}")
        return found

    @classmethod
    def load_or_default(cls, name: str) -> "Settings":
        """The settings a sandbox of this name was started with, else those it would have."""
        return cls.load(name) or cls(name)
