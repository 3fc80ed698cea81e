"""``python -m components COMMAND``: what is asked of a stack beside ``pulumi``."""

import sys

from components.commands import files, verify

COMMANDS = {"files": files.main, "verify": verify.main}
USAGE = """\
usage: python -m components files [--diff] [ENDPOINT-HOST ...]
       python -m components verify [--repair] [ENDPOINT ...]
       python -m components COMMAND --help
"""


def main() -> int:
    """Run the command that the first argument names. Exit status 2, and the usage, if it names none."""
    command = COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if command is None:
        sys.stderr.write(USAGE)
        return 2
    return command(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
