"""ECS instances. Source: ECS API reference RunInstances, StartInstance, StopInstance, DeleteInstance."""

import base64
import binascii
import re
from dataclasses import dataclass, replace
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
    _check_image(session, order.image_id)
    _check_type(order.instance_type)
    if not order.security_groups:
        raise errors.common.MissingParameter("SecurityGroupId")
    _check_key_pair(session, order.key_pair, vswitch.region)
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


def _check_image(session: Session, image_id: str) -> None:
    if image_id not in session.offer.images:
        raise errors.ecs.InvalidImageIdNotFound(image_id, ", ".join(session.offer.images))


def _check_type(instance_type: str) -> None:
    if instance_type not in INSTANCE_TYPES:
        raise errors.ecs.InvalidInstanceType(instance_type, ", ".join(INSTANCE_TYPES))


def _check_key_pair(session: Session, name: str, region: str) -> None:
    pair = session.state.key_pairs.get(name)
    if name and (pair is None or pair.region != region):
        raise errors.ecs.InvalidKeyPairNameNotFound(name)


def run_many(session: Session, order: Order, number: int) -> list[Instance]:
    """Make so many instances, all of them or none; with an address, at it and the ones that follow.

    Source: ECS API reference RunInstances, Amount and PrivateIpAddress.
    """
    made = []
    for _ in range(number):
        made.append(run(session, order))
        order = replace(
            order,
            address=order.address and str(made[-1].address + 1),
            disk=order.disk.model_copy(update={"id": ids.resource_id("d")}),
        )
    return made


def rename_host(session: Session, instance: Instance, wanted: str) -> None:
    """Give an instance the host name of its next start or reboot through the API.

    Source: ECS API reference ModifyInstanceAttribute, HostName.
    """
    session.require_status(
        instance,
        *(one for one in InstanceStatus if one not in (InstanceStatus.PENDING, InstanceStatus.STARTING)),
    )
    instance.host_name = host_name(wanted)


def set_user_data(session: Session, instance: Instance, text: str) -> None:
    """Change what an instance's cloud-init finds at its next boot; scripts that ran once do not run again.

    In any state: the instance had to be stopped until 2024, and the provider still changes it first and stops the
    instance then. Source: ECS API reference ModifyInstanceAttribute, UserData.
    """
    decode_user_data(text, session.offer.limits.user_data)
    instance.user_data = text


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


def resize(session: Session, instance: Instance, instance_type: str) -> None:
    """Change a stopped instance's type. Source: ECS API reference ModifyInstanceSpec."""
    _check_type(instance_type)
    session.require_status(instance, InstanceStatus.STOPPED)
    instance.instance_type = instance_type


def reimage(
    session: Session, instance: Instance, image_id: str, key_pair: str | None, size: int | None
) -> None:
    """Replace a stopped instance's disk by a fresh one; what runs once an instance runs anew.

    Source: ECS API reference ReplaceSystemDisk. Without a key pair there is none afterwards.
    """
    _check_image(session, image_id)
    _check_key_pair(session, key_pair or "", instance.region)
    session.require_status(instance, InstanceStatus.STOPPED)
    instance.image_id, instance.key_pair = image_id, key_pair or ""
    instance.disk = instance.disk.model_copy(
        update={"id": ids.resource_id("d"), "size": size or instance.disk.size}
    )
    # Its host is made once more, and stays off.
    instance.phase = Phase.CREATING
    session.later(instance, Work.CREATE)


def start(session: Session, instance_id: str) -> None:
    """Boot a stopped instance, or try again to boot one that failed."""
    instance = session.instance(instance_id)
    failed = instance.phase is Phase.PLACED and session.status(instance) is InstanceStatus.FAILED
    if not failed:
        session.require_status(instance, InstanceStatus.STOPPED)
    instance.powered, instance.moved = True, False
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


def move(session: Session, instance_id: str, vswitch_id: str, address: str) -> None:
    """Give a stopped instance another address, in its vSwitch or another one of its VPC and zone, from its next boot.

    Source: ECS API reference ModifyInstanceVpcAttribute; like there, once between two starts.
    """
    instance = session.instance(instance_id)
    session.require_status(instance, InstanceStatus.STOPPED, error=errors.vpc.IncorrectInstanceStatus)
    vswitch = session.vswitch(vswitch_id)
    if vswitch.vpc_id != instance.vpc_id:
        raise errors.ecs.VSwitchNotInVpc(vswitch.id, instance.vpc_id)
    if vswitch.zone != instance.zone:
        raise errors.ecs.VSwitchInAnotherZone(instance.id, instance.zone, vswitch.id, vswitch.zone)
    if instance.moved:
        raise errors.ecs.PrivateAddressChanging(instance.id)
    for vip in session.state.ha_vips.values():
        if instance.id in vip.instances and vip.vswitch_id != vswitch.id:
            raise errors.ecs.BoundToHaVip(instance.id, vip.id)
    instance.address = _new_address(session, vswitch, address)
    instance.vswitch_id, instance.moved = vswitch.id, True


def _new_address(session: Session, vswitch: VSwitch, wanted: str) -> IPv4Address:
    try:
        return _address(session, vswitch, wanted)
    except errors.ecs.PrivateAddressOutOfRange:
        raise errors.ecs.PrivateAddressMismatch(wanted, vswitch.cidr) from None
    except errors.vpc.AddressInUse:
        raise errors.ecs.PrivateAddressDuplicated(wanted) from None


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
