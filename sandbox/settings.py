"""Where one sandbox lives: its name, port, loopback range and directories."""

import os
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path


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
    eip_range: IPv4Network = IPv4Network("127.66.0.0/24")
    """Loopback addresses handed out as EIPs."""

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
