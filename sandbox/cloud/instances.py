"""ECS instances. Source: ECS API reference RunInstances, StartInstance, StopInstance, DeleteInstance."""

import base64
import binascii
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from sandbox.cloud import eips, errors, ids, rules, security_groups, texts
from sandbox.cloud.catalogue import INSTANCE_TYPES
from sandbox.cloud.dataplane import HostSpec
from sandbox.cloud.session import Session
from sandbox.cloud.state import Disk, Instance, Phase, State, VSwitch
from sandbox.cloud.tags import checked
from sandbox.cloud.transitions import InstanceStatus, Work, settle
from sandbox.hosts import user_data

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])")


@dataclass(frozen=True)
class Order:
    """What RunInstances asks for; empty strings where it leaves the choice to the cloud."""

    image_id: str
    instance_type: str
    vswitch_id: str
    security_groups: tuple[str, ...]
    zone: str
    name: str
    description: str
    host_name: str
    address: str
    key_pair: str
    user_data: str
    disk: Disk
    internet_charge_type: str
    deletion_protection: bool
    tags: dict[str, str]


def run(session: Session, order: Order) -> Instance:
    """Make an instance and have its host made and booted."""
    vswitch = session.vswitch(order.vswitch_id)
    if order.zone and order.zone != vswitch.zone:
        raise errors.ecs.NetworkMismatch(f"vSwitch {vswitch.id}", f"zone {vswitch.zone}", order.zone)
    if order.image_id not in session.offer.images:
        raise errors.ecs.InvalidImageIdNotFound(order.image_id, ", ".join(session.offer.images))
    if order.instance_type not in INSTANCE_TYPES:
        raise errors.ecs.InvalidInstanceType(order.instance_type, ", ".join(INSTANCE_TYPES))
    if not order.security_groups:
        raise errors.common.MissingParameter("SecurityGroupId")
    if order.key_pair and order.key_pair not in session.state.key_pairs:
        raise errors.ecs.InvalidKeyPairNameNotFound(order.key_pair)
    decode_user_data(order.user_data, session.offer.limits.user_data)
    identifier = ids.resource_id("i")
    instance = Instance(
        id=identifier,
        region=vswitch.region,
        created=ids.now(),
        name=order.name or identifier,
        description=order.description,
        tags=checked(session, "instance", order.tags),
        vpc_id=vswitch.vpc_id,
        vswitch_id=vswitch.id,
        zone=vswitch.zone,
        image_id=order.image_id,
        instance_type=order.instance_type,
        host_name=host_name(order.host_name or identifier.replace("-", "z", 1)),
        address=_address(session, vswitch, order.address),
        mac=ids.mac_address(),
        interface_id=ids.resource_id("eni"),
        disk=order.disk,
        security_groups=security_groups.for_instance(session, order.security_groups, vswitch.vpc_id),
        key_pair=order.key_pair,
        user_data=order.user_data,
        deletion_protection=order.deletion_protection,
        internet_charge_type=order.internet_charge_type,
    )
    texts.describe(instance, instance.name, instance.description)
    session.state.instances[instance.id] = instance
    session.later(instance, Work.CREATE)
    return instance


def _address(session: Session, vswitch: VSwitch, wanted: str) -> IPv4Address:
    used = session.addresses(vswitch)
    if wanted:
        try:
            address = IPv4Address(wanted)
        except AddressValueError:
            raise errors.ecs.PrivateAddressMalformed(wanted) from None
        if address not in vswitch.cidr or address in rules.reserved(vswitch.cidr):
            raise errors.ecs.PrivateAddressOutOfRange(address, vswitch.cidr)
        rules.check_address(address, vswitch.cidr, used)
        return address
    free = rules.free_address(vswitch.cidr, used)
    if free is None:
        raise errors.vpc.AddressesExhausted(vswitch.id)
    return free


def host_name(text: str) -> str:
    """Return ``text`` if a host may be called so, else raise InvalidHostName."""
    if not _HOST_NAME.fullmatch(text) or ".." in text or "--" in text:
        raise errors.ecs.InvalidHostName(text)
    return text


def decode_user_data(text: str, limit: int) -> bytes | None:
    """Return what the host will get, None for nothing; ``limit`` in bytes. What hosts pass over is refused."""
    if not text:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise errors.ecs.InvalidUserData from None
    if len(data) > limit:
        raise errors.ecs.UserDataTooLong(len(data), limit)
    if reason := user_data.refusal(data):
        raise errors.ecs.UserDataNotServed(reason)
    return data


def host_spec(state: State, instance_id: str) -> HostSpec:
    """Return what an instance's host is made from."""
    instance = state.instances[instance_id]
    vswitch = state.vswitches[instance.vswitch_id].cidr
    pair = state.key_pairs.get(instance.key_pair)
    kind = INSTANCE_TYPES[instance.instance_type]
    return HostSpec(
        instance_id=instance.id,
        hostname=instance.host_name,
        image_id=instance.image_id,
        address=instance.address,
        prefix=vswitch.prefixlen,
        gateway=rules.gateway(vswitch),
        mac=instance.mac,
        cores=kind.cores,
        memory=round(kind.memory * 2**30),
        authorized_keys=(pair.public_key,) if pair else (),
        user_data=base64.b64decode(instance.user_data) or None,
    )


def start(session: Session, instance_id: str) -> None:
    """Boot a stopped instance."""
    instance = session.instance(instance_id)
    session.require_status(instance, InstanceStatus.STOPPED)
    instance.powered = True
    session.later(instance, Work.START)


def stop(session: Session, instance_id: str, *, force: bool) -> None:
    """Shut a running instance down."""
    instance = session.instance(instance_id)
    session.require_status(instance, InstanceStatus.RUNNING)
    instance.powered = False
    session.later(instance, Work.FORCE_STOP if force else Work.STOP)


def reboot(session: Session, instance_id: str, *, force: bool) -> None:
    """Restart a running instance."""
    instance = session.instance(instance_id)
    session.require_status(instance, InstanceStatus.RUNNING)
    session.later(instance, Work.FORCE_REBOOT if force else Work.REBOOT)


def release(session: Session, instance_id: str, *, force: bool, orderly: bool = False) -> None:
    """Begin to remove an instance; a running one only by ``force``, after a shutdown if it is to be ``orderly``.

    HaVips and EIPs let go of it at once.
    """
    instance = session.instance(instance_id)
    if instance.deletion_protection:
        raise errors.ecs.DeletionProtected(f"instance {instance.id}")
    status = session.status(instance)
    if not force and status not in (InstanceStatus.STOPPED, InstanceStatus.FAILED):
        raise errors.ecs.IncorrectInstanceStatus(
            instance.id, status.value, "Stopped; with Force=true it is released"
        )
    for vip in session.state.ha_vips.values():
        if instance.id in vip.instances:
            vip.instances.remove(instance.id)
            settle(vip)
    for eip in session.state.eips.values():
        if eip.instance_id == instance.id:
            eips.clear(eip)
    if orderly and status is InstanceStatus.RUNNING:
        session.later(instance, Work.STOP)
    instance.phase = Phase.RELEASING
    session.later(instance, Work.DELETE)
