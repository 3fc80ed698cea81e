"""Finding and removing everything a sandbox made on this machine, whatever became of its makers.

``python -m sandbox.leftovers NAME`` shows them, with ``--remove`` it ends them.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox import cgroups, claims
from sandbox.errors import SandboxError
from sandbox.network import detours, namespaces
from sandbox.settings import Settings


def find(settings: Settings) -> tuple[str, ...]:
    """Say what is there of a sandbox: processes, network namespaces, cgroups, its directory."""
    members = cgroups.members(settings.prefix)
    found = [f"process {pid}: {_command(pid)}" for pid in sorted(members)]
    found += [f"network namespace {name}" for name in sorted(namespaces.existing(settings.prefix))]
    found += [f"nftables table {settings.prefix}"] if detours.exists(settings.prefix) else []
    found += [f"cgroup {settings.prefix}"] if cgroups.exists(settings.prefix) else []
    return (*found, *([f"directory {settings.directory}"] if settings.directory.exists() else []))


def teardown(settings: Settings) -> None:
    """End and remove it all. What is not there is fine. Raises :class:`SandboxError` when something survives.

    Mounts go with the processes that hold them: hosts' mounts lie in mount namespaces of their own.
    """
    cgroups.remove(settings.prefix)
    for name in namespaces.existing(settings.prefix):
        namespaces.remove(name)
    detours.remove(settings.prefix)
    shutil.rmtree(settings.directory, ignore_errors=True)
    claims.release(settings)
    if left := find(settings):
        raise SandboxError(f"these survive: {'; '.join(left)}; try again, or see what holds them")


def _command(pid: int) -> str:
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80] if file.exists() else "(gone)"


def main(arguments: list[str], say: Callable[[str], object]) -> None:
    """Show, or with ``--remove`` end, what the sandbox of a name left."""
    settings = Settings(name=next(word for word in arguments if not word.startswith("-")))
    if "--remove" in arguments:
        teardown(settings)
    for line in find(settings):
        say(line)


if __name__ == "__main__":
    try:
        main(sys.argv[1:], lambda line: sys.stdout.write(f"{line}\n"))
    except (SandboxError, StopIteration) as error:
        sys.exit(f"error: {error or 'name the sandbox'}")
