"""What is wrong with the arguments, in the words of the person who has to mend it."""

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import pulumi

_PLAIN = (str, int, float, Enum, type(None))


@dataclass(frozen=True)
class Violation:
    """One broken rule: where, the value found, the rule, and what to do."""

    where: str
    value: object
    rule: str
    remedy: str
    depends: tuple[str, ...] = ()
    """Other arguments that the verdict depends on: while one of them is unknown, there is none."""

    def is_open(self, unknown: Container[str]) -> bool:
        """Say whether the verdict may change once what is `unknown` is known."""
        return any(where in unknown for where in (self.where, *self.depends))

    def __str__(self) -> str:
        return f"{self.where} = {shown(self.value)}: {self.rule}; {self.remedy}"


LAST_PORT = 65535


def not_a_port(where: str, port: object) -> list[Violation]:
    """Return what is wrong with a TCP port; nothing is wrong with what is no number, or not known yet."""
    if not isinstance(port, int | float) or 1 <= port <= LAST_PORT:
        return []
    return [Violation(where, port, "is not a TCP port", f"use 1 to {LAST_PORT}")]


def shown(value: object) -> str:
    """Return a value in words. A container's are not among them: one far inside may be a secret."""
    if isinstance(value, str) and "PRIVATE KEY" in value:
        return "a private key"
    if isinstance(value, _PLAIN) or (isinstance(value, Collection) and not value):
        return repr(value)
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(repr(key) for key in value)}"
    kind = f"a {type(value).__name__}"
    return f"{kind} of {len(value)}" if isinstance(value, Collection) else kind


UNCHANGED = "nothing was changed"
NO_HOST = "no host was touched"
"""Of arguments that only the cloud could tell: what they come from exists by then."""
NOT_THERE = "no host that needs it was touched"
"""Of what only a login needs: other hosts may have been changed already."""


class Refusal(pulumi.RunError):
    """All violations of one component in one message, with what is as it was before."""

    def __init__(self, name: str, violations: Sequence[Violation], spared: str = UNCHANGED) -> None:
        """Put the `violations` of the component `name` into words."""
        lines = "\n".join(f"  - {violation}" for violation in violations)
        super().__init__(f"{name}: {len(violations)} argument(s) break a rule, {spared}:\n{lines}")
        self.violations = tuple(violations)


def together(name: str, *checks: Callable[[], object]) -> None:
    """Make every check. Raises one `Refusal` with all that they refuse; what two say of one value is said once."""
    found: list[Violation] = []
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            said = {(shown(one.value), one.rule) for one in found}
            found += [one for one in refusal.violations if (shown(one.value), one.rule) not in said]
    if found:
        raise Refusal(name, found)
