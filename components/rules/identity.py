"""Rules on what no file is rendered from and a plan leaves out: ids of cloud resources, and the VRRP password."""

from collections.abc import Hashable, Iterator, Mapping

import pulumi

from components import inputs
from components.rules import claims
from components.rules.violations import Violation

_AUTH_PASS_LIMIT = 8
"""Characters of a password that VRRP version 2 carries (keepalived.conf(5), auth_pass)."""


def violations(args: Mapping[str, object]) -> Iterator[Violation]:
    """All violations in what is known of `args` now."""
    yield from _empty_ids(args)
    yield from _password(args)
    yield from _instances(args)


def _empty_ids(args: Mapping[str, object]) -> Iterator[Violation]:
    """Ids that are there and say nothing."""
    if args.get("vswitch_id") == "":
        yield Violation("vswitch_id", "", "is empty", "give the vSwitch's id")
    for index, host in enumerate(_balancers(args)):
        if host.get("instance_id") == "":
            where = f"balancers[{index}].instance_id"
            yield Violation(where, "", "is empty", "give the ECS instance's id")


def _instances(args: Mapping[str, object]) -> Iterator[Violation]:
    seen: dict[Hashable, int] = {}
    for index, host in enumerate(_balancers(args)):
        given = host.get("instance_id")
        if given == "" or not isinstance(given, str | pulumi.Output):
            continue
        first = seen.setdefault(claims.mark(given), index)
        if first != index:
            rule = f"is already the instance of balancers[{first}]"
            shown = given if isinstance(given, str) else "an Output"
            yield Violation(f"balancers[{index}].instance_id", shown, rule, "give each its own")


def _password(args: Mapping[str, object]) -> Iterator[Violation]:
    password = inputs.mapping(args.get("keepalived")).get("auth_pass")
    rule = password_rule(password) if isinstance(password, str) else None
    if rule:
        yield rule


def password_rule(password: str) -> Violation | None:
    """What is wrong with a VRRP `password`; its text is never shown."""
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


def _balancers(args: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [inputs.mapping(host) for host in inputs.sequence(args.get("balancers"))]
