"""What is wrong with the arguments, in the words of the person who has to mend it."""

from collections.abc import Container, Sequence
from dataclasses import dataclass


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
        return f"{self.where} = {self.value!r}: {self.rule}; {self.remedy}"


UNCHANGED = "nothing was changed"
NO_HOST = "no host was touched"
"""Of arguments that only the cloud could tell: what they come from exists by then."""


def message(name: str, violations: Sequence[Violation], spared: str = UNCHANGED) -> str:
    """All violations of the component `name` as one text, with what is as it was before."""
    lines = "\n".join(f"  - {violation}" for violation in violations)
    return f"{name}: {len(violations)} argument(s) break a rule, {spared}:\n{lines}"
