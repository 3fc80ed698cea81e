"""What the cloud has to offer (Ecs 2014-05-26): zones, instance types, images."""

from typing import Literal

from pydantic import Field, JsonValue

from sandbox.api.model import Body, Call, Paged, Rehearsable, Tag, names
from sandbox.api.registry import ECS, action
from sandbox.cloud.catalogue import DISK_CATEGORIES, INSTANCE_TYPES, REGIONS, Image, InstanceType, zones
from sandbox.cloud.session import Session

_AVAILABLE: Body = {"Status": "Available", "StatusCategory": "WithStock"}


class DescribeRegions(Call):
    """ECS API reference, DescribeRegions."""

    not_served = names("InstanceChargeType ResourceType")

    accept_language: str = "en-US"


class DescribeZones(Call):
    """ECS API reference, DescribeZones."""

    instance_charge_type: Literal["PostPaid"] = "PostPaid"
    spot_strategy: Literal["NoSpot"] = "NoSpot"
    accept_language: str = "en-US"
    verbose: bool = True


class DescribeAvailableResource(Call):
    """ECS API reference, DescribeAvailableResource."""

    not_served = names("DataDiskCategory DedicatedHostId Scope SpotDuration")

    destination_resource: Literal["Zone", "IoOptimized", "InstanceType", "SystemDisk", "DataDisk", "Network"]
    io_optimized: Literal["optimized"] = "optimized"
    instance_charge_type: Literal["PostPaid"] = "PostPaid"
    spot_strategy: Literal["NoSpot"] = "NoSpot"
    network_category: Literal["vpc"] = "vpc"
    resource_type: Literal["instance", "disk"] = "instance"
    zone_id: str = ""
    instance_type: str = ""
    system_disk_category: str = ""
    cores: int | None = None
    memory: float | None = None


class DescribeInstanceTypes(Call):
    """ECS API reference, DescribeInstanceTypes."""

    not_served = names(
        """
        AdditionalAttributes CpuArchitecture CpuArchitectures GPUSpec GpuSpecs InstanceCategories InstanceCategory
        InstanceFamilyLevel InstanceTypeFamilies LocalStorageCategories LocalStorageCategory
        MaximumCpuCoreCount MaximumCpuSpeedFrequency MaximumCpuTurboFrequency MaximumGPUAmount
        MaximumMemorySize MinimumBaselineCredit MinimumCpuCoreCount MinimumCpuSpeedFrequency
        MinimumCpuTurboFrequency MinimumDiskQuantity MinimumEniIpv6AddressQuantity
        MinimumEniPrivateIpAddressQuantity MinimumEniQuantity MinimumEriQuantity MinimumGPUAmount
        MinimumInitialCredit MinimumInstanceBandwidthRx MinimumInstanceBandwidthTx MinimumInstancePpsRx
        MinimumInstancePpsTx MinimumLocalStorageAmount MinimumLocalStorageCapacity MinimumMemorySize
        MinimumPrimaryEniQueueNumber MinimumQueuePairNumber MinimumSecondaryEniQueueNumber NvmeSupport
        PhysicalProcessorModel PhysicalProcessorModels SupportHotModify
        """
    )

    instance_type_family: str = ""
    instance_types: tuple[str, ...] = ()
    max_results: int | None = None
    next_token: str = ""


class DescribeImages(Rehearsable, Paged):
    """ECS API reference, DescribeImages."""

    not_served = names(
        """
        ActionType Filter ImageFamily ImageOwnerId IsPublic IsSupportCloudinit
        IsSupportIoOptimized ResourceGroupId ShowExpired SnapshotId Usable
        """
    )

    image_id: str = ""
    image_name: str = ""
    image_owner_alias: str = ""
    status: str = "Available"
    architecture: Literal["", "x86_64"] = ""
    os_type: Literal["", "linux", "windows"] = Field(default="", alias="OSType")
    instance_type: str = ""
    usage: str = ""
    tag: tuple[Tag, ...] = ()


class DescribeImageSupportInstanceTypes(Call):
    """ECS API reference, DescribeImageSupportInstanceTypes."""

    not_served = names("ActionType Filter")

    image_id: str


@action(ECS, DescribeRegions)
def describe_regions(_session: Session, _call: DescribeRegions) -> Body:
    """Show the regions."""
    shown: list[JsonValue] = [
        {"RegionId": region, "LocalName": region, "Status": "available"} for region in REGIONS
    ]
    return {"Regions": {"Region": shown}}


@action(ECS, DescribeZones)
def describe_zones(session: Session, _call: DescribeZones) -> Body:
    """Show the region's zones."""
    types: list[JsonValue] = list(INSTANCE_TYPES)
    disks: list[JsonValue] = list(DISK_CATEGORIES)
    shown: list[JsonValue] = [
        {
            "ZoneId": zone,
            "LocalName": zone,
            "ZoneType": "AvailabilityZone",
            "AvailableInstanceTypes": {"InstanceTypes": types},
            "AvailableDiskCategories": {"DiskCategories": disks},
            "AvailableResourceCreation": {"ResourceTypes": ["Instance", "Disk", "VSwitch", "IoOptimized"]},
            "AvailableResources": {"ResourcesInfo": []},
            "AvailableVolumeCategories": {"VolumeCategories": []},
            "DedicatedHostGenerations": {"DedicatedHostGeneration": []},
        }
        for zone in zones(session.home)
    ]
    return {"Zones": {"Zone": shown}}


