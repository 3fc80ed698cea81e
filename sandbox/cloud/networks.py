"""VPCs and vSwitches. Source: VPC API reference 2016-04-28."""

from ipaddress import IPv4Network

from sandbox.cloud import errors, ids, rules, texts
from sandbox.cloud.catalogue import zones
from sandbox.cloud.session import Session
from sandbox.cloud.state import Vpc, VSwitch
from sandbox.cloud.tags import checked

DEFAULT_CIDR = "172.16.0.0/12"


def create_vpc(session: Session, *, cidr: str, name: str, description: str, tags: dict[str, str]) -> Vpc:
    """Make a VPC with its system route table."""
    range_ = rules.network(cidr or DEFAULT_CIDR)
    rules.check_vpc(range_)
    if len(session.here(session.state.vpcs)) >= session.offer.limits.vpcs:
        raise errors.vpc.VpcQuotaExceeded(session.offer.limits.vpcs)
    vpc = Vpc(
        id=ids.resource_id("vpc"),
        region=session.home,
        created=ids.now(),
        name=name,
        description=description,
        tags=checked(session, "VPC", tags),
        cidr=range_,
        router_id=ids.resource_id("vrt"),
        route_table_id=ids.resource_id("vtb"),
    )
    texts.describe(vpc, vpc.name, vpc.description)
    session.state.vpcs[vpc.id] = vpc
    return vpc


def delete_vpc(session: Session, vpc_id: str) -> None:
    """Remove an empty VPC."""
    vpc = session.vpc(vpc_id)
    for vswitch in vswitches_of(session, vpc):
        raise errors.vpc.DependencyViolationVSwitch(vpc.id, vswitch.id)
    for group in session.state.security_groups.values():
        if group.vpc_id == vpc.id:
            raise errors.vpc.DependencyViolationSecurityGroup(vpc.id, group.id)
    del session.state.vpcs[vpc.id]


def vswitches_of(session: Session, vpc: Vpc) -> list[VSwitch]:
    """Return the vSwitches of a VPC."""
    found = [vswitch for vswitch in session.state.vswitches.values() if vswitch.vpc_id == vpc.id]
    return sorted(found, key=lambda vswitch: (vswitch.created, vswitch.id))


def create_vswitch(
    session: Session, *, vpc_id: str, cidr: str, zone: str, name: str, description: str, tags: dict[str, str]
) -> VSwitch:
    """Make a vSwitch in a VPC."""
    vpc = session.vpc(vpc_id)
    if zone not in zones(vpc.region):
        raise errors.vpc.InvalidZoneIdNotFound(zone, vpc.region)
    range_ = rules.network(cidr)
    neighbours: dict[str, IPv4Network] = {other.id: other.cidr for other in vswitches_of(session, vpc)}
    rules.check_vswitch(range_, vpc.cidr, neighbours)
    if len(neighbours) >= session.offer.limits.vswitches:
        raise errors.vpc.VSwitchQuotaExceeded(session.offer.limits.vswitches)
    vswitch = VSwitch(
        id=ids.resource_id("vsw"),
        region=vpc.region,
        created=ids.now(),
        name=name,
        description=description,
        tags=checked(session, "VSWITCH", tags),
        vpc_id=vpc.id,
        zone=zone,
        cidr=range_,
        route_table_id=vpc.route_table_id,
    )
    texts.describe(vswitch, vswitch.name, vswitch.description)
    session.state.vswitches[vswitch.id] = vswitch
    return vswitch


def delete_vswitch(session: Session, vswitch_id: str) -> None:
    """Remove an empty vSwitch."""
    vswitch = session.vswitch(vswitch_id)
    for vip in session.state.ha_vips.values():
        if vip.vswitch_id == vswitch.id:
            raise errors.vpc.DependencyViolationHaVip(vswitch.id, vip.id)
    for instance in session.state.instances.values():
        if instance.vswitch_id == vswitch.id:
            raise errors.vpc.DependencyViolation(f"vSwitch {vswitch.id}", f"instance {instance.id}")
    del session.state.vswitches[vswitch.id]
