"""Precedence of the sandbox over whatever else this machine does, while it is measured.

Its hosts stand for machines with processors of their own; that somebody builds something beside them must not look
like an outage.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sandbox import cgroups
from sandbox.settings import Settings

FACTOR = 20


@contextmanager
def precedence(settings: Settings) -> Iterator[None]:
    """Give the sandbox's processes the larger share of the processors, as far as its cgroups have one to give."""
    with ExitStack() as ending:
        for hierarchy in cgroups.hierarchies():
            for name in ("cpu.shares", "cpu.weight"):
                file = hierarchy.root / settings.prefix / name
                if file.exists():
                    before = file.read_text()
                    ending.callback(_write, file, before)
                    _write(file, str(int(before) * FACTOR))
        yield


def pressure() -> float | None:
    """Return for how much of the last 10 s some task waited for a processor, in percent; ``None`` if unknown."""
    with suppress(OSError, ValueError, IndexError):
        return float(Path("/proc/pressure/cpu").read_text().split()[1].partition("=")[2])
    return None


def _write(file: Path, text: str) -> None:
    with suppress(OSError):  # a kernel's own bounds; the cgroup may be gone by then
        file.write_text(text)
