"""How much memory a process and all below it have."""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

LOOK_EVERY_S = 0.2
"""Looking takes some milliseconds of a processor, which what is measured has to do without."""
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class Peak:
    """The most memory a process and all below it had together, of what is seen every so often."""

    def __init__(self) -> None:
        self._pages = 0
        self._ended = threading.Event()
        self._watching: threading.Thread | None = None

    def begin(self, pid: int) -> None:
        """Watch the process from now on."""
        self._watching = threading.Thread(target=self._watch, args=(pid,), daemon=True)
        self._watching.start()

    def end(self) -> float:
        """Watch no more; what was seen, in MiB."""
        self._ended.set()
        if self._watching:
            self._watching.join()
        return self._pages * _PAGE_KIB / 1024

    def _watch(self, pid: int) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            parents, pages = _processes()
            self._pages = max(self._pages, sum(pages[one] for one in family(parents, pid) if one in pages))


def family(parents: Mapping[int, int], root: int) -> set[int]:
    """Return a process and all below it, given the parent of each."""
    children: dict[int, list[int]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    more = [root]
    while more:
        one = more.pop()
        if one not in found:
            found.add(one)
            more += children.get(one, ())
    return found


def _processes() -> tuple[dict[int, int], dict[int, int]]:
    """Return parent and resident pages of every process; one that ends meanwhile is left out."""
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            number = int(entry.name)
            parents[number] = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
            pages[number] = int((entry / "statm").read_text().split()[1])
    return parents, pages
