"""Commands of ``pulumi`` that messages have people type."""

import shlex


def refresh(stack: str, *flags: str) -> str:
    """Return the command that asks the cloud for what the state has; of `stack`, or of the selected one."""
    of_stack = ["--stack", stack] if stack else []
    return shlex.join(["pulumi", "refresh", *flags, "--skip-preview", "--yes", *of_stack])
