"""From arguments to a plan that breaks no rule, or one message that names every rule broken."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import pulumi

from components import adoption, claims, inputs, plan, reader, rules, rules_ssh, shapes
from components.args import ApiServerVipArgs
from components.plan import Plan
from components.settings import Settings
from components.violations import NO_HOST, UNCHANGED, Refusal, Violation

_AUTH_PASS_LIMIT = 8
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
    broken += [one for one in rules.check(made, unknown) if not _within(one.where, misread)]
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
    found = shapes.check(ApiServerVipArgs, args, later=frozenset() if whole else _IDS)
    if not isinstance(args, Mapping):
        raise Refusal(name, found)
    args = shapes.given(args)
    found += [*_empty_ids(args), *_password(args), *_instances(args), *rules_ssh.check(args)]
    found += [*adoption.check(args), *claims.conflicts(claims.of_this_run(), name, args)]
    unknown: set[str] = set()
    raw = inputs.known(inputs.renderable(args), unknown)
    return judged(name, inputs.mapping(raw), frozenset(unknown), found, UNCHANGED)


def judge_password(name: str, password: str | None) -> str:
    """Return `password` if VRRP version 2 can carry it; ``RunError`` (which does not show it) otherwise."""
    known = password or ""  # too late to do without: the files name it
    rule = _password_rule(known)
    if rule:
        raise Refusal(name, [rule], NO_HOST)
    return known


def judge_instances(name: str, ids: Sequence[str | None]) -> None:
    """Raise ``RunError`` unless the balancers' instances, whose `ids` are all known now, are one for each."""
    args = {"balancers": [{"instance_id": known or ""} for known in ids]}
    found = [*_empty_ids(args), *_instances(args)]
    if found:
        raise Refusal(name, found, NO_HOST)


def _empty_ids(args: Mapping[str, object]) -> list[Violation]:
    """Ids that are there and say nothing."""
    found = []
    if args.get("vswitch_id") == "":
        found.append(Violation("vswitch_id", "", "is empty", "give the vSwitch's id"))
    for index, host in enumerate(_hosts(args, "balancers")):
        if host.get("instance_id") == "":
            where = f"balancers[{index}].instance_id"
            found.append(Violation(where, "", "is empty", "give the ECS instance's id"))
    return found


def _instances(args: Mapping[str, object]) -> list[Violation]:
    seen: dict[Hashable, int] = {}
    found = []
    for index, host in enumerate(_hosts(args, "balancers")):
        given = host.get("instance_id")
        if given == "" or not isinstance(given, str | pulumi.Output):
            continue
        first = seen.setdefault(claims.mark(given), index)
        if first != index:
            rule = f"is already the instance of balancers[{first}]"
            shown = given if isinstance(given, str) else "an Output"
            found.append(Violation(f"balancers[{index}].instance_id", shown, rule, "give each its own"))
    return found


def _password(args: Mapping[str, object]) -> list[Violation]:
    keepalived = args.get("keepalived")
    password = keepalived.get("auth_pass") if isinstance(keepalived, Mapping) else None
    rule = _password_rule(password) if isinstance(password, str) else None
    return [rule] if rule else []


def _password_rule(password: str) -> Violation | None:
    where = "keepalived.auth_pass"
    if not password:
        return Violation(
            where, password, "is empty", f"use 1 to {_AUTH_PASS_LIMIT} characters, or leave it out"
        )
    if len(password) > _AUTH_PASS_LIMIT:
        rule = (
            f"has {len(password)} characters; VRRP version 2 counts {_AUTH_PASS_LIMIT} and ignores the rest"
        )
        return Violation(where, "[secret]", rule, f"use 1 to {_AUTH_PASS_LIMIT} characters")
    if (
        not password.isascii()
        or not password.isprintable()
        or any(mark in password for mark in " #!\"'{}\\$@")
    ):
        rule = "holds a character that keepalived.conf gives a meaning"
        return Violation(where, "[secret]", rule, "use letters, digits and - _ . , : + = / %")
    return None


def _hosts(args: Mapping[str, object], kind: str) -> list[Mapping[str, object]]:
    return [inputs.mapping(host) for host in inputs.sequence(args.get(kind))]
