"""The one exception people see: a message with value, rule and remedy, printed without a traceback."""


class SandboxError(Exception):
    """Something the person at the keyboard can mend; its text says how."""


INTERRUPTED = 130
"""Exit status of a command that ^C ended (128 and the signal's number)."""
