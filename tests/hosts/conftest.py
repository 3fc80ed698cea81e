"""The real haproxy and keepalived, unpacked from the packages that hosts install; nothing is installed here."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.hosts.mirror import ensure_tools

IMAGE = "debian_12_9_x64_20G_alibase_20250117.vhd"
"""The release whose programs judge: haproxy 2.6, keepalived 2.2.7."""


@dataclass(frozen=True)
class Judges:
    """The two programs that say whether a configuration is valid."""

    haproxy: Path
    keepalived: Path

    def of_haproxy(self, config: Path) -> subprocess.CompletedProcess[str]:
        """Run ``haproxy -c``."""
        return _run(self.haproxy, "-c", "-f", str(config))

    def of_keepalived(self, config: Path) -> subprocess.CompletedProcess[str]:
        """Run ``keepalived -t``."""
        return _run(self.keepalived, "-t", "-f", str(config))


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="session")
def judges() -> Judges:
    """Paths of both programs."""
    found = ensure_tools(IMAGE, lambda _: None)
    return Judges(found / "haproxy", found / "keepalived")
