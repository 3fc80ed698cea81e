"""What the engine starts: ``provider/`` is the plugin, and the components are beside it.

Also a Python that is too old can read this file, and says so.
"""

import sys
from pathlib import Path

_OLDEST = (3, 11)
"""As in pyproject.toml."""

if sys.version_info < _OLDEST:
    sys.exit(
        f"error: {sys.executable} is Python {sys.version.split()[0]}, too old for this package; "
        f"Python {'.'.join(map(str, _OLDEST))} or newer is needed: put one first on PATH as python3, "
        "and have it make the package's .venv anew"
    )

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from provider.package import serve  # noqa: E402 - not before Python is new enough for it

if __name__ == "__main__":
    serve(sys.argv[1:])
