"""Which security group rules the cloud accepts. Source: ECS API reference, AuthorizeSecurityGroup."""

import re
from ipaddress import IPv4Network

from sandbox.cloud import errors
from sandbox.cloud.state import Rule

ALL_PORTS = "-1/-1"
PRIORITIES = range(1, 101)
_PORTS = re.compile(r"([0-9]{1,5})/([0-9]{1,5})")
_WITH_PORTS = ("tcp", "udp")
_LAST_PORT = 65535


def check_rule(rule: Rule) -> None:
    """Raise the error about the first thing that is wrong with a rule by itself."""
    inward = rule.direction == "ingress"
    _check_ports(rule)
    if rule.priority not in PRIORITIES:
        raise errors.ecs.InvalidPriority(rule.priority)
    if not rule.cidr and not rule.group:
        raise errors.ecs.MissingSource if inward else errors.ecs.MissingDest
    if rule.cidr:
        _check_cidr(rule.cidr, errors.ecs.InvalidSourceCidr if inward else errors.ecs.InvalidDestCidr)


def _check_ports(rule: Rule) -> None:
    if rule.protocol not in _WITH_PORTS:
        if rule.ports != ALL_PORTS:
            raise errors.ecs.InvalidPortRange(rule.ports, rule.protocol, f"only {ALL_PORTS} fits it")
        return
    found = _PORTS.fullmatch(rule.ports)
    if found is None or not 1 <= int(found[1]) <= int(found[2]) <= _LAST_PORT:
        raise errors.ecs.InvalidPortRange(rule.ports, rule.protocol, "FROM/TO within 1/65535 is wanted")


def _check_cidr(cidr: str, error: type[errors.ApiError]) -> None:
    try:
        parsed = IPv4Network(cidr)
    except ValueError as reason:
        raise error(reason) from None
    # A single address may stand for itself; a netmask is no prefix length.
    if str(parsed) not in (cidr, f"{cidr}/32"):
        raise error(f"{cidr} is written {parsed}")


def same_rule(one: Rule, other: Rule) -> bool:
    """Tell whether two rules are one to the cloud, which goes by everything but id, time and description."""
    private = {"id", "created", "description"}
    return one.model_dump(exclude=private) == other.model_dump(exclude=private)
