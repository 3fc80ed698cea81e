"""From the cloud's state to what the data plane should look like. Pure, and always the whole of it."""

from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from sandbox import topology
from sandbox.cloud import state
from sandbox.cloud.state import State

T = TypeVar("T")


def build(current: State) -> topology.Topology:
    """Return the complete topology of ``current``, in an order that depends on nothing else."""
    return topology.Topology(
        vpcs=tuple(_vpc(current, vpc) for vpc in _sorted(current.vpcs)),
        eips=tuple(eip for record in _sorted(current.eips) if (eip := _eip(current, record)) is not None),
    )


def _sorted(table: dict[str, T]) -> list[T]:
    return [table[key] for key in sorted(table)]


def _vpc(current: State, vpc: state.Vpc) -> topology.Vpc:
    vswitches = [vswitch for vswitch in _sorted(current.vswitches) if vswitch.vpc_id == vpc.id]
    groups = [group for group in _sorted(current.security_groups) if group.vpc_id == vpc.id]
    instances = [instance for instance in _sorted(current.instances) if instance.vpc_id == vpc.id]
    return topology.Vpc(
        id=vpc.id,
        cidr=vpc.cidr,
        vswitches=tuple(vswitch.cidr for vswitch in vswitches),
        ports=tuple(_port(current, instance) for instance in instances),
        security_groups=tuple(_group(group) for group in groups),
    )


def _port(current: State, instance: state.Instance) -> topology.Port:
    return topology.Port(
        instance_id=instance.id,
        mac=instance.mac,
        address=instance.address,
        vswitch=current.vswitches[instance.vswitch_id].cidr,
        security_groups=tuple(sorted(instance.security_groups)),
        ha_vips=tuple(vip.address for vip in _sorted(current.ha_vips) if instance.id in vip.instances),
    )


def _group(group: state.SecurityGroup) -> topology.SecurityGroup:
    return topology.SecurityGroup(
        id=group.id, rules=tuple(_rule(rule) for rule in group.rules), inner_access=group.inner_access
    )


def _rule(rule: state.Rule) -> topology.Rule:
    return topology.Rule(
        direction=rule.direction,
        protocol=rule.protocol,
        ports=rule.ports,
        peer=IPv4Network(rule.cidr) if rule.cidr else rule.group,
        policy=rule.policy,
        priority=rule.priority,
    )


def _eip(current: State, eip: state.Eip) -> topology.Eip | None:
    target = eip_target(current, eip)
    if target is None:
        return None
    vpc_id, address = target
    return topology.Eip(address=eip.address, vpc_id=vpc_id, target=address)


def eip_target(current: State, eip: state.Eip) -> tuple[str, IPv4Address] | None:
    """Return the VPC and the private address an EIP leads to, or None where it leads nowhere."""
    owner = current.instances.get(eip.instance_id) or current.ha_vips.get(eip.instance_id)
    return (owner.vpc_id, owner.address) if owner else None
