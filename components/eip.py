"""A public address: an EIP, and its association with what it leads to."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_alicloud import ecs

from components import inputs
from components.args import EipArgs


def associated(
    name: str,
    args: EipArgs,
    *,
    address_name: str,
    instance_id: pulumi.Input[str],
    instance_type: str,
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource] = (),
) -> pulumi.Output[str]:
    """Add the EIP `name`, and return its address once it leads to the instance."""
    eip = ecs.EipAddress(
        name,
        address_name=address_name,
        bandwidth=inputs.otherwise(args.get("bandwidth_mbps"), 5).apply(lambda mbps: f"{mbps:g}"),
        internet_charge_type=inputs.otherwise(args.get("charge_type"), "PayByTraffic"),
        payment_type="PayAsYouGo",
        isp=args.get("isp"),
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    association = ecs.EipAssociation(
        name,
        allocation_id=eip.id,
        instance_id=instance_id,
        instance_type=instance_type,
        # An EIP that is in use cannot be associated again.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on), delete_before_replace=True),
    )
    return inputs.once(association, eip.ip_address)
