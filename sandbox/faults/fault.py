"""What every fault is: a record from which anybody can heal it, whatever became of who injected it."""

import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sandbox.errors import SandboxError
from sandbox.interrupts import uninterrupted
from sandbox.settings import Settings


class Fault(BaseModel, ABC):
    """One fault. Its fields are all that healing needs; no process has to live for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    @abstractmethod
    def key(self) -> str:
        """What it occupies: two faults with one key cannot be in force together."""

    @abstractmethod
    def inject(self, settings: Settings) -> None:
        """Make it happen. Raises :class:`SandboxError` when it cannot; what was done then is healed."""

    @abstractmethod
    def heal(self, settings: Settings) -> None:
        """Undo it, also where it was injected in part or is gone already. Raises :class:`SandboxError`."""


class Record(BaseModel):
    """A fault in force, as the sandbox's directory holds it."""

    model_config = ConfigDict(extra="forbid")

    token: str
    """Whose it is: who injected a fault heals none that another injected after it."""
    pid: int
    started: int
    """When that process started, in clock ticks since boot: process ids are used again."""
    kind: str
    key: str
    fields: dict[str, Any]

    @property
    def orphaned(self) -> bool:
        """Whether the process that injected it is gone."""
        return _started(self.pid) != self.started


@contextmanager
def injected(settings: Settings, *faults: Fault) -> Iterator[None]:
    """Keep faults in force for a block; however it is left, they are healed, the last one first.

    Raises :class:`SandboxError` if one of them is in force already, cannot be injected or not be healed; in
    the last case ``sandbox fault heal`` tries again.
    """
    with ExitStack() as stack:
        for fault in faults:
            stack.enter_context(_injected(settings, fault))
        yield


@contextmanager
def _injected(settings: Settings, fault: Fault) -> Iterator[None]:
    record = _enter(settings, fault)
    try:
        fault.inject(settings)
        yield
    finally:
        with uninterrupted():
            file = _file(settings, record.key)
            if file.exists() and Record.model_validate_json(file.read_text()).token == record.token:
                fault.heal(settings)
                file.unlink(missing_ok=True)


def _enter(settings: Settings, fault: Fault) -> Record:
    """Write the record before anything happens, so that no moment is without one."""
    if not settings.directory.exists():
        raise SandboxError(f"sandbox {settings.name!r} does not exist; start it with: sandbox up")
    record = Record(
        token=uuid.uuid4().hex,
        pid=os.getpid(),
        started=_started(os.getpid()),
        kind=type(fault).__name__,
        key=fault.key,
        fields=fault.model_dump(mode="json"),
    )
    file = _file(settings, fault.key)
    file.parent.mkdir(exist_ok=True)
    draft = file.with_suffix(f".{record.token}")
    draft.write_text(record.model_dump_json())
    try:
        os.link(draft, file)  # as a whole and only if there is none
    except FileExistsError:
        raise SandboxError(
            f"{fault.key}: this fault is in force already; end it with: sandbox fault heal"
        ) from None
    finally:
        draft.unlink()
    return record


def records(settings: Settings) -> list[Record]:
    """Return all faults in force, the newest first."""
    found: list[tuple[float, Record]] = []
    for file in _directory(settings).glob("*.json"):
        with suppress(FileNotFoundError):  # healed while we look
            found.append((file.stat().st_mtime, Record.model_validate_json(file.read_text())))
    return [record for _, record in sorted(found, key=lambda pair: -pair[0])]


def forget(settings: Settings, record: Record) -> None:
    """Remove the record of a fault that was healed."""
    _file(settings, record.key).unlink(missing_ok=True)


def _directory(settings: Settings) -> Path:
    return settings.directory / "faults"


def _file(settings: Settings, key: str) -> Path:
    return _directory(settings) / f"{key.replace('/', '_')}.json"


def _started(pid: int) -> int:
    """Return the start time of a process, 0 if it is gone [proc_pid_stat(5), field 22]."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(") ")[2].split()[19])
