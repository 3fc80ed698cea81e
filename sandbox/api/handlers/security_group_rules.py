"""Rules of security groups (Ecs 2014-05-26)."""

from collections.abc import Iterable
from typing import Literal, get_args

from pydantic import Field, model_validator

from sandbox.api.model import Body, Parameters, Repeatable, names
from sandbox.api.registry import ECS, action
from sandbox.api.values import Lower
from sandbox.cloud import errors, ids, security_groups
from sandbox.cloud.session import Session
from sandbox.cloud.state import Policy, Protocol, Rule

Direction = Literal["ingress", "egress"]
PROTOCOLS: dict[str, Protocol] = {name: name for name in get_args(Protocol)}
POLICIES: dict[str, Policy] = {name: name for name in get_args(Policy)}


class Permission(Parameters):
    """One rule. ``NicType`` means nothing in a VPC, and clients send odd values for "not given"."""

    ip_protocol: Lower[str]
    port_range: str
    policy: Lower[str] = "accept"
    priority: int = 1
    source_cidr_ip: str = ""
    source_group_id: str = ""
    dest_cidr_ip: str = ""
    dest_group_id: str = ""
    nic_type: str = "intranet"
    description: str = ""

    not_served = names(
        """
        DestGroupOwnerAccount DestGroupOwnerId DestPrefixListId Ipv6DestCidrIp Ipv6SourceCidrIp
        PortRangeListId SourceGroupOwnerAccount SourceGroupOwnerId SourcePortRange SourcePrefixListId
        """
    )

    def rule(self, direction: Direction) -> Rule:
        """Return the rule for one direction. Of a CIDR block and a group the block counts, as on the cloud.

        Raises:
            ParameterNotServed: it names its other end, too; the sandbox has no such rules.

        """
        source, dest = (self.source_cidr_ip, self.source_group_id), (self.dest_cidr_ip, self.dest_group_id)
        inward = direction == "ingress"
        (cidr, group), other = (source, dest) if inward else (dest, source)
        if any(other):
            name = "DestCidrIp or DestGroupId" if inward else "SourceCidrIp or SourceGroupId"
            raise errors.common.ParameterNotServed(name, f"an {direction} rule")
        if self.ip_protocol not in PROTOCOLS:
            raise errors.ecs.InvalidIpProtocol(self.ip_protocol)
        if self.policy not in POLICIES:
            raise errors.ecs.InvalidPolicy(self.policy)
        return Rule(
            id=ids.resource_id("sgr"),
            created=ids.now(),
            direction=direction,
            protocol=PROTOCOLS[self.ip_protocol],
            ports=self.port_range,
            cidr=cidr,
            group="" if cidr else group,
            policy=POLICIES[self.policy],
            priority=self.priority,
            description=self.description,
        )


class Rules(Repeatable):
    """What the actions on rules share: a list of them, or one spelt out beside the group."""

    security_group_id: str
    permissions: tuple[Permission, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _one_becomes_a_list(cls, values: object) -> object:
        if not isinstance(values, dict) or "IpProtocol" not in values:
            return values
        own = Permission.wire_names() - cls.wire_names()
        rule = {name: value for name, value in values.items() if name in own}
        return {"Permissions": [rule], **{name: value for name, value in values.items() if name not in own}}


class Authorize(Rules):
    """What the two Authorize actions share: at least one rule."""

    permissions: tuple[Permission, ...] = Field(min_length=1)


class AuthorizeSecurityGroup(Authorize):
    """ECS API reference, AuthorizeSecurityGroup."""


class AuthorizeSecurityGroupEgress(Authorize):
    """ECS API reference, AuthorizeSecurityGroupEgress."""


class Revoke(Rules):
    """What the two Revoke actions share: rules by their ids or spelt out again."""

    security_group_rule_id: tuple[str, ...] = ()


class RevokeSecurityGroup(Revoke):
    """ECS API reference, RevokeSecurityGroup."""


class RevokeSecurityGroupEgress(Revoke):
    """ECS API reference, RevokeSecurityGroupEgress."""


class Modify(Rules):
    """What the two Modify actions share: one rule, by its id or spelt out again. Only the description can change."""

    security_group_rule_id: str = ""
    description: str = ""


class ModifySecurityGroupRule(Modify):
    """ECS API reference, ModifySecurityGroupRule."""


class ModifySecurityGroupEgressRule(Modify):
    """ECS API reference, ModifySecurityGroupEgressRule."""


def _rules(permissions: Iterable[Permission], direction: Direction) -> list[Rule]:
    return [permission.rule(direction) for permission in permissions]


@action(ECS, AuthorizeSecurityGroup, changes=True)
def authorize_security_group(session: Session, call: AuthorizeSecurityGroup) -> Body:
    """Add ingress rules."""
    security_groups.authorize(session, call.security_group_id, _rules(call.permissions, "ingress"))
    return {}


@action(ECS, AuthorizeSecurityGroupEgress, changes=True)
def authorize_security_group_egress(session: Session, call: AuthorizeSecurityGroupEgress) -> Body:
    """Add egress rules."""
    security_groups.authorize(session, call.security_group_id, _rules(call.permissions, "egress"))
    return {}


@action(ECS, RevokeSecurityGroup, changes=True)
def revoke_security_group(session: Session, call: RevokeSecurityGroup) -> Body:
    """Remove ingress rules."""
    security_groups.revoke(session, call.security_group_id, _revoked(session, call, "ingress"))
    return {}


@action(ECS, RevokeSecurityGroupEgress, changes=True)
def revoke_security_group_egress(session: Session, call: RevokeSecurityGroupEgress) -> Body:
    """Remove egress rules."""
    security_groups.revoke(session, call.security_group_id, _revoked(session, call, "egress"))
    return {}


@action(ECS, ModifySecurityGroupRule, changes=True)
def modify_security_group_rule(session: Session, call: ModifySecurityGroupRule) -> Body:
    """Change an ingress rule's description."""
    _modified(session, call, "ingress").description = call.description
    return {}


@action(ECS, ModifySecurityGroupEgressRule, changes=True)
def modify_security_group_egress_rule(session: Session, call: ModifySecurityGroupEgressRule) -> Body:
    """Change an egress rule's description."""
    _modified(session, call, "egress").description = call.description
    return {}


def _revoked(session: Session, call: Revoke, direction: Direction) -> list[Rule]:
    by_id = security_groups.rules_with_ids(session, call.security_group_id, call.security_group_rule_id)
    return [*by_id, *_rules(call.permissions, direction)]


def _modified(session: Session, call: Modify, direction: Direction) -> Rule:
    if call.security_group_rule_id:
        wanted = [call.security_group_rule_id]
        return security_groups.rules_with_ids(session, call.security_group_id, wanted)[0]
    if not call.permissions:
        raise errors.common.MissingParameter("SecurityGroupRuleId")
    return security_groups.find_rule(session, call.security_group_id, call.permissions[0].rule(direction))
