"""Every cloud object under the type token and input names of its Pulumi resource, to find orphans by.

The properties are those a create settles at once; tags come later and say nothing about a create cut off.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.cloud import eips, errors, ha_vips, instances, key_pairs, networks, security_groups
from sandbox.cloud.session import Session
from sandbox.cloud.state import State

Properties = dict[str, str]

EIP_ASSOCIATION = "alicloud:ecs/eipAssociation:EipAssociation"
HA_VIP_ATTACHMENT = "alicloud:vpc/hAVipAttachment:HAVipAttachment"
EIP = "alicloud:ecs/eipAddress:EipAddress"
HA_VIP = "alicloud:vpc/haVipv2:HaVipv2"
INSTANCE = "alicloud:ecs/instance:Instance"
KEY_PAIR = "alicloud:ecs/ecsKeyPair:EcsKeyPair"
SECURITY_GROUP = "alicloud:ecs/securityGroup:SecurityGroup"
VSWITCH = "alicloud:vpc/switch:Switch"
VPC = "alicloud:vpc/network:Network"


@dataclass(frozen=True)
class CloudObject:
    """One object; ``properties`` are named as its resource's inputs."""

    kind: str
    id: str
    properties: Properties


def objects(state: State) -> Iterator[CloudObject]:
    """Give every object, those that others depend on last."""
    for eip in state.eips.values():
        if eip.instance_id:
            ends = {"allocationId": eip.id, "instanceId": eip.instance_id}
            yield CloudObject(EIP_ASSOCIATION, f"{eip.id}:{eip.instance_id}", ends)
    for vip in state.ha_vips.values():
        for instance_id in vip.instances:
            ends = {"haVipId": vip.id, "instanceId": instance_id}
            yield CloudObject(HA_VIP_ATTACHMENT, f"{vip.id}:{instance_id}", ends)
    for eip in state.eips.values():
        about = {"addressName": eip.name, "bandwidth": eip.bandwidth, "internetChargeType": eip.charge_type}
        yield CloudObject(EIP, eip.id, about)
    for vip in state.ha_vips.values():
        about = {"vswitchId": vip.vswitch_id, "ipAddress": str(vip.address), "haVipName": vip.name}
        yield CloudObject(HA_VIP, vip.id, about)
    yield from _compute(state)
    for vswitch in state.vswitches.values():
        about = {"vpcId": vswitch.vpc_id, "cidrBlock": str(vswitch.cidr), "vswitchName": vswitch.name}
        yield CloudObject(VSWITCH, vswitch.id, about)
    for vpc in state.vpcs.values():
        yield CloudObject(VPC, vpc.id, {"cidrBlock": str(vpc.cidr), "vpcName": vpc.name})


def _compute(state: State) -> Iterator[CloudObject]:
    for instance in state.instances.values():
        about = {
            "vswitchId": instance.vswitch_id,
            "privateIp": str(instance.address),
            "instanceName": instance.name,
        }
        yield CloudObject(INSTANCE, instance.id, about)
    for pair in state.key_pairs.values():
        yield CloudObject(KEY_PAIR, pair.name, {"keyPairName": pair.name})
    for group in state.security_groups.values():
        about = {"vpcId": group.vpc_id, "securityGroupName": group.name}
        yield CloudObject(SECURITY_GROUP, group.id, about)


def remove(session: Session, kind: str, identifier: str) -> None:
    """Remove an object by force; others that use it are an error.

    Raises:
        ApiError: the object is gone or in use.
        InvalidParameter: no object is of this kind.

    """
    remover = _REMOVERS.get(kind)
    if remover is None:
        raise errors.common.InvalidParameter("kind", f"{kind} is none of {', '.join(_REMOVERS)}.")
    remover(session, identifier)


def _remove_eip_association(session: Session, identifier: str) -> None:
    allocation, owner = identifier.split(":")
    eips.unassociate(session, allocation, owner)


def _remove_attachment(session: Session, identifier: str) -> None:
    vip, instance = identifier.split(":")
    ha_vips.unassociate(session, vip, instance, force=True)


def _remove_eip(session: Session, identifier: str) -> None:
    session.eip(identifier).deletion_protection = False
    eips.release(session, identifier)


def _remove_instance(session: Session, identifier: str) -> None:
    session.instance(identifier).deletion_protection = False
    instances.release(session, identifier, force=True)


_REMOVERS: dict[str, Callable[[Session, str], None]] = {
    EIP_ASSOCIATION: _remove_eip_association,
    HA_VIP_ATTACHMENT: _remove_attachment,
    EIP: _remove_eip,
    HA_VIP: ha_vips.delete,
    INSTANCE: _remove_instance,
    KEY_PAIR: lambda session, name: key_pairs.delete(session, [name]),
    SECURITY_GROUP: security_groups.delete,
    VSWITCH: networks.delete_vswitch,
    VPC: networks.delete_vpc,
}
