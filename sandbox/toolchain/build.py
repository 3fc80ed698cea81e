"""Building the parts that the cache does not hold: side by side, atomically, one run at a time."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.progress import Report, duration
from sandbox.toolchain import golang
from sandbox.toolchain.errors import ToolchainError
from sandbox.toolchain.parts import PARTS, Part

_SIDE_BY_SIDE = 2
"""Builds at once: each compiles in parallel itself, but links on one core."""
_REPORT_EVERY = 30.0
_LOCK_LIMIT = 3600.0
_WORK_SUFFIX = ".building"


def build_missing(cache: Path, keys: Mapping[Part, str], go: golang.Go, report: Report) -> dict[Part, Path]:
    """Build what is missing under ``cache`` and return each part's directory.

    A part's directory appears complete or not at all; left-overs of a crashed build are removed. A second run
    waits for the first instead of building twice.

    Raises:
        ToolchainError: a build failed, or another run kept the lock for an hour.

    """
    places = directories(cache, keys)
    if is_built(cache, keys):
        return places
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / ".lock", report):
        for leftover in cache.glob(f"*{_WORK_SUFFIX}"):
            shutil.rmtree(leftover)
        missing = {part: directory for part, directory in places.items() if not directory.is_dir()}
        asyncio.run(_build_all(go, missing, report))
    return places


def is_built(cache: Path, keys: Mapping[Part, str]) -> bool:
    """Tell whether the cache holds every part."""
    return all(directory.is_dir() for directory in directories(cache, keys).values())


def directories(cache: Path, keys: Mapping[Part, str]) -> dict[Part, Path]:
    """Return where each part is or will be."""
    return {part: cache / f"{part.name}-{keys[part]}" for part in PARTS}


async def _build_all(go: golang.Go, missing: Mapping[Part, Path], report: Report) -> None:
    turn = asyncio.Semaphore(_SIDE_BY_SIDE)
    try:
        async with asyncio.TaskGroup() as group:
            for part, directory in missing.items():
                group.create_task(_build_in_turn(turn, go, part, directory, report))
    except* ToolchainError as failures:
        # The first failure has cancelled the others; one message is enough.
        raise _first(failures) from None


async def _build_in_turn(
    turn: asyncio.Semaphore, go: golang.Go, part: Part, directory: Path, report: Report
) -> None:
    async with turn:
        work = directory.with_name(directory.name + _WORK_SUFFIX)
        work.mkdir()
        try:
            await _build_reported(go, part, work, report)
            work.rename(directory)
        finally:
            if work.exists():
                shutil.rmtree(work)


async def _build_reported(go: golang.Go, part: Part, work: Path, report: Report) -> None:
    started = time.monotonic()
    usual = duration(part.usual_seconds)
    latest = "compiling"

    def note(words: str) -> None:
        nonlocal latest
        latest = words

    report(f"{part.name}: building {part.binary} {part.version} (about {usual} the first time)")
    building = asyncio.create_task(golang.build(go, part, work, note))
    try:
        while not (await asyncio.wait([building], timeout=_REPORT_EVERY))[0]:
            report(f"{part.name}: {latest}, {duration(time.monotonic() - started)} of about {usual}")
            latest = "compiling"
        await building
    finally:
        if not building.done():
            building.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await building
    report(f"{part.name}: built in {duration(time.monotonic() - started)}")


@contextlib.contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock file ``path``; the kernel lets go of it when this process dies, however it does.

    Raises:
        ToolchainError: another process held it for an hour.

    """
    deadline = time.monotonic() + _LOCK_LIMIT
    announced = False
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ToolchainError(f"another run has held {path} for an hour: end it, then try again")
            if not announced:
                report("another run is building the toolchain; waiting for it")
                announced = True
            time.sleep(0.5)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _first(failures: ExceptionGroup[ToolchainError]) -> ToolchainError:
    for failure in failures.exceptions:
        return _first(failure) if isinstance(failure, ExceptionGroup) else failure
    raise AssertionError("an exception group is never empty")
