"""EIPs (Vpc 2016-04-28)."""

from typing import Literal

from pydantic import Field, JsonValue

from sandbox.api.model import (
    Body,
    Call,
    Paged,
    Rehearsable,
    Repeatable,
    Tag,
    as_dict,
    has_tags,
    names,
    vpc_tags,
)
from sandbox.api.registry import VPC, action
from sandbox.cloud import eips, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import Eip


class AllocateEipAddress(Repeatable):
    """VPC API reference, AllocateEipAddress. ``InstanceId`` is refused: it names a reserved EIP."""

    not_served = names(
        """
        ActivityId AutoPay InstanceId IpAddress Period PricingCycle PublicIpAddressPoolId
        ResourceGroupId SecurityProtectionTypes Zone
        """
    )

    bandwidth: str = Field(default="5", pattern=r"^[1-9][0-9]{0,3}$")
    name: str = ""
    description: str = ""
    internet_charge_type: Literal["PayByBandwidth", "PayByTraffic"] = "PayByBandwidth"
    instance_charge_type: Literal["PostPaid"] = "PostPaid"
    isp: Literal["BGP", "BGP_PRO"] = Field(default="BGP", alias="ISP")
    netmode: Literal["public"] = "public"
    tag: tuple[Tag, ...] = ()


class DescribeEipAddresses(Rehearsable, Paged):
    """VPC API reference, DescribeEipAddresses."""

    not_served = names(
        """
        BandwidthPackageId ChargeType Filter IncludeReservationData LockReason PublicIpAddressPoolId
        ResourceGroupId SecurityProtectionEnabled SegmentInstanceId ServiceManaged
        """
    )

    allocation_id: str = ""
    eip_address: str = ""
    eip_name: str | None = None
    isp: str = Field(default="", alias="ISP")
    tag: tuple[Tag, ...] = ()
    status: str = ""
    associated_instance_type: str = ""
    associated_instance_id: str = ""


class ModifyEipAddressAttribute(Call):
    """VPC API reference, ModifyEipAddressAttribute."""

    allocation_id: str
    bandwidth: str | None = Field(default=None, pattern=r"^[1-9][0-9]{0,3}$")
    name: str | None = None
    description: str | None = None


class AssociateEipAddress(Rehearsable, Repeatable):
    """VPC API reference, AssociateEipAddress."""

    not_served = names("InstanceRegionId")

    allocation_id: str
    instance_id: str
    instance_type: Literal["EcsInstance", "HaVip"] = "EcsInstance"
    private_ip_address: str = ""
    mode: Literal["NAT"] = "NAT"
    vpc_id: str = ""


class UnassociateEipAddress(Repeatable):
    """VPC API reference, UnassociateEipAddress."""

    allocation_id: str
    instance_id: str = ""
    instance_type: Literal["EcsInstance", "HaVip"] = "EcsInstance"
    private_ip_address: str = ""
    force: bool = False


class ReleaseEipAddress(Call):
    """VPC API reference, ReleaseEipAddress."""

    allocation_id: str


class DeletionProtection(Repeatable):
    """VPC API reference, DeletionProtection."""

    instance_id: str
    type: Literal["EIP"]
    protection_enable: bool


@action(VPC, AllocateEipAddress, changes=True)
def allocate_eip_address(session: Session, call: AllocateEipAddress) -> Body:
    """Allocate an EIP."""
    eip = eips.allocate(
        session,
        name=call.name,
        description=call.description,
        bandwidth=call.bandwidth,
        charge_type=call.internet_charge_type,
        isp=call.isp,
        tags=as_dict(call.tag),
    )
    return {"AllocationId": eip.id, "EipAddress": str(eip.address), "ResourceGroupId": ""}


@action(VPC, DescribeEipAddresses)
def describe_eip_addresses(session: Session, call: DescribeEipAddresses) -> Body:
    """Show the EIPs that pass the filters."""
    found = [
        eip
        for eip in session.here(session.state.eips)
        if call.allocation_id in ("", eip.id)
        and call.eip_address in ("", str(eip.address))
        and call.eip_name in (None, eip.name)
        and call.isp in ("", eip.isp)
        and has_tags(eip.tags, call.tag)
        and call.status in ("", eips.status(eip))
        and call.associated_instance_type in ("", eip.instance_type)
        and call.associated_instance_id in ("", eip.instance_id)
    ]
    shown: list[JsonValue] = [_eip(eip) for eip in call.page(found)]
    return {"EipAddresses": {"EipAddress": shown}, **call.counts(found)}


@action(VPC, ModifyEipAddressAttribute, changes=True)
def modify_eip_address_attribute(session: Session, call: ModifyEipAddressAttribute) -> Body:
    """Change an EIP's name, description or bandwidth."""
    eip = session.eip(call.allocation_id)
    texts.describe(eip, call.name, call.description)
    eip.bandwidth = call.bandwidth or eip.bandwidth
    return {}


@action(VPC, AssociateEipAddress, changes=True)
def associate_eip_address(session: Session, call: AssociateEipAddress) -> Body:
    """Lead an EIP to an instance or a HaVip."""
    eips.associate(
        session,
        allocation_id=call.allocation_id,
        owner_id=call.instance_id,
        kind=call.instance_type,
        private_address=call.private_ip_address,
        vpc_id=call.vpc_id,
    )
    return {}


@action(VPC, UnassociateEipAddress, changes=True)
def unassociate_eip_address(session: Session, call: UnassociateEipAddress) -> Body:
    """End an association."""
    eips.unassociate(session, call.allocation_id, call.instance_id)
    return {}


@action(VPC, ReleaseEipAddress, changes=True)
def release_eip_address(session: Session, call: ReleaseEipAddress) -> Body:
    """Give an EIP back."""
    eips.release(session, call.allocation_id)
    return {}


@action(VPC, DeletionProtection, changes=True)
def deletion_protection(session: Session, call: DeletionProtection) -> Body:
    """Protect an EIP against release."""
    session.eip(call.instance_id).deletion_protection = call.protection_enable
    return {}


def _eip(eip: Eip) -> Body:
    return {
        "AllocationId": eip.id,
        "IpAddress": str(eip.address),
        "Name": eip.name,
        "Description": eip.description,
        "RegionId": eip.region,
        "Status": eips.status(eip),
        "Bandwidth": eip.bandwidth,
        "EipBandwidth": eip.bandwidth,
        "InternetChargeType": eip.charge_type,
        "ChargeType": "PostPaid",
        "ISP": eip.isp,
        "Netmode": "public",
        "AllocationTime": eip.created,
        "InstanceId": eip.instance_id,
        "InstanceType": eip.instance_type,
        "PrivateIpAddress": eip.private_address,
        "VpcId": eip.target_vpc,
        "Mode": "NAT" if eip.instance_id else "",
        "DeletionProtection": eip.deletion_protection,
        "AvailableRegions": {"AvailableRegion": [eip.region]},
        "OperationLocks": {"LockReason": []},
        "HDMonitorStatus": "OFF",
        "PublicIpAddressPoolId": "",
        "SecurityProtectionTypes": {"SecurityProtectionType": []},
        "Zone": "",
        "ResourceGroupId": "",
        "Tags": vpc_tags(eip.tags),
    }
