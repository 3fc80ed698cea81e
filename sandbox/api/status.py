"""What the sandbox holds, for people and for the project's own commands."""

from pydantic import JsonValue

from sandbox.api.model import Body
from sandbox.cloud import eips, ha_vips
from sandbox.cloud.session import Session
from sandbox.cloud.state import Eip, HaVip, Instance, Resource, SecurityGroup


def status(session: Session) -> Body:
    """Return everything there is in all regions, the data plane's truth included."""
    state = session.state
    return {
        "api": session.offer.endpoint,
        "with_hosts": session.offer.with_hosts,
        "vpcs": [{**_named(vpc), "cidr": str(vpc.cidr)} for vpc in state.vpcs.values()],
        "vswitches": [
            {**_named(vswitch), "cidr": str(vswitch.cidr), "vpc": vswitch.vpc_id, "zone": vswitch.zone}
            for vswitch in state.vswitches.values()
        ],
        "security_groups": [_group(group) for group in state.security_groups.values()],
        "hosts": [_host(session, instance) for instance in state.instances.values()],
        "ha_vips": [_ha_vip(session, vip) for vip in state.ha_vips.values()],
        "eips": [_eip(eip) for eip in state.eips.values()],
        "key_pairs": list(state.key_pairs),
    }


def _named(resource: Resource) -> Body:
    return {"id": resource.id, "name": resource.name, "region": resource.region}


def _group(group: SecurityGroup) -> Body:
    rules: list[JsonValue] = [rule.model_dump(mode="json") for rule in group.rules]
    return {**_named(group), "vpc": group.vpc_id, "inner_access": group.inner_access, "rules": rules}


def _host(session: Session, instance: Instance) -> Body:
    return {
        **_named(instance),
        "hostname": instance.host_name,
        "address": str(instance.address),
        "vpc": instance.vpc_id,
        "eip": eips.address_of(session, instance.id),
        "security_groups": list(instance.security_groups),
        "state": session.status(instance).value,
        "failure": instance.failure,
    }


def _ha_vip(session: Session, vip: HaVip) -> Body:
    attached: list[JsonValue] = list(vip.instances)
    return {
        **_named(vip),
        "address": str(vip.address),
        "vpc": vip.vpc_id,
        "status": vip.status.value,
        "attached": attached,
        "holder": ha_vips.master(session, vip),
        "eip": eips.address_of(session, vip.id),
    }


def _eip(eip: Eip) -> Body:
    return {**_named(eip), "address": str(eip.address), "status": eips.status(eip), "target": eip.instance_id}
