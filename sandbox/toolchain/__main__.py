"""``python -m sandbox.toolchain``: make the toolchain ready and say where it is."""

import sys

from sandbox.progress import console, to_console
from sandbox.toolchain import ToolchainError, ensure


def main() -> int:
    """Exit status 0 when ready, 1 with one message when not, 130 when interrupted."""
    try:
        with console.status("toolchain"):
            toolchain = ensure(to_console)
    except ToolchainError as error:
        to_console(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        to_console("interrupted; what was finished is kept")
        return 130
    to_console(f"toolchain ready ({toolchain.kind}, engine {toolchain.version}): {toolchain.pulumi}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
