"""Security groups and their rules (Ecs 2014-05-26)."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, JsonValue

from sandbox.api.model import (
    Body,
    Call,
    Paged,
    Parameters,
    Repeatable,
    Tag,
    as_dict,
    ecs_tags,
    has_tags,
    names,
)
from sandbox.api.registry import ECS, action
from sandbox.api.values import Lower
from sandbox.cloud import errors, ids, security_groups
from sandbox.cloud.session import Session
from sandbox.cloud.state import Protocol, Rule, SecurityGroup

Direction = Literal["ingress", "egress"]


class Permission(Parameters):
    """One rule. ``NicType`` means nothing in a VPC, and clients send odd values for "not given"."""

    ip_protocol: Lower[Protocol]
    port_range: str
    policy: Lower[Literal["accept", "drop"]] = "accept"
    priority: int = 1
    source_cidr_ip: str = ""
    source_group_id: str = ""
    dest_cidr_ip: str = ""
    dest_group_id: str = ""
    nic_type: str = "intranet"
    description: str = ""

    def rule(self, direction: Direction) -> Rule:
        """Return the rule for one direction; peers of the other direction are an error."""
        peers = {
            "ingress": (self.source_cidr_ip, self.source_group_id),
            "egress": (self.dest_cidr_ip, self.dest_group_id),
        }
        if any(peers["egress" if direction == "ingress" else "ingress"]):
            raise errors.InvalidSecurityGroupRule(
                f"an {direction} rule names its {'source' if direction == 'ingress' else 'destination'} only."
            )
        cidr, group = peers[direction]
        return Rule(
            id=ids.resource_id("sgr"),
            created=ids.now(),
            direction=direction,
            protocol=self.ip_protocol,
            ports=self.port_range,
            cidr=cidr,
            group=group,
            policy=self.policy,
            priority=self.priority,
            description=self.description,
        )


class CreateSecurityGroup(Repeatable):
    """ECS API reference, CreateSecurityGroup. Only basic groups in a VPC."""

    not_served = names("ResourceGroupId ServiceManaged")

    vpc_id: str
    security_group_name: str = ""
    description: str = ""
    security_group_type: Literal["normal"] = "normal"
    tag: tuple[Tag, ...] = ()


class DescribeSecurityGroups(Paged):
    """ECS API reference, DescribeSecurityGroups."""

    not_served = names(
        """
        DryRun FuzzyQuery IsQueryEcsCount NetworkType ResourceGroupId SecurityGroupIds ServiceManaged
        """
    )

    vpc_id: str = ""
    security_group_id: str = ""
    security_group_name: str | None = None
    security_group_type: str = ""
    tag: tuple[Tag, ...] = ()


class DescribeSecurityGroupAttribute(Call):
    """ECS API reference, DescribeSecurityGroupAttribute."""

    security_group_id: str
    direction: Literal["ingress", "egress", "all"] = "all"
    nic_type: str = "intranet"


class ModifySecurityGroupAttribute(Call):
    """ECS API reference, ModifySecurityGroupAttribute."""

    security_group_id: str
    security_group_name: str | None = None
    description: str | None = None


class ModifySecurityGroupPolicy(Repeatable):
    """ECS API reference, ModifySecurityGroupPolicy."""

    security_group_id: str
    inner_access_policy: Lower[Literal["accept", "drop"]]


class DeleteSecurityGroup(Call):
    """ECS API reference, DeleteSecurityGroup."""

    security_group_id: str


class Authorize(Repeatable):
    """What the two Authorize actions share: a list of rules."""

    security_group_id: str
    permissions: tuple[Permission, ...] = Field(min_length=1)


class AuthorizeSecurityGroup(Authorize):
    """ECS API reference, AuthorizeSecurityGroup."""

    not_served = names(
        """
        Description DestCidrIp IpProtocol Ipv6DestCidrIp Ipv6SourceCidrIp NicType Policy PortRange
        Priority SourceCidrIp SourceGroupId SourceGroupOwnerAccount SourceGroupOwnerId SourcePortRange
        SourcePrefixListId
        """
    )


class AuthorizeSecurityGroupEgress(Authorize):
    """ECS API reference, AuthorizeSecurityGroupEgress."""

    not_served = names(
        """
        Description DestCidrIp DestGroupId DestGroupOwnerAccount DestGroupOwnerId DestPrefixListId
        IpProtocol Ipv6DestCidrIp Ipv6SourceCidrIp NicType Policy PortRange Priority SourceCidrIp
        SourcePortRange
        """
    )


class OneRule(Permission, Repeatable):
    """What the actions on one existing rule share: the rule spelt out again."""

    security_group_id: str


class RevokeSecurityGroup(OneRule):
    """ECS API reference, RevokeSecurityGroup."""

    not_served = names(
        """
        Ipv6DestCidrIp Ipv6SourceCidrIp SourceGroupOwnerAccount SourceGroupOwnerId SourcePortRange
        SourcePrefixListId
        """
    )


class RevokeSecurityGroupEgress(OneRule):
    """ECS API reference, RevokeSecurityGroupEgress."""

    not_served = names(
        """
        DestGroupOwnerAccount DestGroupOwnerId DestPrefixListId Ipv6DestCidrIp Ipv6SourceCidrIp
        SourcePortRange
        """
    )


class ModifySecurityGroupRule(OneRule):
    """ECS API reference, ModifySecurityGroupRule. Only the description can change."""

    not_served = names(
        """
        Ipv6DestCidrIp Ipv6SourceCidrIp SecurityGroupRuleId SourceGroupOwnerAccount SourceGroupOwnerId
        SourcePortRange SourcePrefixListId
        """
    )


class ModifySecurityGroupEgressRule(OneRule):
    """ECS API reference, ModifySecurityGroupEgressRule. Only the description can change."""

    not_served = names(
        """
        DestGroupOwnerAccount DestGroupOwnerId DestPrefixListId Ipv6DestCidrIp Ipv6SourceCidrIp
        SecurityGroupRuleId SourcePortRange
        """
    )


@action(ECS, CreateSecurityGroup, changes=True)
def create_security_group(session: Session, call: CreateSecurityGroup) -> Body:
    """Make a group."""
    group = security_groups.create(
        session,
        vpc_id=call.vpc_id,
        name=call.security_group_name,
        description=call.description,
        tags=as_dict(call.tag),
    )
    return {"SecurityGroupId": group.id}


@action(ECS, DescribeSecurityGroups)
def describe_security_groups(session: Session, call: DescribeSecurityGroups) -> Body:
    """Show the groups that pass the filters."""
    found = [
        group
        for group in session.here(session.state.security_groups)
        if call.vpc_id in ("", group.vpc_id)
        and call.security_group_id in ("", group.id)
        and call.security_group_name in (None, group.name)
        and call.security_group_type in ("", "normal")
        and has_tags(group.tags, call.tag)
    ]
    shown: list[JsonValue] = [_group(group) for group in call.page(found)]
    return {"SecurityGroups": {"SecurityGroup": shown}, "RegionId": session.region, **call.counts(found)}


@action(ECS, DescribeSecurityGroupAttribute)
def describe_security_group_attribute(session: Session, call: DescribeSecurityGroupAttribute) -> Body:
    """Show a group with its rules."""
    group = session.security_group(call.security_group_id)
    shown: list[JsonValue] = [
        _permission(rule) for rule in group.rules if call.direction in ("all", rule.direction)
    ]
    return {
        "RegionId": group.region,
        "SecurityGroupId": group.id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "InnerAccessPolicy": "Accept" if group.inner_access else "Drop",
        "Permissions": {"Permission": shown},
    }


@action(ECS, ModifySecurityGroupAttribute, changes=True)
def modify_security_group_attribute(session: Session, call: ModifySecurityGroupAttribute) -> Body:
    """Change a group's name or description."""
    group = session.security_group(call.security_group_id)
    group.name = group.name if call.security_group_name is None else call.security_group_name
    group.description = group.description if call.description is None else call.description
    return {}


