"""Every static check in one go: ``python -m tests.lint``."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str) -> bool:
    """Run one check in the checkout; whether it passed."""
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def gofmt() -> bool:
    """Whether every Go file is formatted."""
    listed = subprocess.run(
        ["gofmt", "-l", "sandbox/toolchain"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    sys.stdout.write(f"$ gofmt -l sandbox/toolchain\n{listed.stdout}")
    return not listed.stdout


def main() -> int:
    """0 if all is well; every check runs, so that one run shows everything."""
    if not shutil.which("shellcheck"):
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "shellcheck"], check=False, stdout=subprocess.DEVNULL
        )
    passed = [
        run(sys.executable, "-m", "ruff", "check", "."),
        run(sys.executable, "-m", "ruff", "format", "--check", "."),
        run(sys.executable, "-m", "mypy"),
        run("shellcheck", "sandbox/run", ".ci/run", "sandbox/apiserver/user-data.sh"),
        gofmt(),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
