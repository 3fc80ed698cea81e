"""ECS instances (Ecs 2014-05-26): what is done to them, and DescribeInstances."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from sandbox.api.model import (
    Body,
    JsonList,
    Parameters,
    Rehearsable,
    Repeatable,
    Tag,
    Tokened,
    as_dict,
    at_most,
    has_tags,
    names,
)
from sandbox.api.registry import ECS, action
from sandbox.api.views import instance_view
from sandbox.cloud import eips, ids, instances, security_groups, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import Disk

_LARGEST_DISK = 2048


class SystemDisk(Parameters):
    """The system disk. Sizes and categories are kept and shown; a host's disk is as large as it needs."""

    category: Literal["cloud_essd", "cloud_auto", "cloud_efficiency", "cloud_ssd"] = "cloud_essd"
    size: int = Field(default=40, ge=20, le=_LARGEST_DISK)
    disk_name: str = ""
    description: str = ""
    performance_level: Literal["", "PL0", "PL1", "PL2", "PL3"] = ""

    not_served = names(
        """
        AutoSnapshotPolicyId BurstingEnabled EncryptAlgorithm Encrypted KMSKeyId ProvisionedIops StorageClusterId
        """
    )


class RunInstances(Rehearsable, Repeatable):
    """ECS API reference, RunInstances. Paid by use."""

    not_served = names(
        """
        AdditionalInfo Affinity Arn AutoPay AutoReleaseTime AutoRenew AutoRenewPeriod
        CapacityReservationId CapacityReservationPreference ClockOptions CpuOptions CreditSpecification DataDisk
        DedicatedHostId DeploymentSetGroupNo DeploymentSetId HibernationOptions HostNames HpcClusterId
        HttpEndpoint HttpPutResponseHopLimit HttpTokens ImageFamily ImageOptions InternetMaxBandwidthIn
        Ipv6Address Ipv6AddressCount Isp LaunchTemplateId LaunchTemplateName LaunchTemplateVersion
        ManagedHostId NetworkInterface NetworkInterfaceQueueNumber NetworkOptions Password PasswordInherit
        Period PeriodUnit PrivateDnsNameOptions PrivatePoolOptions RamRoleName ResourceGroupId
        SchedulerOptions SecurityEnhancementStrategy SecurityOptions SpotDuration
        SpotInterruptionBehavior SpotPriceLimit StorageSetId StorageSetPartitionNumber SystemTag Tenancy
        UniqueSuffix
        """
    )

    image_id: str
    instance_type: str
    v_switch_id: str
    security_group_id: str = ""
    security_group_ids: tuple[str, ...] = ()
    zone_id: str = ""
    instance_name: str = ""
    description: str = ""
    host_name: str = ""
    private_ip_address: str = ""
    key_pair_name: str = ""
    user_data: str = ""
    system_disk: SystemDisk = SystemDisk()
    instance_charge_type: Literal["PostPaid"] = "PostPaid"
    internet_charge_type: Literal["PayByTraffic", "PayByBandwidth"] = "PayByTraffic"
    # A public address of the instance's own is not to be had: EIPs are.
    internet_max_bandwidth_out: Annotated[int, Field(ge=0, le=0)] = 0
    io_optimized: Literal["optimized"] = "optimized"
    spot_strategy: Literal["NoSpot"] = "NoSpot"
    deletion_protection: bool = False
    amount: int = Field(default=1, ge=1, le=100)
    min_amount: int = Field(default=1, ge=1, le=100)
    tag: tuple[Tag, ...] = ()


class DescribeInstances(Rehearsable, Tokened):
    """ECS API reference, DescribeInstances. ``AdditionalAttributes`` are always answered."""

    not_served = names(
        """
        DeviceAvailable Filter HpcClusterId HttpEndpoint HttpPutResponseHopLimit
        HttpTokens InnerIpAddresses InstanceChargeType InstanceNetworkType
        InstanceTypeFamily InternetChargeType IoOptimized Ipv6Address LockReason NeedSaleCycle
        PublicIpAddresses RdmaIpAddresses ResourceGroupId
        """
    )

    max_results: Annotated[int | None, at_most(100)] = Field(default=None, ge=1)
    instance_ids: JsonList | None = None
    instance_name: str = ""
    vpc_id: str = ""
    v_switch_id: str = ""
    zone_id: str = ""
    security_group_id: str = ""
    status: str = ""
    key_pair_name: str = ""
    private_ip_addresses: JsonList | None = None
    eip_addresses: JsonList | None = None
    image_id: str = ""
    instance_type: str = ""
    additional_attributes: tuple[str, ...] = ()
    tag: tuple[Tag, ...] = ()