@action(ECS, ModifySecurityGroupPolicy, changes=True)
def modify_security_group_policy(session: Session, call: ModifySecurityGroupPolicy) -> Body:
    """Let a group's members reach each other, or not."""
    session.security_group(call.security_group_id).inner_access = call.inner_access_policy == "accept"
    return {}


@action(ECS, DeleteSecurityGroup, changes=True)
def delete_security_group(session: Session, call: DeleteSecurityGroup) -> Body:
    """Remove a group."""
    security_groups.delete(session, call.security_group_id)
    return {}


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
    """Remove an ingress rule."""
    security_groups.revoke(session, call.security_group_id, [call.rule("ingress")])
    return {}


@action(ECS, RevokeSecurityGroupEgress, changes=True)
def revoke_security_group_egress(session: Session, call: RevokeSecurityGroupEgress) -> Body:
    """Remove an egress rule."""
    security_groups.revoke(session, call.security_group_id, [call.rule("egress")])
    return {}


@action(ECS, ModifySecurityGroupRule, changes=True)
def modify_security_group_rule(session: Session, call: ModifySecurityGroupRule) -> Body:
    """Change an ingress rule's description."""
    rule = security_groups.find_rule(session, call.security_group_id, call.rule("ingress"))
    rule.description = call.description
    return {}


@action(ECS, ModifySecurityGroupEgressRule, changes=True)
def modify_security_group_egress_rule(session: Session, call: ModifySecurityGroupEgressRule) -> Body:
    """Change an egress rule's description."""
    rule = security_groups.find_rule(session, call.security_group_id, call.rule("egress"))
    rule.description = call.description
    return {}


def _group(group: SecurityGroup) -> Body:
    return {
        "SecurityGroupId": group.id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "SecurityGroupType": "normal",
        "CreationTime": group.created,
        "ResourceGroupId": "",
        "Tags": ecs_tags(group.tags),
    }


def _permission(rule: Rule) -> Body:
    inward = rule.direction == "ingress"
    return {
        "SecurityGroupRuleId": rule.id,
        "Direction": rule.direction,
        "IpProtocol": rule.protocol.upper(),
        "PortRange": rule.ports,
        "Policy": rule.policy.capitalize(),
        "Priority": rule.priority,
        "NicType": "intranet",
        "Description": rule.description,
        "CreateTime": rule.created,
        "SourceCidrIp": rule.cidr if inward else "",
        "SourceGroupId": rule.group if inward else "",
        "DestCidrIp": "" if inward else rule.cidr,
        "DestGroupId": "" if inward else rule.group,
        "Ipv6SourceCidrIp": "",
        "Ipv6DestCidrIp": "",
        "SourcePrefixListId": "",
        "DestPrefixListId": "",
        "SourceGroupOwnerAccount": "",
        "DestGroupOwnerAccount": "",
    }
