"""What a value must be to be of a kind, and what is said of one that is not: the same whoever finds it."""

from collections.abc import Iterable

from components.rules.violations import Violation

NOUNS = {int: "a whole number", bool: "true or false", str: "a text"}
MAPPING = ("must be a mapping", "give key: value pairs")
LIST = ("must be a list", "write it as a list")


def fits(kind: type, value: object) -> bool:
    """Return whether `value` is of a `kind` in `NOUNS`."""
    if kind is int and isinstance(value, float):
        return value.is_integer()  # a multi-language engine hands every number over as a float
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def misfit(kind: type) -> tuple[str, str]:
    """Return rule and remedy for what does not fit."""
    return f"must be {NOUNS[kind]}", "correct its type"


def unknown(where: str, known: Iterable[str]) -> Violation:
    """Return what is said of a key that is not among those `known`; its value may be a secret."""
    return Violation(where, "...", "is not an argument", f"known here: {', '.join(sorted(known))}")
