"""From arguments to a plan that breaks no rule, or one message that names every rule broken."""

from collections.abc import Iterable, Mapping, Sequence

from components import adoption, inputs
from components.args import ApiServerVipArgs
from components.planning import plan
from components.planning.plan import Plan
from components.planning.settings import Settings
from components.rules import claims, identity, logins, members, reader, shapes
from components.rules.violations import NO_HOST, UNCHANGED, Refusal, Violation

_IDS = frozenset({"vswitch_id", "instance_id"})


def judged(
    name: str,
    raw: Mapping[str, object],
    unknown: frozenset[str] = frozenset(),
    more: list[Violation] | None = None,
    spared: str = NO_HOST,
) -> Plan:
    """Return the plan of the plain settings `raw`; ``RunError`` with all violations, and with `more`.

    `spared` is what the message says is as it was: a late verdict may come when parts of the cloud exist.
    """
    found = list(more or [])
    said = {violation.where for violation in found}
    misread: list[Violation] = []
    made = plan.make(name, reader.read(Settings, raw, misread))
    broken = [one for one in misread if not one.is_open(unknown)]
    broken += [one for one in members.violations(made, unknown) if not _within(one.where, misread)]
    found += [violation for violation in broken if violation.where not in said]
    if found:
        raise Refusal(name, found, spared)
    return made


def _within(where: str, misread: Iterable[Violation]) -> bool:
    """Say whether `where` is, or is in, what could not be read: nobody gave what is there instead."""
    return any(f"{where}.".startswith((f"{one.where}.", f"{one.where}[")) for one in misread)


def judge_known(name: str, args: Mapping[str, object], *, whole: bool = True) -> Plan:
    """Check what is known of `args` now; the plan has defaults where something is not known yet.

    Without `whole` the ids of cloud resources may be missing: they come later.
    """
    found = shapes.violations(ApiServerVipArgs, args, later=frozenset() if whole else _IDS)
    if not isinstance(args, Mapping):
        raise Refusal(name, found)
    args = shapes.given(args)
    found += [*identity.violations(args), *logins.violations(args)]
    found += [*adoption.violations(args), *claims.conflicts(claims.of_this_run(), name, args)]
    unknown: set[str] = set()
    raw = inputs.known(inputs.renderable(args), unknown)
    return judged(name, inputs.mapping(raw), frozenset(unknown), found, UNCHANGED)


def judge_password(name: str, password: str | None) -> str:
    """Return `password` if VRRP version 2 can carry it; ``RunError`` (which does not show it) otherwise."""
    known = password or ""  # too late to do without: the files name it
    rule = identity.password_rule(known)
    if rule:
        raise Refusal(name, [rule], NO_HOST)
    return known


def judge_instances(name: str, ids: Sequence[str | None]) -> None:
    """Raise ``RunError`` unless the balancers' instances, whose `ids` are all known now, are one for each."""
    args = {"balancers": [{"instance_id": known or ""} for known in ids]}
    if found := list(identity.violations(args)):
        raise Refusal(name, found, NO_HOST)
