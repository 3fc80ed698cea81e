"""EIPs: loopback addresses that lead to an instance or a HaVip. Source: VPC API reference, EIP."""

from typing import Literal

from sandbox.cloud import errors, ids, texts
from sandbox.cloud.session import Session
from sandbox.cloud.state import Eip, HaVip, Instance
from sandbox.cloud.tags import checked
from sandbox.cloud.transitions import STEADY

Kind = Literal["EcsInstance", "HaVip"]
AVAILABLE, IN_USE = "Available", "InUse"


def allocate(
    session: Session,
    *,
    name: str,
    description: str,
    bandwidth: str,
    charge_type: str,
    isp: str,
    tags: dict[str, str],
) -> Eip:
    """Take the next free address of the range."""
    if len(session.state.eips) >= session.offer.limits.eips:
        raise errors.vpc.EipQuotaExceeded(session.offer.limits.eips)
    taken = {eip.address for eip in session.state.eips.values()}
    address = next((host for host in session.offer.eip_range.hosts() if host not in taken), None)
    if address is None:
        raise errors.vpc.EipsExhausted(session.offer.eip_range)
    eip = Eip(
        id=ids.resource_id("eip"),
        region=session.home,
        created=ids.now(),
        name=name,
        description=description,
        address=address,
        bandwidth=bandwidth,
        charge_type=charge_type,
        isp=isp,
        tags=checked(session, "EIP", tags),
    )
    texts.describe(eip, eip.name, eip.description)
    session.state.eips[eip.id] = eip
    return eip


def status(eip: Eip) -> str:
    """Return the status DescribeEipAddresses reports."""
    return IN_USE if eip.instance_id else AVAILABLE


def release(session: Session, allocation_id: str) -> None:
    """Give an address back that leads nowhere."""
    eip = session.eip(allocation_id)
    if eip.deletion_protection:
        raise errors.vpc.EipDeletionProtected(eip.id)
    _require(eip, AVAILABLE)
    del session.state.eips[eip.id]


def associate(
    session: Session, *, allocation_id: str, owner_id: str, kind: Kind, private_address: str, vpc_id: str
) -> None:
    """Lead an EIP to an instance or a HaVip; it is in effect when this is answered."""
    eip = session.eip(allocation_id)
    owner = _owner(session, owner_id, kind)
    if owner.region != eip.region:
        # A region's API knows nothing of another's.
        raise (errors.vpc.InvalidHaVipIdNotFound if kind == "HaVip" else errors.vpc.InvalidInstanIdNotFound)(
            owner_id
        )
    for other in session.state.eips.values():
        if other.instance_id == owner.id:
            raise errors.vpc.InvalidAssociationDuplicated(owner.id, other.id)
    _require(eip, AVAILABLE)
    if isinstance(owner, Instance):
        session.require_status(owner, *STEADY, error=errors.vpc.IncorrectInstanceStatus)
    if private_address and private_address != str(owner.address):
        raise errors.common.InvalidParameter("PrivateIpAddress", f"{owner.id} has {owner.address}.")
    if vpc_id and vpc_id != owner.vpc_id:
        raise errors.common.InvalidParameter("VpcId", f"{owner.id} is in {owner.vpc_id}.")
    eip.instance_id, eip.instance_type = owner.id, kind
    eip.private_address, eip.target_vpc = private_address, vpc_id


def unassociate(session: Session, allocation_id: str, owner_id: str) -> None:
    """End an association."""
    eip = session.eip(allocation_id)
    _require(eip, IN_USE)
    if owner_id and owner_id != eip.instance_id:
        raise errors.common.InvalidParameter(
            "InstanceId", f"EIP {eip.id} is associated with {eip.instance_id}."
        )
    clear(eip)


def address_of(session: Session, owner_id: str) -> str:
    """Return the address of the EIP that leads to an instance or HaVip, an empty string if none does."""
    leading = (str(eip.address) for eip in session.state.eips.values() if eip.instance_id == owner_id)
    return next(leading, "")


def clear(eip: Eip) -> None:
    """Forget where an EIP led."""
    eip.instance_id = eip.instance_type = eip.private_address = eip.target_vpc = ""


def _owner(session: Session, owner_id: str, kind: Kind) -> Instance | HaVip:
    if kind == "HaVip":
        return session.ha_vip(owner_id)
    try:
        return session.instance(owner_id)
    except errors.ecs.InvalidInstanceIdNotFound:
        raise errors.vpc.InvalidInstanIdNotFound(owner_id) from None


def _require(eip: Eip, wanted: str) -> None:
    if status(eip) != wanted:
        raise errors.vpc.IncorrectEipStatus(eip.id, status(eip), wanted)
