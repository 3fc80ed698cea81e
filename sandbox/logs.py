"""Reading logs, to their present end or on and on."""

import time
from collections.abc import Iterator
from pathlib import Path

POLL_S = 0.2


def lines(file: Path) -> list[str]:
    """Return the lines a log has now; none before its first."""
    return file.read_text(errors="replace").splitlines() if file.exists() else []


def follow(file: Path, alive: Path) -> Iterator[str]:
    """Give a log's lines, those to come too, as long as the directory ``alive`` is there."""
    while not file.exists() and alive.exists():
        time.sleep(POLL_S)
    if not file.exists():
        return
    with file.open(errors="replace") as log:
        rest = ""
        while True:
            if text := log.readline():
                rest += text
                if rest.endswith("\n"):
                    yield rest.rstrip("\n")
                    rest = ""
            elif alive.exists():
                time.sleep(POLL_S)
            else:
                return