class OneInstance(Repeatable):
    """What the actions on one instance share."""

    instance_id: str


class StartInstance(Rehearsable, OneInstance):
    """ECS API reference, StartInstance."""

    not_served = names("InitLocalDisk")


class StopInstance(Rehearsable, OneInstance):
    """ECS API reference, StopInstance."""

    not_served = names("ConfirmStop Hibernate")

    force_stop: bool = False
    stopped_mode: Literal["KeepCharging", "StopCharging", "Not-applicable"] = "KeepCharging"


class RebootInstance(Rehearsable, OneInstance):
    """ECS API reference, RebootInstance."""

    force_stop: bool = False


class DeleteInstance(Rehearsable, OneInstance):
    """ECS API reference, DeleteInstance."""

    not_served = names("TerminateSubscription")

    force: bool = False
    force_stop: bool = True


class ModifyInstanceAttribute(OneInstance):
    """ECS API reference, ModifyInstanceAttribute."""

    not_served = names(
        """
        AdditionalInfo CpuOptions CreditSpecification EnableJumboFrame EnableNetworkEncryption ImageOptions
        NetworkInterfaceQueueNumber OSNameEn Password PrivateDnsNameOptions Recyclable
        RemoteConnectionOptions
        """
    )

    instance_name: str | None = None
    description: str | None = None
    deletion_protection: bool | None = None
    host_name: str | None = None
    user_data: str | None = None
    security_group_ids: tuple[str, ...] = ()


class ModifyInstanceSpec(Rehearsable, OneInstance):
    """ECS API reference, ModifyInstanceSpec."""

    not_served = names(
        """
        AllowMigrateAcrossZone Async Disk InternetMaxBandwidthIn InternetMaxBandwidthOut ModifyMode SystemDisk
        Temporary
        """
    )

    instance_type: str


class NewSystemDisk(Parameters):
    """The system disk to come."""

    size: int | None = Field(default=None, ge=20, le=_LARGEST_DISK)


class ReplaceSystemDisk(OneInstance):
    """ECS API reference, ReplaceSystemDisk."""

    not_served = names(
        """
        Architecture Arn DiskId EncryptAlgorithm Encrypted KMSKeyId Password PasswordInherit Platform
        SecurityEnhancementStrategy UseAdditionalService
        """
    )

    image_id: str
    key_pair_name: str | None = None
    system_disk: NewSystemDisk = NewSystemDisk()


class ModifyInstanceVpcAttribute(OneInstance):
    """ECS API reference, ModifyInstanceVpcAttribute. Its instance is stopped, and gets the address when it boots."""

    not_served = names("SecurityGroupId VpcId")

    v_switch_id: str
    private_ip_address: str = ""


class JoinSecurityGroup(OneInstance):
    """ECS API reference, JoinSecurityGroup."""

    not_served = names("NetworkInterfaceId")

    security_group_id: str


class LeaveSecurityGroup(OneInstance):
    """ECS API reference, LeaveSecurityGroup."""

    not_served = names("NetworkInterfaceId")

    security_group_id: str


@action(ECS, RunInstances, changes=True)
def run_instances(session: Session, call: RunInstances) -> Body:
    """Make instances and boot them. Of several with an address, the next ones get those that follow."""
    disk = call.system_disk
    order = instances.Order(
        image_id=call.image_id,
        instance_type=call.instance_type,
        vswitch_id=call.v_switch_id,
        security_groups=call.security_group_ids or tuple(filter(None, [call.security_group_id])),
        zone=call.zone_id,
        name=call.instance_name,
        description=call.description,
        host_name=call.host_name,
        address=call.private_ip_address,
        key_pair=call.key_pair_name,
        user_data=call.user_data,
        disk=Disk(
            id=ids.resource_id("d"),
            category=disk.category,
            size=disk.size,
            name=disk.disk_name,
            description=disk.description,
            performance_level=disk.performance_level or ("PL1" if disk.category == "cloud_essd" else ""),
        ),
        internet_charge_type=call.internet_charge_type,
        deletion_protection=call.deletion_protection,
        tags=as_dict(call.tag),
    )
    made: list[JsonValue] = [one.id for one in instances.run_many(session, order, call.amount)]
    return {"InstanceIdSets": {"InstanceIdSet": made}}