@action(ECS, DescribeAvailableResource)
def describe_available_resource(session: Session, call: DescribeAvailableResource) -> Body:
    """Show what can be had in which zone: everything the sandbox knows, in all of them."""
    supported: list[JsonValue] = [{"Value": value, **_AVAILABLE} for value in _resources(session, call)]
    shown: list[JsonValue] = [
        {
            "RegionId": session.home,
            "ZoneId": zone,
            **_AVAILABLE,
            "AvailableResources": {
                "AvailableResource": [
                    {
                        "Type": call.destination_resource,
                        "SupportedResources": {"SupportedResource": supported},
                    }
                ]
            },
        }
        for zone in zones(session.home)
        if call.zone_id in ("", zone)
    ]
    return {"AvailableZones": {"AvailableZone": shown}}


def _resources(session: Session, call: DescribeAvailableResource) -> list[str]:
    match call.destination_resource:
        case "Zone":
            return list(zones(session.home))
        case "InstanceType":
            return [
                kind.id
                for kind in INSTANCE_TYPES.values()
                if call.instance_type in ("", kind.id)
                and call.cores in (None, kind.cores)
                and call.memory in (None, kind.memory)
            ]
        case "SystemDisk" | "DataDisk":
            return list(DISK_CATEGORIES)
        case "IoOptimized":
            return ["optimized"]
        case "Network":
            return ["vpc"]


@action(ECS, DescribeInstanceTypes)
def describe_instance_types(_session: Session, call: DescribeInstanceTypes) -> Body:
    """Show the instance types, all at once."""
    shown: list[JsonValue] = [
        _instance_type(kind)
        for kind in INSTANCE_TYPES.values()
        if call.instance_type_family in ("", kind.family)
        and (not call.instance_types or kind.id in call.instance_types)
    ]
    return {"InstanceTypes": {"InstanceType": shown}, "NextToken": ""}


@action(ECS, DescribeImages)
def describe_images(session: Session, call: DescribeImages) -> Body:
    """Show the images that pass the filters."""
    wanted = call.image_id.split(",") if call.image_id else None
    found = [
        image
        for image in session.offer.images.values()
        if (wanted is None or image.id in wanted)
        and call.image_name in ("", image.id)
        and call.image_owner_alias in ("", "system")
        and "Available" in call.status.split(",")
        and call.os_type in ("", "linux")
        and not call.tag
    ]
    shown: list[JsonValue] = [_image(image) for image in call.page(found)]
    return {"RegionId": session.home, "Images": {"Image": shown}, **call.counts(found)}


@action(ECS, DescribeImageSupportInstanceTypes)
def describe_image_support(session: Session, call: DescribeImageSupportInstanceTypes) -> Body:
    """Show that every instance type runs every image."""
    known = call.image_id in session.offer.images
    shown: list[JsonValue] = [_instance_type(kind) for kind in INSTANCE_TYPES.values()] if known else []
    return {"ImageId": call.image_id, "RegionId": session.home, "InstanceTypes": {"InstanceType": shown}}


def _instance_type(kind: InstanceType) -> Body:
    # Clients compare the size as a number: 4 and 0.5, never 4.0.
    memory: JsonValue = int(kind.memory) if kind.memory == int(kind.memory) else kind.memory
    return {
        "InstanceTypeId": kind.id,
        "InstanceTypeFamily": kind.family,
        "InstanceFamilyLevel": "EnterpriseLevel",
        "CpuCoreCount": kind.cores,
        "CpuArchitecture": "X86",
        "MemorySize": memory,
        "EniQuantity": 3,
        "EniPrivateIpAddressQuantity": 6,
        "EniIpv6AddressQuantity": 1,
        "GPUAmount": 0,
        "GPUSpec": "",
        "LocalStorageCategory": "",
        "InitialCredit": 0,
        "BaselineCredit": 0,
    }


def _image(image: Image) -> Body:
    return {
        "ImageId": image.id,
        "ImageName": image.id,
        "Description": "",
        "ImageOwnerAlias": "system",
        "ImageVersion": "",
        "OSType": "linux",
        "OSName": image.os_name,
        "OSNameEn": image.os_name,
        "Platform": image.platform,
        "Architecture": "x86_64",
        "Size": image.size,
        "Status": "Available",
        "Progress": "100%",
        "Usage": "instance",
        "CreationTime": image.created,
        "IsSupportCloudinit": True,
        "IsSupportIoOptimized": True,
        "IsCopied": False,
        "IsSelfShared": "",
        "IsSubscribed": False,
        "ProductCode": "",
        "DiskDeviceMappings": {"DiskDeviceMapping": []},
        "Tags": {"Tag": []},
    }
