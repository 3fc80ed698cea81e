"""Every static check in one go: ``python -m tests.lint``."""

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


REMEDIES = {
    "shellcheck": "apt-get install shellcheck",
    "gofmt": "install Go (https://go.dev/dl) and put its bin directory on PATH",
}
"""How people get the programs that are not among the locked Python packages."""


def run(*command: str, silent: bool = False) -> bool:
    """Run one check in the checkout; whether it passed: it is there, exits with 0, and if `silent` prints nothing."""
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    try:
        done = subprocess.run(
            command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE if silent else None
        )
    except FileNotFoundError:
        sys.stdout.write(f"{command[0]} is not on PATH: {REMEDIES[command[0]]}\n")
        return False
    sys.stdout.write(done.stdout or "")
    return done.returncode == 0 and not done.stdout


def install_shellcheck() -> None:
    """Install it where apt can; where not, its check says what is missing."""
    with suppress(FileNotFoundError):
        for words in (["update"], ["install", "-y", "shellcheck"]):
            subprocess.run(["apt-get", "-qq", *words], check=False, stdout=subprocess.DEVNULL)


def main() -> int:
    """0 if all is well; every check runs, so that one run shows everything."""
    if not shutil.which("shellcheck"):
        install_shellcheck()
    passed = [
        run(sys.executable, "-m", "ruff", "check", "."),
        run(sys.executable, "-m", "ruff", "format", "--check", "."),
        run(sys.executable, "-m", "mypy"),
        run("shellcheck", "sandbox/run", ".ci/run", "sandbox/apiserver/user-data.sh"),
        run("gofmt", "-l", "sandbox/toolchain", silent=True),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
