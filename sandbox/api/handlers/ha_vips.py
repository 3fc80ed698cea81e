"""HaVips (Vpc 2016-04-28)."""

from typing import Literal

from pydantic import JsonValue

from sandbox.api.model import Body, Filter, Repeatable, ShortPaged, Tag, as_dict, has_tags, names, vpc_tags
from sandbox.api.registry import VPC, action
from sandbox.cloud import errors, ha_vips, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import HaVip


class CreateHaVip(Repeatable):
    """VPC API reference, CreateHaVip."""

    not_served = names("ResourceGroupId")

    v_switch_id: str
    ip_address: str = ""
    name: str = ""
    description: str = ""
    tag: tuple[Tag, ...] = ()


class DescribeHaVips(ShortPaged):
    """VPC API reference, DescribeHaVips."""

    not_served = names("ResourceGroupId")

    filter: tuple[Filter, ...] = ()
    tags: tuple[Tag, ...] = ()


class ModifyHaVipAttribute(Repeatable):
    """VPC API reference, ModifyHaVipAttribute."""

    ha_vip_id: str
    name: str | None = None
    description: str | None = None


class AssociateHaVip(Repeatable):
    """VPC API reference, AssociateHaVip."""

    ha_vip_id: str
    instance_id: str
    instance_type: Literal["EcsInstance"] = "EcsInstance"


class UnassociateHaVip(Repeatable):
    """VPC API reference, UnassociateHaVip."""

    ha_vip_id: str
    instance_id: str
    instance_type: Literal["EcsInstance"] = "EcsInstance"
    force: bool = False


class DeleteHaVip(Repeatable):
    """VPC API reference, DeleteHaVip."""

    ha_vip_id: str


@action(VPC, CreateHaVip, changes=True)
def create_ha_vip(session: Session, call: CreateHaVip) -> Body:
    """Make a HaVip."""
    vip = ha_vips.create(
        session,
        vswitch_id=call.v_switch_id,
        address=call.ip_address,
        name=call.name,
        description=call.description,
        tags=as_dict(call.tag),
    )
    return {"HaVipId": vip.id, "IpAddress": str(vip.address)}


@action(VPC, DescribeHaVips)
def describe_ha_vips(session: Session, call: DescribeHaVips) -> Body:
    """Show the HaVips that pass the filters."""
    found = [
        vip
        for vip in session.here(session.state.ha_vips)
        if _passes(vip, call.filter) and has_tags(vip.tags, call.tags)
    ]
    shown: list[JsonValue] = [_ha_vip(session, vip) for vip in call.page(found)]
    return {"HaVips": {"HaVip": shown}, **call.counts(found)}


@action(VPC, ModifyHaVipAttribute, changes=True)
def modify_ha_vip_attribute(session: Session, call: ModifyHaVipAttribute) -> Body:
    """Change a HaVip's name or description."""
    vip = session.ha_vip(call.ha_vip_id)
    texts.describe(vip, call.name, call.description)
    return {}


@action(VPC, AssociateHaVip, changes=True)
def associate_ha_vip(session: Session, call: AssociateHaVip) -> Body:
    """Begin to attach an instance."""
    ha_vips.associate(session, call.ha_vip_id, call.instance_id)
    return {}


@action(VPC, UnassociateHaVip, changes=True)
def unassociate_ha_vip(session: Session, call: UnassociateHaVip) -> Body:
    """Begin to detach an instance."""
    ha_vips.unassociate(session, call.ha_vip_id, call.instance_id, force=call.force)
    return {}


@action(VPC, DeleteHaVip, changes=True)
def delete_ha_vip(session: Session, call: DeleteHaVip) -> Body:
    """Remove a HaVip."""
    ha_vips.delete(session, call.ha_vip_id)
    return {}


def _passes(vip: HaVip, filters: tuple[Filter, ...]) -> bool:
    return all(_value(vip, one.key) in one.value for one in filters)


def _value(vip: HaVip, key: str) -> str:
    values = {
        "HaVipId": vip.id,
        "VpcId": vip.vpc_id,
        "VSwitchId": vip.vswitch_id,
        "IpAddress": str(vip.address),
        "Status": vip.status.value,
    }
    if key not in values:
        raise errors.common.InvalidParameter("Filter", f"the key {key} is none of {', '.join(values)}.")
    return values[key]


def _ha_vip(session: Session, vip: HaVip) -> Body:
    # Listed from the call on that attaches it: clients wait for it to appear with status InUse.
    attached = vip.instances + ([vip.moving] if vip.moving and vip.moving not in vip.instances else [])
    instances: list[JsonValue] = list(attached)
    eips: list[JsonValue] = [
        str(eip.address) for eip in session.state.eips.values() if eip.instance_id == vip.id
    ]
    return {
        "HaVipId": vip.id,
        "Name": vip.name,
        "Description": vip.description,
        "IpAddress": str(vip.address),
        "VpcId": vip.vpc_id,
        "VSwitchId": vip.vswitch_id,
        "RegionId": vip.region,
        "Status": vip.status.value,
        "ChargeType": "PostPaid",
        "CreateTime": vip.created,
        "MasterInstanceId": ha_vips.master(session, vip),
        "AssociatedInstanceType": ha_vips.INSTANCE_TYPE if attached else "",
        # The spelling is the API's.
        "AssociatedInstances": {"associatedInstance": instances},
        "AssociatedEipAddresses": {"associatedEipAddresse": eips},
        "ResourceGroupId": "",
        "Tags": vpc_tags(vip.tags),
    }
