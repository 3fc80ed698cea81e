"""VPCs and vSwitches (Vpc 2016-04-28)."""

from pydantic import JsonValue

from sandbox.api.model import (
    Body,
    Call,
    Rehearsable,
    Repeatable,
    ShortPaged,
    Tag,
    as_dict,
    has_tags,
    names,
    vpc_tags,
)
from sandbox.api.registry import VPC, action
from sandbox.cloud import networks, rules, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import Vpc, VSwitch


class CreateVpc(Rehearsable, Repeatable):
    """VPC API reference, CreateVpc."""

    not_served = names(
        """
        EnableDnsHostname EnableIpv6 Ipv4CidrMask Ipv4IpamPoolId Ipv6CidrBlock Ipv6CidrMask
        Ipv6IpamPoolId Ipv6Isp ResourceGroupId UserCidr
        """
    )

    cidr_block: str = ""
    vpc_name: str = ""
    description: str = ""
    tag: tuple[Tag, ...] = ()


class DescribeVpcAttribute(Rehearsable, Call):
    """VPC API reference, DescribeVpcAttribute."""

    not_served = names("IsDefault")

    vpc_id: str


class DescribeVpcs(Rehearsable, ShortPaged):
    """VPC API reference, DescribeVpcs. ``VpcId`` may name several, with commas between them."""

    not_served = names("AdvancedFeature DhcpOptionsSetId EnableIpv6 ResourceGroupId VpcOwnerId")

    vpc_id: str = ""
    vpc_name: str | None = None
    is_default: bool | None = None
    tag: tuple[Tag, ...] = ()


class DescribeRouteTableList(ShortPaged):
    """VPC API reference, DescribeRouteTableList."""

    not_served = names("ResourceGroupId RouteTableName RouteTableType RouterType Tag")

    vpc_id: str = ""
    router_id: str = ""
    route_table_id: str = ""


class ModifyVpcAttribute(Call):
    """VPC API reference, ModifyVpcAttribute."""

    not_served = names("CidrBlock EnableDnsHostname EnableIPv6 Ipv6CidrBlock Ipv6Isp")

    vpc_id: str
    vpc_name: str | None = None
    description: str | None = None


class DeleteVpc(Rehearsable, Repeatable):
    """VPC API reference, DeleteVpc."""

    not_served = names("ForceDelete")

    vpc_id: str


class CreateVSwitch(Repeatable):
    """VPC API reference, CreateVSwitch."""

    not_served = names("CidrMask Ipv6CidrBlock Ipv6CidrMask VpcIpv6CidrBlock")

    vpc_id: str
    cidr_block: str
    zone_id: str
    v_switch_name: str = ""
    description: str = ""
    tag: tuple[Tag, ...] = ()


class DescribeVSwitchAttributes(Rehearsable, Call):
    """VPC API reference, DescribeVSwitchAttributes."""

    v_switch_id: str


class DescribeVSwitches(Rehearsable, ShortPaged):
    """VPC API reference, DescribeVSwitches."""

    not_served = names("EnableIpv6 ResourceGroupId VSwitchOwnerId")

    vpc_id: str = ""
    v_switch_id: str = ""
    v_switch_name: str | None = None
    zone_id: str = ""
    is_default: bool | None = None
    route_table_id: str = ""
    tag: tuple[Tag, ...] = ()


class ModifyVSwitchAttribute(Call):
    """VPC API reference, ModifyVSwitchAttribute."""

    not_served = names("EnableIPv6 Ipv6CidrBlock Ipv6CidrMask VpcIpv6CidrBlock")

    v_switch_id: str
    v_switch_name: str | None = None
    description: str | None = None


class DeleteVSwitch(Rehearsable, Repeatable):
    """VPC API reference, DeleteVSwitch."""

    v_switch_id: str


@action(VPC, CreateVpc, changes=True)
def create_vpc(session: Session, call: CreateVpc) -> Body:
    """Make a VPC."""
    vpc = networks.create_vpc(
        session,
        cidr=call.cidr_block,
        name=call.vpc_name,
        description=call.description,
        tags=as_dict(call.tag),
    )
    return {"VpcId": vpc.id, "VRouterId": vpc.router_id, "RouteTableId": vpc.route_table_id}


@action(VPC, DescribeVpcAttribute)
def describe_vpc_attribute(session: Session, call: DescribeVpcAttribute) -> Body:
    """Show one VPC."""
    return _vpc(session, session.vpc(call.vpc_id))


@action(VPC, DescribeVpcs)
def describe_vpcs(session: Session, call: DescribeVpcs) -> Body:
    """Show the VPCs that pass the filters."""
    wanted = call.vpc_id.split(",") if call.vpc_id else None
    found = [
        vpc
        for vpc in session.here(session.state.vpcs)
        if (wanted is None or vpc.id in wanted)
        and call.vpc_name in (None, vpc.name)
        and not call.is_default
        and has_tags(vpc.tags, call.tag)
    ]
    return {"Vpcs": {"Vpc": [_vpc(session, vpc) for vpc in call.page(found)]}, **call.counts(found)}


@action(VPC, DescribeRouteTableList)
def describe_route_table_list(session: Session, call: DescribeRouteTableList) -> Body:
    """Show the system route tables."""
    found = [
        vpc
        for vpc in session.here(session.state.vpcs)
        if call.vpc_id in ("", vpc.id)
        and call.router_id in ("", vpc.router_id)
        and call.route_table_id in ("", vpc.route_table_id)
    ]
    tables: list[JsonValue] = [_route_table(session, vpc) for vpc in call.page(found)]
    return {"RouterTableList": {"RouterTableListType": tables}, **call.counts(found)}


