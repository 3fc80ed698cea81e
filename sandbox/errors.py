"""The one exception people see: a message with value, rule and remedy, printed without a traceback."""


class SandboxError(Exception):
    """Something the person at the keyboard can mend; its text says how."""
