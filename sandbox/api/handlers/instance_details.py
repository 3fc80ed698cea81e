"""The many side calls clients make to read one instance (Ecs 2014-05-26)."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from sandbox.api.model import Body, Call, JsonList, Paged, Rehearsable, ShortPaged, Tokened, at_most, names
from sandbox.api.registry import ECS, action
from sandbox.cloud.session import Session
from sandbox.cloud.state import Instance


class DescribeDisks(Rehearsable, Tokened):
    """ECS API reference, DescribeDisks."""

    not_served = names(
        """
        AdditionalAttributes AutoSnapshotPolicyId Category DeleteAutoSnapshot DeleteWithInstance
        DiskChargeType DiskName EnableAutoSnapshot EnableAutomatedSnapshotPolicy EnableShared
        Encrypted Filter KMSKeyId LockReason MultiAttach PerformanceLevel Portable ResourceGroupId SnapshotId Status Tag
        ZoneId
        """
    )

    max_results: Annotated[int | None, at_most(500)] = Field(default=None, ge=1)
    instance_id: str = ""
    disk_ids: JsonList | None = None
    disk_type: Literal["system", "data", "all"] = "all"


class DescribeInstanceStatus(ShortPaged):
    """ECS API reference, DescribeInstanceStatus."""

    not_served = names("ClusterId")

    instance_id: tuple[str, ...] = ()
    zone_id: str = ""


class DescribeUserData(Call):
    """ECS API reference, DescribeUserData."""

    instance_id: str


class DescribeInstanceRamRole(Paged):
    """ECS API reference, DescribeInstanceRamRole."""

    instance_ids: JsonList
    ram_role_name: str = ""


class DescribeNetworkInterfaces(Tokened):
    """ECS API reference, DescribeNetworkInterfaces. Every instance has its primary one only."""

    not_served = names(
        """
        Ipv6Address NetworkInterfaceName PrimaryIpAddress PrivateIpAddress ResourceGroupId
        SecurityGroupId ServiceManaged Status Tag
        """
    )

    max_results: Annotated[int | None, at_most(500)] = Field(default=None, ge=1)
    network_interface_id: tuple[str, ...] = ()
    instance_id: str = ""
    v_switch_id: str = ""
    vpc_id: str = ""
    type: Literal["", "Primary", "Secondary"] = ""


class DescribeInstanceMaintenanceAttributes(Paged):
    """ECS API reference, DescribeInstanceMaintenanceAttributes."""

    instance_id: tuple[str, ...] = ()


class DescribeInstanceAttribute(Call):
    """ECS API reference, DescribeInstanceAttribute."""

    instance_id: str


class DescribeInstanceAttachmentAttributes(Paged):
    """ECS API reference, DescribeInstanceAttachmentAttributes."""

    instance_ids: JsonList


@action(ECS, DescribeDisks)
def describe_disks(session: Session, call: DescribeDisks) -> Body:
    """Show the system disks."""
    found = [
        instance
        for instance in session.here(session.state.instances)
        if call.instance_id in ("", instance.id)
        and (call.disk_ids is None or instance.disk.id in call.disk_ids)
        and call.disk_type != "data"
    ]
    shown: list[JsonValue] = [_disk(instance) for instance in call.page(found)]
    return {"Disks": {"Disk": shown}, **call.counts(found)}


@action(ECS, DescribeInstanceStatus)
def describe_instance_status(session: Session, call: DescribeInstanceStatus) -> Body:
    """Show how instances are, and nothing else of them."""
    found = [
        instance
        for instance in session.here(session.state.instances)
        if (not call.instance_id or instance.id in call.instance_id) and call.zone_id in ("", instance.zone)
    ]
    shown: list[JsonValue] = [
        {"InstanceId": instance.id, "Status": session.status(instance).value} for instance in call.page(found)
    ]
    return {"InstanceStatuses": {"InstanceStatus": shown}, **call.counts(found)}


@action(ECS, DescribeUserData)
def describe_user_data(session: Session, call: DescribeUserData) -> Body:
    """Show an instance's user data, in base64."""
    instance = session.instance(call.instance_id)
    return {"RegionId": instance.region, "InstanceId": instance.id, "UserData": instance.user_data}


@action(ECS, DescribeInstanceRamRole)
def describe_instance_ram_role(session: Session, call: DescribeInstanceRamRole) -> Body:
    """Show that no instance has a role; one that is not listed, clients take for absent."""
    found = [] if call.ram_role_name else _instances(session, call.instance_ids)
    shown: list[JsonValue] = [{"InstanceId": instance.id, "RamRoleName": ""} for instance in call.page(found)]
    return {
        "RegionId": session.home,
        "InstanceRamRoleSets": {"InstanceRamRoleSet": shown},
        **call.counts(found),
    }