@action(VPC, ModifyVpcAttribute, changes=True)
def modify_vpc_attribute(session: Session, call: ModifyVpcAttribute) -> Body:
    """Change a VPC's name or description."""
    vpc = session.vpc(call.vpc_id)
    texts.describe(vpc, call.vpc_name, call.description)
    return {}


@action(VPC, DeleteVpc, changes=True)
def delete_vpc(session: Session, call: DeleteVpc) -> Body:
    """Remove an empty VPC."""
    networks.delete_vpc(session, call.vpc_id)
    return {}


@action(VPC, CreateVSwitch, changes=True)
def create_vswitch(session: Session, call: CreateVSwitch) -> Body:
    """Make a vSwitch."""
    vswitch = networks.create_vswitch(
        session,
        vpc_id=call.vpc_id,
        cidr=call.cidr_block,
        zone=call.zone_id,
        name=call.v_switch_name,
        description=call.description,
        tags=as_dict(call.tag),
    )
    return {"VSwitchId": vswitch.id}


@action(VPC, DescribeVSwitchAttributes)
def describe_vswitch_attributes(session: Session, call: DescribeVSwitchAttributes) -> Body:
    """Show one vSwitch."""
    return _vswitch(session, session.vswitch(call.v_switch_id))


@action(VPC, DescribeVSwitches)
def describe_vswitches(session: Session, call: DescribeVSwitches) -> Body:
    """Show the vSwitches that pass the filters."""
    found = [
        vswitch
        for vswitch in session.here(session.state.vswitches)
        if call.vpc_id in ("", vswitch.vpc_id)
        and call.v_switch_id in ("", vswitch.id)
        and call.v_switch_name in (None, vswitch.name)
        and call.zone_id in ("", vswitch.zone)
        and call.route_table_id in ("", vswitch.route_table_id)
        and not call.is_default
        and has_tags(vswitch.tags, call.tag)
    ]
    shown: list[JsonValue] = [_vswitch(session, vswitch) for vswitch in call.page(found)]
    return {"VSwitches": {"VSwitch": shown}, **call.counts(found)}


@action(VPC, ModifyVSwitchAttribute, changes=True)
def modify_vswitch_attribute(session: Session, call: ModifyVSwitchAttribute) -> Body:
    """Change a vSwitch's name or description."""
    vswitch = session.vswitch(call.v_switch_id)
    texts.describe(vswitch, call.v_switch_name, call.description)
    return {}


@action(VPC, DeleteVSwitch, changes=True)
def delete_vswitch(session: Session, call: DeleteVSwitch) -> Body:
    """Remove an empty vSwitch."""
    networks.delete_vswitch(session, call.v_switch_id)
    return {}


def _vpc(session: Session, vpc: Vpc) -> Body:
    vswitches: list[JsonValue] = [vswitch.id for vswitch in networks.vswitches_of(session, vpc)]
    return {
        "VpcId": vpc.id,
        "VpcName": vpc.name,
        "Description": vpc.description,
        "CidrBlock": str(vpc.cidr),
        "RegionId": vpc.region,
        "CreationTime": vpc.created,
        "Status": "Available",
        "VRouterId": vpc.router_id,
        "VSwitchIds": {"VSwitchId": vswitches},
        "RouterTableIds": {"RouterTableIds": [vpc.route_table_id]},
        "SecondaryCidrBlocks": {"SecondaryCidrBlock": []},
        "UserCidrs": {"UserCidr": []},
        "Ipv6CidrBlock": "",
        "Ipv6CidrBlocks": {"Ipv6CidrBlock": []},
        "EnabledIpv6": False,
        "DnsHostnameStatus": "DISABLED",
        "IsDefault": False,
        "ClassicLinkEnabled": False,
        "ResourceGroupId": "",
        "Tags": vpc_tags(vpc.tags),
    }


def _route_table(session: Session, vpc: Vpc) -> Body:
    vswitches: list[JsonValue] = [vswitch.id for vswitch in networks.vswitches_of(session, vpc)]
    return {
        "RouteTableId": vpc.route_table_id,
        "RouteTableName": "",
        "Description": "",
        "RouteTableType": "System",
        "RouterId": vpc.router_id,
        "RouterType": "VRouter",
        "VpcId": vpc.id,
        "VSwitchIds": {"VSwitchId": vswitches},
        "RoutePropagationEnable": True,
        "AssociateType": "VSwitch",
        "CreationTime": vpc.created,
        "Status": "Available",
        "ResourceGroupId": "",
        "Tags": {"Tag": []},
    }


def _vswitch(session: Session, vswitch: VSwitch) -> Body:
    used = set(session.addresses(vswitch)) | rules.reserved(vswitch.cidr)
    return {
        "VSwitchId": vswitch.id,
        "VSwitchName": vswitch.name,
        "Description": vswitch.description,
        "VpcId": vswitch.vpc_id,
        "ZoneId": vswitch.zone,
        "CidrBlock": str(vswitch.cidr),
        "Ipv6CidrBlock": "",
        "CreationTime": vswitch.created,
        "Status": "Available",
        "IsDefault": False,
        "AvailableIpAddressCount": vswitch.cidr.num_addresses - len(used),
        "RouteTable": {"RouteTableId": vswitch.route_table_id, "RouteTableType": "System"},
        "ResourceGroupId": "",
        "Tags": vpc_tags(vswitch.tags),
    }
