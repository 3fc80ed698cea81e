"""Running other programs: what they print comes back, and a failure is one readable error."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SandboxError

SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Debian keeps ip, nft and mmdebstrap; a shell reached by ``su`` has them not on its PATH."""


class CommandError(SandboxError):
    """A program ended with a status other than 0."""

    def __init__(self, argv: Sequence[str], status: int, words: str) -> None:
        self.status = status
        self.words = words
        super().__init__(f"`{shlex.join(argv)}` ended with {status}: {words or '(it said nothing)'}")


def environment() -> dict[str, str]:
    """Return the environment for programs whose words we read: English, and system tools on PATH."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    return {**os.environ, "LC_ALL": "C.UTF-8", "PATH": ":".join((path, *SYSTEM_PATHS))}


def run(
    argv: Sequence[str | Path], *, stdin: str | None = None, seconds: float = 60, cwd: Path | None = None
) -> str:
    """Return the standard output of ``argv``.

    Raises :class:`CommandError` for a status other than 0, :class:`SandboxError` when the program is not
    installed or takes longer than ``seconds``.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=environment(),
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as absent:
        raise SandboxError(
            f"{words[0]}: not installed; `apt-get install` the package that holds it"
        ) from absent
    except subprocess.TimeoutExpired as late:
        raise SandboxError(f"`{shlex.join(words)}` did not end within {seconds:.0f} s") from late
    if done.returncode:
        raise CommandError(words, done.returncode, (done.stderr or done.stdout).strip()[-2000:])
    return done.stdout


def batch(namespace: str, *lines: str) -> None:
    """Run several ip(8) commands in one process inside a network namespace."""
    run(["ip", "-n", namespace, "-batch", "-"], stdin="".join(f"{line}\n" for line in lines))
