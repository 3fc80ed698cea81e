"""Security groups (Ecs 2014-05-26)."""

from typing import Literal

from pydantic import Field, JsonValue

from sandbox.api.model import (
    Body,
    Call,
    JsonList,
    Rehearsable,
    Repeatable,
    Tag,
    Tokened,
    as_dict,
    ecs_tags,
    has_tags,
    names,
)
from sandbox.api.registry import ECS, action
from sandbox.api.values import Lower
from sandbox.cloud import security_groups, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import Rule, SecurityGroup


class CreateSecurityGroup(Repeatable):
    """ECS API reference, CreateSecurityGroup. Only basic groups in a VPC."""

    not_served = names("ResourceGroupId ServiceManaged")

    vpc_id: str
    security_group_name: str = ""
    description: str = ""
    security_group_type: Literal["normal"] = "normal"
    tag: tuple[Tag, ...] = ()


class DescribeSecurityGroups(Rehearsable, Tokened):
    """ECS API reference, DescribeSecurityGroups."""

    not_served = names(
        """
        FuzzyQuery IsQueryEcsCount NetworkType ResourceGroupId ServiceManaged
        """
    )

    vpc_id: str = ""
    security_group_id: str = ""
    security_group_ids: JsonList | None = None
    security_group_name: str | None = None
    security_group_type: str = ""
    tag: tuple[Tag, ...] = ()


class DescribeSecurityGroupAttribute(Tokened):
    """ECS API reference, DescribeSecurityGroupAttribute."""

    not_served = names("Attribute")

    security_group_id: str
    direction: Literal["ingress", "egress", "all"] = "all"
    max_results: int | None = Field(default=None, ge=1, le=1000)
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
        and (call.security_group_ids is None or group.id in call.security_group_ids)
        and call.security_group_name in (None, group.name)
        and call.security_group_type in ("", "normal")
        and has_tags(group.tags, call.tag)
    ]
    shown: list[JsonValue] = [_group(group) for group in call.page(found)]
    return {"SecurityGroups": {"SecurityGroup": shown}, "RegionId": session.home, **call.counts(found)}


@action(ECS, DescribeSecurityGroupAttribute)
def describe_security_group_attribute(session: Session, call: DescribeSecurityGroupAttribute) -> Body:
    """Show a group with its rules."""
    group = session.security_group(call.security_group_id)
    found = [rule for rule in group.rules if call.direction in ("all", rule.direction)]
    # Without MaxResults there is one page that holds all.
    page = found if call.max_results is None else call.page(found)
    shown: list[JsonValue] = [_permission(rule) for rule in page]
    return {
        "RegionId": group.region,
        "SecurityGroupId": group.id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "InnerAccessPolicy": "Accept" if group.inner_access else "Drop",
        "Permissions": {"Permission": shown},
        **({} if call.max_results is None else call.counts(found)),
    }


@action(ECS, ModifySecurityGroupAttribute, changes=True)
def modify_security_group_attribute(session: Session, call: ModifySecurityGroupAttribute) -> Body:
    """Change a group's name or description."""
    group = session.security_group(call.security_group_id)
    texts.describe(group, call.security_group_name, call.description)
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