@action(ECS, DescribeInstances)
def describe_instances(session: Session, call: DescribeInstances) -> Body:
    """Show the instances that pass the filters, with the status of their hosts."""
    found = [
        instance
        for instance in session.here(session.state.instances)
        if (call.instance_ids is None or instance.id in call.instance_ids)
        and call.instance_name in ("", instance.name)
        and call.vpc_id in ("", instance.vpc_id)
        and call.v_switch_id in ("", instance.vswitch_id)
        and call.zone_id in ("", instance.zone)
        and (not call.security_group_id or call.security_group_id in instance.security_groups)
        and call.key_pair_name in ("", instance.key_pair)
        and (call.private_ip_addresses is None or str(instance.address) in call.private_ip_addresses)
        and (call.eip_addresses is None or eips.address_of(session, instance.id) in call.eip_addresses)
        and call.image_id in ("", instance.image_id)
        and call.instance_type in ("", instance.instance_type)
        and has_tags(instance.tags, call.tag)
        and call.status in ("", session.status(instance).value)
    ]
    shown: list[JsonValue] = [instance_view(session, instance) for instance in call.page(found)]
    return {"Instances": {"Instance": shown}, **call.counts(found)}


@action(ECS, StartInstance, changes=True)
def start_instance(session: Session, call: StartInstance) -> Body:
    """Boot an instance."""
    instances.start(session, call.instance_id)
    return {}


@action(ECS, StopInstance, changes=True)
def stop_instance(session: Session, call: StopInstance) -> Body:
    """Shut an instance down."""
    instances.stop(session, call.instance_id, force=call.force_stop)
    return {}


@action(ECS, RebootInstance, changes=True)
def reboot_instance(session: Session, call: RebootInstance) -> Body:
    """Restart an instance."""
    instances.reboot(session, call.instance_id, force=call.force_stop)
    return {}


@action(ECS, DeleteInstance, changes=True)
def delete_instance(session: Session, call: DeleteInstance) -> Body:
    """Release an instance."""
    instances.release(session, call.instance_id, force=call.force, orderly=not call.force_stop)
    return {}


@action(ECS, ModifyInstanceAttribute, changes=True)
def modify_instance_attribute(session: Session, call: ModifyInstanceAttribute) -> Body:
    """Change what an instance is called, its protection, its groups, or what its next boot finds."""
    instance = session.instance(call.instance_id)
    if call.host_name is not None:
        instances.rename_host(session, instance, call.host_name)
    if call.user_data is not None:
        instances.set_user_data(session, instance, call.user_data)
    if call.security_group_ids:
        security_groups.put(session, call.security_group_ids, instance)
    texts.describe(instance, call.instance_name, call.description)
    if call.deletion_protection is not None:
        instance.deletion_protection = call.deletion_protection
    return {}


@action(ECS, ModifyInstanceSpec, changes=True)
def modify_instance_spec(session: Session, call: ModifyInstanceSpec) -> Body:
    """Change an instance's type, which counts from its next boot."""
    instances.resize(session, session.instance(call.instance_id), call.instance_type)
    return {"OrderId": ""}


@action(ECS, ReplaceSystemDisk, changes=True)
def replace_system_disk(session: Session, call: ReplaceSystemDisk) -> Body:
    """Give an instance a new disk with an image on it."""
    instance = session.instance(call.instance_id)
    instances.reimage(session, instance, call.image_id, call.key_pair_name, call.system_disk.size)
    return {"DiskId": instance.disk.id}


@action(ECS, ModifyInstanceVpcAttribute, changes=True)
def modify_instance_vpc_attribute(session: Session, call: ModifyInstanceVpcAttribute) -> Body:
    """Change where in its VPC an instance is."""
    instances.move(session, call.instance_id, call.v_switch_id, call.private_ip_address)
    return {}


@action(ECS, JoinSecurityGroup, changes=True)
def join_security_group(session: Session, call: JoinSecurityGroup) -> Body:
    """Make an instance a member of a group."""
    security_groups.join(session, call.security_group_id, session.instance(call.instance_id))
    return {}


@action(ECS, LeaveSecurityGroup, changes=True)
def leave_security_group(session: Session, call: LeaveSecurityGroup) -> Body:
    """End a membership."""
    security_groups.leave(session, call.security_group_id, session.instance(call.instance_id))
    return {}
