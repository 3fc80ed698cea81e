"""Whose sandbox a name is: its cgroups and namespaces are the machine's, its directory lies in one user's cache."""

from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.settings import Settings

DIRECTORY = Path("/run")
"""Of the machine, and empty after a boot, as are the cgroups."""


def claim(settings: Settings) -> None:
    """Say that the sandbox of this name is the one of this cache."""
    _file(settings).write_text(f"{settings.directory.resolve()}\n")


def release(settings: Settings) -> None:
    """Give the name back. One that nobody has is fine."""
    _file(settings).unlink(missing_ok=True)


def refuse_anothers(settings: Settings) -> None:
    """Raise :class:`SandboxError` if the sandbox of this name lies in another cache, which is still there."""
    file = _file(settings)
    if not file.exists():
        return
    said = file.read_text().strip()
    owner = Path(said)
    # Empty: whoever wrote it was killed.
    if said and owner != settings.directory.resolve() and _exists(owner):
        raise SandboxError(
            f"sandbox {settings.name!r} of this machine lies in {owner}, not in {settings.directory}: "
            f"use that one with HAVIP_CACHE={owner.parents[1]} (sudo keeps a cache with -E), or choose another name"
        )


def _exists(directory: Path) -> bool:
    try:
        return directory.exists()
    except PermissionError:  # another user's
        return True


def _file(settings: Settings) -> Path:
    return DIRECTORY / settings.prefix
