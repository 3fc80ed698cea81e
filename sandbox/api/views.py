"""An instance in the words of the ECS API.

Clients plan a replacement where a field they left out comes back with a value, so what was not asked for
stays empty, false or zero.
"""

from pydantic import JsonValue

from sandbox.api.model import Body, ecs_tags
from sandbox.cloud.catalogue import INSTANCE_TYPES
from sandbox.cloud.session import Session
from sandbox.cloud.state import Instance

_MIB_PER_GIB = 1024


def instance_view(session: Session, instance: Instance) -> Body:
    """Return one element of DescribeInstances."""
    kind = INSTANCE_TYPES[instance.instance_type]
    image = session.offer.images.get(instance.image_id)
    return {
        "InstanceId": instance.id,
        "InstanceName": instance.name,
        "HostName": instance.host_name,
        "Description": instance.description,
        "Status": session.status(instance).value,
        "RegionId": instance.region,
        "ZoneId": instance.zone,
        "ImageId": instance.image_id,
        "OSName": image.os_name if image else "",
        "OSType": "linux",
        "InstanceType": kind.id,
        "InstanceTypeFamily": kind.family,
        "Cpu": kind.cores,
        "Memory": int(kind.memory * _MIB_PER_GIB),
        "KeyPairName": instance.key_pair,
        "SerialNumber": instance.id,
        **_money(instance),
        **_network(session, instance),
        **_not_asked_for(),
        "Tags": ecs_tags(instance.tags),
    }


def _money(instance: Instance) -> Body:
    return {
        "CreationTime": _minutes(instance.created),
        "StartTime": _minutes(instance.created),
        "ExpiredTime": "2099-12-31T15:59Z",
        "AutoReleaseTime": "",
        "InstanceChargeType": "PostPaid",
        "InternetChargeType": instance.internet_charge_type,
        "InternetMaxBandwidthIn": 0,
        "InternetMaxBandwidthOut": 0,
        "SpotStrategy": "NoSpot",
        "SpotPriceLimit": 0,
        "SpotDuration": 0,
        "CreditSpecification": "",
        "StoppedMode": "Not-applicable",
        "DeletionProtection": instance.deletion_protection,
    }


def _network(session: Session, instance: Instance) -> Body:
    groups: list[JsonValue] = list(instance.security_groups)
    address = str(instance.address)
    return {
        "InstanceNetworkType": "vpc",
        "VpcAttributes": {
            "VpcId": instance.vpc_id,
            "VSwitchId": instance.vswitch_id,
            "PrivateIpAddress": {"IpAddress": [address]},
            "NatIpAddress": "",
        },
        "SecurityGroupIds": {"SecurityGroupId": groups},
        "NetworkInterfaces": {
            "NetworkInterface": [
                {
                    "NetworkInterfaceId": instance.interface_id,
                    "Type": "Primary",
                    "MacAddress": instance.mac,
                    "PrimaryIpAddress": address,
                    "PrivateIpSets": {"PrivateIpSet": [{"Primary": True, "PrivateIpAddress": address}]},
                }
            ]
        },
        "PublicIpAddress": {"IpAddress": []},
        "InnerIpAddress": {"IpAddress": []},
        "EipAddress": _eip(session, instance),
    }


def _eip(session: Session, instance: Instance) -> Body:
    for eip in session.state.eips.values():
        if eip.instance_id == instance.id:
            return {
                "AllocationId": eip.id,
                "IpAddress": str(eip.address),
                "Bandwidth": int(eip.bandwidth),
                "InternetChargeType": eip.charge_type,
                "IsSupportUnassociate": True,
            }
    return {"AllocationId": "", "IpAddress": "", "InternetChargeType": ""}


def _not_asked_for() -> Body:
    return {
        "ResourceGroupId": "",
        "HpcClusterId": "",
        "DeploymentSetId": "",
        "DedicatedHostAttribute": {"DedicatedHostId": "", "DedicatedHostName": ""},
        "MetadataOptions": {
            "HttpTokens": "",
            "HttpEndpoint": "",
            "HttpPutResponseHopLimit": 0,
            "InstanceMetadataTags": "",
        },
        "ImageOptions": {"LoginAsNonRoot": False},
        "AdditionalInfo": {"EnableHighDensityMode": False},
        "OperationLocks": {"LockReason": []},
        "IoOptimized": True,
        "Recyclable": False,
        "DeviceAvailable": True,
        "GPUAmount": 0,
        "GPUSpec": "",
        "SpotInterruptionBehavior": "",
    }


def _minutes(created: str) -> str:
    """ECS writes times to the minute: 2026-01-31T12:00Z."""
    return created[:16] + "Z"
