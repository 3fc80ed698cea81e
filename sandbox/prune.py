"""What lies in the cache and is of no use to this checkout or to any sandbox: old builds, and what killed ones left."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox import toolchain
from sandbox.hosts import images, mirror
from sandbox.hosts.plan import Plan
from sandbox.settings import cache_dir

KINDS = ("images", "mirror", "mypy", "tools", "toolchain")


@dataclass(frozen=True)
class Unused:
    """One directory of the cache."""

    path: Path
    size: int
    """Bytes; files that other directories share count, too."""


def find() -> list[Unused]:
    """Return what can go, the largest first. Another checkout of another version would make its own again."""
    used = set(_used())
    entries = [entry for kind in KINDS for entry in (cache_dir() / kind).glob("*")]
    entries += [
        *cache_dir().glob("python-*"),
        *(entry for kind in KINDS for entry in _torn(cache_dir() / kind)),
    ]
    unused = [
        entry
        for entry in dict.fromkeys(entries)
        if entry.is_dir() and entry not in used and not _at_work(entry)
    ]
    return sorted((Unused(entry, _size(entry)) for entry in unused), key=lambda one: -one.size)


def remove(unused: list[Unused]) -> None:
    """Remove these directories."""
    for one in unused:
        with images.exclusive(_made_by(one.path)):
            shutil.rmtree(one.path, ignore_errors=True)


def _used() -> Iterator[Path]:
    yield Path(sys.prefix)
    yield Path(os.environ.get("MYPY_CACHE_DIR", ""))
    yield from toolchain.directories()
    for image in images.CATALOGUE.values():
        yield images.location(image)
        yield mirror.location(image)
        yield mirror.tools_location(image)
    # Hosts of any sandbox, of whatever version.
    for file in cache_dir().glob("sandboxes/*/hosts/*/plan.json"):
        plan = Plan.load(file.parent)
        yield plan.image
        yield plan.mirror


def _torn(directory: Path) -> Iterator[Path]:
    """Directories of builders, who may have been killed."""
    yield from directory.glob(".*.partial")
    yield from directory.glob(".*.partial.tmp")


def _at_work(entry: Path) -> bool:
    """Whether something is being made in it. What a toolchain's maker leaves, the next one removes."""
    if entry.name.endswith(".building") or ".tmp." in entry.name:
        return True
    return entry.name.startswith(".") and images.in_work(_made_by(entry))


def _made_by(path: Path) -> Path:
    """Return the entry whose lock a builder of this directory holds."""
    return path.with_name(path.name.removeprefix(".").removesuffix(".tmp").removesuffix(".partial"))


def _size(directory: Path) -> int:
    return sum(file.lstat().st_size for file in directory.rglob("*") if not file.is_dir())
