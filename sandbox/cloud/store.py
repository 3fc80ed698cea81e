"""The state on disk: whole or not at all, and on the platter before anybody is told of it."""

import os
from pathlib import Path

from pydantic import ValidationError

from sandbox.cloud.state import State
from sandbox.errors import SandboxError


class StoreError(SandboxError):
    """The state on disk cannot be read."""


class Store:
    """One JSON file, replaced by rename after ``fsync``: a crash leaves the old state or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> State:
        """Return what was saved last, or an empty state.

        Raises:
            StoreError: the file is not one of ours.

        """
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return State()
        try:
            return State.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StoreError(
                f"{self._path}: {where or 'the file'} is not valid ({first['msg']}); "
                "the sandbox's state must be what it wrote itself: remove the sandbox and start it anew"
            ) from None

    def save(self, state: State) -> None:
        """Put ``state`` on the disk; it is there when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(state.model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
