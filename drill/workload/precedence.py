"""Precedence of the sandbox over whatever else this machine does, while it is measured.

Its hosts stand for machines with processors of their own; that somebody builds something beside them must not look
like an outage.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sandbox import cgroups
from sandbox.settings import Settings

FACTOR = 20


@contextmanager
def precedence(settings: Settings) -> Iterator[None]:
    """Give the sandbox's processes the larger share of the processors, as far as its cgroups have one to give.

    Where another process does so already, that is enough. The shares from before are kept in the sandbox's directory
    meanwhile: whoever comes after one that was killed would take the larger ones for them.
    """
    if not settings.directory.is_dir():
        yield
        return
    with (settings.directory / "precedence.json").open("a+") as kept:
        try:
            fcntl.flock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield
            return
        kept.seek(0)
        before: dict[str, str] = json.loads(kept.read() or "{}")
        before = {str(file): before.get(str(file)) or file.read_text() for file in _shares(settings)}
        _keep(kept, json.dumps(before))
        try:
            for file, share in before.items():
                _write(Path(file), str(int(share) * FACTOR))
            yield
        finally:
            for file, share in before.items():
                _write(Path(file), share)
            _keep(kept, "")


def _shares(settings: Settings) -> list[Path]:
    names = ("cpu.shares", "cpu.weight")
    files = (tree.root / settings.prefix / name for tree in cgroups.hierarchies() for name in names)
    return [file for file in files if file.exists()]


def _keep(kept: TextIO, text: str) -> None:
    kept.truncate(0)
    kept.write(text)
    kept.flush()


def pressure() -> float | None:
    """Return for how much of the last 10 s some task waited for a processor, in percent; ``None`` if unknown."""
    with suppress(OSError, ValueError, IndexError):
        return float(Path("/proc/pressure/cpu").read_text().split()[1].partition("=")[2])
    return None


def _write(file: Path, text: str) -> None:
    with suppress(OSError):  # a kernel's own bounds; the cgroup may be gone by then
        file.write_text(text)