@action(ECS, DescribeNetworkInterfaces)
def describe_network_interfaces(session: Session, call: DescribeNetworkInterfaces) -> Body:
    """Show the primary interfaces."""
    found = [
        instance
        for instance in session.here(session.state.instances)
        if (not call.network_interface_id or instance.interface_id in call.network_interface_id)
        and call.instance_id in ("", instance.id)
        and call.v_switch_id in ("", instance.vswitch_id)
        and call.vpc_id in ("", instance.vpc_id)
        and call.type in ("", "Primary")
    ]
    shown: list[JsonValue] = [_interface(instance) for instance in call.page(found)]
    return {"NetworkInterfaceSets": {"NetworkInterfaceSet": shown}, **call.counts(found)}


@action(ECS, DescribeInstanceMaintenanceAttributes)
def describe_maintenance(session: Session, call: DescribeInstanceMaintenanceAttributes) -> Body:
    """Show that nothing about maintenance was asked for."""
    found = _instances(session, call.instance_id)
    shown: list[JsonValue] = [
        {
            "InstanceId": instance.id,
            "MaintenanceWindows": {"MaintenanceWindow": []},
            "ActionOnMaintenance": {"Value": "AutoRecover", "DefaultValue": "AutoRecover"},
            "NotifyOnMaintenance": False,
        }
        for instance in call.page(found)
    ]
    return {"MaintenanceAttributes": {"MaintenanceAttribute": shown}, **call.counts(found)}


@action(ECS, DescribeInstanceAttribute)
def describe_instance_attribute(session: Session, call: DescribeInstanceAttribute) -> Body:
    """Show one instance, briefly."""
    instance = session.instance(call.instance_id)
    groups: list[JsonValue] = list(instance.security_groups)
    return {
        "InstanceId": instance.id,
        "InstanceName": instance.name,
        "HostName": instance.host_name,
        "Description": instance.description,
        "Status": session.status(instance).value,
        "RegionId": instance.region,
        "ZoneId": instance.zone,
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "InstanceNetworkType": "vpc",
        "InstanceChargeType": "PostPaid",
        "VlanId": "",
        "SecurityGroupIds": {"SecurityGroupId": groups},
        "EnableJumboFrame": False,
        "EnableNetworkEncryption": False,
        "NetworkOptions": {"EnableJumboFrame": False, "EnableNetworkEncryption": False},
    }


@action(ECS, DescribeInstanceAttachmentAttributes)
def describe_attachment_attributes(session: Session, call: DescribeInstanceAttachmentAttributes) -> Body:
    """Show that no private pool was asked for."""
    found = _instances(session, call.instance_ids)
    shown: list[JsonValue] = [
        {
            "InstanceId": instance.id,
            "PrivatePoolOptionsMatchCriteria": "",
            "PrivatePoolOptionsId": "",
            "PrivatePoolOptionsName": "",
        }
        for instance in call.page(found)
    ]
    return {"Instances": {"Instance": shown}, **call.counts(found)}


def _instances(session: Session, wanted: tuple[str, ...]) -> list[Instance]:
    return [instance for instance in session.here(session.state.instances) if instance.id in wanted]


def _disk(instance: Instance) -> Body:
    disk = instance.disk
    return {
        "DiskId": disk.id,
        "DiskName": disk.name,
        "Description": disk.description,
        "InstanceId": instance.id,
        "Type": "system",
        "Category": disk.category,
        "Size": disk.size,
        "PerformanceLevel": disk.performance_level,
        "Status": "In_use",
        "Device": "/dev/xvda",
        "RegionId": instance.region,
        "ZoneId": instance.zone,
        "ImageId": instance.image_id,
        "CreationTime": instance.created,
        "DiskChargeType": "PostPaid",
        "DeleteWithInstance": True,
        "Portable": False,
        "Encrypted": False,
        "KMSKeyId": "",
        "AutoSnapshotPolicyId": "",
        "StorageClusterId": "",
        "ProvisionedIops": 0,
        "BurstingEnabled": False,
        "ResourceGroupId": "",
        "Tags": {"Tag": []},
    }


def _interface(instance: Instance) -> Body:
    groups: list[JsonValue] = list(instance.security_groups)
    return {
        "NetworkInterfaceId": instance.interface_id,
        "NetworkInterfaceName": "",
        "Description": "",
        "Type": "Primary",
        "Status": "InUse",
        "InstanceId": instance.id,
        "MacAddress": instance.mac,
        "VpcId": instance.vpc_id,
        "VSwitchId": instance.vswitch_id,
        "ZoneId": instance.zone,
        "PrivateIpAddress": str(instance.address),
        "PrivateIpSets": {"PrivateIpSet": [{"Primary": True, "PrivateIpAddress": str(instance.address)}]},
        "Ipv6Sets": {"Ipv6Set": []},
        "Ipv4PrefixSets": {"Ipv4PrefixSet": []},
        "Ipv6PrefixSets": {"Ipv6PrefixSet": []},
        "SecurityGroupIds": {"SecurityGroupId": groups},
        "Attachment": {"InstanceId": instance.id},
        "NetworkInterfaceTrafficMode": "Standard",
        "QueuePairNumber": 0,
        "SourceDestCheck": False,
        "CreationTime": instance.created,
        "ResourceGroupId": "",
        "Tags": {"Tag": []},
    }
