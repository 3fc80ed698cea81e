"""HaVips and their attachments. Source: VPC API reference CreateHaVip, AssociateHaVip, UnassociateHaVip."""

from sandbox.cloud import errors, ids, rules, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import HaVip, HaVipStatus
from sandbox.cloud.tags import checked
from sandbox.cloud.transitions import STEADY

INSTANCE_TYPE = "EcsInstance"


def create(
    session: Session,
    *,
    vswitch_id: str,
    address: str,
    name: str,
    description: str,
    tags: dict[str, str] | None = None,
) -> HaVip:
    """Make a HaVip at ``address``, or at one the cloud picks for an empty one."""
    vswitch = session.vswitch(vswitch_id)
    if len(session.state.ha_vips) >= session.offer.limits.ha_vips:
        raise errors.vpc.HaVipQuotaExceeded(session.offer.limits.ha_vips)
    used = session.addresses(vswitch)
    if address:
        chosen = rules.address(address)
        rules.check_address(chosen, vswitch.cidr, used)
    else:
        free = rules.free_address(vswitch.cidr, used)
        if free is None:
            raise errors.vpc.AddressesExhausted(vswitch.id)
        chosen = free
    vip = HaVip(
        id=ids.resource_id("havip"),
        region=vswitch.region,
        created=ids.now(),
        name=name,
        description=description,
        vpc_id=vswitch.vpc_id,
        vswitch_id=vswitch.id,
        address=chosen,
        tags=checked(session, "HaVip", tags or {}),
    )
    texts.describe(vip, vip.name, vip.description)
    session.state.ha_vips[vip.id] = vip
    return vip


def delete(session: Session, ha_vip_id: str) -> None:
    """Remove a HaVip nothing is attached to."""
    vip = session.ha_vip(ha_vip_id)
    for eip in session.state.eips.values():
        if eip.instance_id == vip.id:
            raise errors.vpc.DependencyViolationHaVipAssociatedWithEip(vip.id, eip.id)
    if vip.status is not HaVipStatus.AVAILABLE:
        raise errors.vpc.IncorrectStatus(vip.id, vip.status.value)
    del session.state.ha_vips[vip.id]


def associate(session: Session, ha_vip_id: str, instance_id: str) -> None:
    """Begin to attach an instance; from ``InUse`` on it may claim the address."""
    vip, instance = session.ha_vip(ha_vip_id), session.instance(instance_id)
    limits = session.offer.limits
    if instance.vswitch_id != vip.vswitch_id:
        raise errors.vpc.InvalidParameterMismatch("Instance", instance.id, vip.vswitch_id)
    if instance.id in vip.instances:
        raise errors.vpc.ResourceAlreadyAssociated(vip.id, instance.id)
    if len(vip.instances) >= limits.instances_per_ha_vip:
        raise errors.vpc.InstancesPerHaVipExceeded(vip.id, limits.instances_per_ha_vip)
    attached = [other for other in session.state.ha_vips.values() if instance.id in other.instances]
    if len(attached) >= limits.ha_vips_per_instance:
        raise errors.vpc.HaVipsPerInstanceExceeded(instance.id, limits.ha_vips_per_instance)
    session.require_status(instance, *STEADY, error=errors.vpc.IncorrectInstanceStatus)
    vip.moving, vip.status = instance.id, HaVipStatus.ASSOCIATING


def unassociate(session: Session, ha_vip_id: str, instance_id: str, *, force: bool) -> None:
    """Begin to detach an instance; the one that holds the address goes only by ``force``."""
    vip, instance = session.ha_vip(ha_vip_id), session.instance(instance_id)
    if instance.id not in vip.instances:
        raise errors.vpc.ResourceNotAssociated(vip.id, instance.id)
    session.require_status(instance, *STEADY, error=errors.vpc.IncorrectInstanceStatus)
    if not force and master(session, vip) == instance.id:
        raise errors.vpc.UnassociateMaster(instance.id, vip.id)
    vip.moving, vip.status = instance.id, HaVipStatus.UNASSOCIATING


def master(session: Session, vip: HaVip) -> str:
    """Return the attached instance that holds the address now, or an empty string."""
    holder = session.plane.holder(vip.vpc_id, vip.address)
    return holder if holder in vip.instances else ""
