"""Security groups and their rules. Source: ECS API reference CreateSecurityGroup, AuthorizeSecurityGroup."""

from collections.abc import Iterable

from sandbox.cloud import errors, ids, permissions, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import Instance, Rule, SecurityGroup
from sandbox.cloud.tags import checked
from sandbox.cloud.transitions import STEADY


def create(
    session: Session, *, vpc_id: str, name: str, description: str, tags: dict[str, str]
) -> SecurityGroup:
    """Make a basic security group in a VPC: its members reach each other, nobody else reaches them."""
    vpc = session.vpc(vpc_id)
    group = SecurityGroup(
        id=ids.resource_id("sg"),
        region=vpc.region,
        created=ids.now(),
        name=name,
        description=description,
        tags=checked(session, "security group", tags),
        vpc_id=vpc.id,
    )
    texts.describe(group, group.name, group.description)
    session.state.security_groups[group.id] = group
    return group


def delete(session: Session, group_id: str) -> None:
    """Remove a group that has no members and that no other group's rule names."""
    group = session.security_group(group_id)
    for instance in session.state.instances.values():
        if group.id in instance.security_groups:
            raise errors.ecs.GroupInUse(instance.id, group.id)
    for other in session.state.security_groups.values():
        if other.id != group.id and any(rule.group == group.id for rule in other.rules):
            raise errors.ecs.GroupReferenced(group.id, other.id)
    del session.state.security_groups[group.id]


def authorize(session: Session, group_id: str, rules: Iterable[Rule]) -> None:
    """Add rules. One that is there already stays as it is, as on the cloud."""
    group = session.security_group(group_id)
    for rule in rules:
        permissions.check_rule(rule)
        if rule.group:
            _check_peer(session, rule, group)
        if any(permissions.same_rule(rule, known) for known in group.rules):
            continue
        if len(group.rules) >= session.offer.limits.rules:
            raise errors.ecs.AuthorizationLimitExceed(session.offer.limits.rules)
        group.rules.append(rule)


def _check_peer(session: Session, rule: Rule, group: SecurityGroup) -> None:
    """Raise unless the group a rule names is another one of the same VPC."""
    inward = rule.direction == "ingress"
    if rule.group == group.id:
        raise errors.ecs.GroupNamesItself(group.id)
    peer = session.state.security_groups.get(rule.group)
    if peer is None or peer.region != group.region:
        raise (errors.ecs.SourceGroupMissing if inward else errors.ecs.DestGroupMissing)(rule.group)
    if peer.vpc_id != group.vpc_id:
        raise (errors.ecs.SourceGroupMismatch if inward else errors.ecs.DestGroupMismatch)(
            peer.id, group.vpc_id
        )


def find_rule(session: Session, group_id: str, rule: Rule) -> Rule:
    """Return the group's rule that ``rule`` describes, or raise InvalidSecurityGroupRuleIdNotFound."""
    group = session.security_group(group_id)
    for known in group.rules:
        if permissions.same_rule(rule, known):
            return known
    raise errors.ecs.InvalidSecurityGroupRuleIdNotFound(group.id)


def rules_with_ids(session: Session, group_id: str, identifiers: Iterable[str]) -> list[Rule]:
    """Return the group's rules of these ids, or raise InvalidSecurityGroupRuleIdNotFound."""
    group = session.security_group(group_id)
    known = {rule.id: rule for rule in group.rules}
    wanted = list(identifiers)
    if not known.keys() >= set(wanted):
        raise errors.ecs.InvalidSecurityGroupRuleIdNotFound(group.id)
    return [known[identifier] for identifier in wanted]


def revoke(session: Session, group_id: str, rules: Iterable[Rule]) -> None:
    """Remove rules. One that is not there is no error, as on the cloud."""
    group = session.security_group(group_id)
    gone = list(rules)
    group.rules = [
        known for known in group.rules if not any(permissions.same_rule(rule, known) for rule in gone)
    ]


def join(session: Session, group_id: str, instance: Instance) -> None:
    """Make an instance a member."""
    group = session.security_group(group_id)
    if group.vpc_id != instance.vpc_id:
        raise errors.ecs.InvalidInstanceIdMismatch(instance.id, group.vpc_id)
    if group.id in instance.security_groups:
        raise errors.ecs.AlreadyInGroup(instance.id, group.id)
    session.require_status(instance, *STEADY)
    _check_number(session, [*instance.security_groups, group.id])
    instance.security_groups.append(group.id)


def leave(session: Session, group_id: str, instance: Instance) -> None:
    """End a membership that is not the instance's last."""
    group = session.security_group(group_id)
    if group.id not in instance.security_groups:
        raise errors.ecs.NotInGroup(instance.id, group.id)
    session.require_status(instance, *STEADY)
    if len(instance.security_groups) == 1:
        raise errors.ecs.LastSecurityGroup(instance.id)
    instance.security_groups.remove(group.id)


def put(session: Session, group_ids: Iterable[str], instance: Instance) -> None:
    """Make an instance a member of these groups and of no other."""
    session.require_status(instance, *STEADY)
    instance.security_groups = for_instance(session, group_ids, instance.vpc_id)


def for_instance(session: Session, group_ids: Iterable[str], vpc_id: str) -> list[str]:
    """Return the groups of an instance after a check that all are of its VPC."""
    groups = [session.security_group(group_id) for group_id in dict.fromkeys(group_ids)]
    for group in groups:
        if group.vpc_id != vpc_id:
            raise errors.ecs.NetworkMismatch(f"Security group {group.id}", f"VPC {group.vpc_id}", vpc_id)
    return _check_number(session, [group.id for group in groups])


def _check_number(session: Session, group_ids: list[str]) -> list[str]:
    """Return an instance's groups unless they are too many."""
    if len(group_ids) > session.offer.limits.groups_per_instance:
        raise errors.ecs.GroupsPerInstanceExceeded(session.offer.limits.groups_per_instance)
    return group_ids
