"""The one exception people see: value, rule, remedy, without a traceback."""


class DrillError(Exception):
    """Something the person at the keyboard can mend; its text says how."""
