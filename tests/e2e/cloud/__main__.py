"""One resource of every kind the project uses. Configuration changes each of them, or says which ones to import."""

import os
from pathlib import Path

import pulumi
from pulumi_alicloud import ecs, vpc

config = pulumi.Config()
label = config.get("label") or "first"
address = config.get("vip") or "10.0.0.10"
imported: dict[str, str] = config.get_object("imports") or {}
public_key = Path(os.environ["SANDBOX_SSH_KEY"]).with_suffix(".pub").read_text().strip()
tags = {"label": label}


def options(name: str) -> pulumi.ResourceOptions:
    """How a resource comes to be; one in place of another comes after it is gone."""
    return pulumi.ResourceOptions(import_=imported.get(name), delete_before_replace=True)


network = vpc.Network(
    "vpc", vpc_name=label, cidr_block="10.0.0.0/16", description=label, tags=tags, opts=options("vpc")
)
vswitch = vpc.Switch(
    "vswitch",
    vswitch_name=label,
    description=label,
    vpc_id=network.id,
    zone_id="cn-hangzhou-i",
    cidr_block="10.0.0.0/24",
    tags=tags,
    opts=options("vswitch"),
)
group = ecs.SecurityGroup(
    "group",
    security_group_name=label,
    description=label,
    vpc_id=network.id,
    security_group_type="normal",
    inner_access_policy=config.get("inner") or "Accept",
    tags=tags,
    opts=options("group"),
)
for name, direction in (("in", "ingress"), ("out", "egress")):
    ecs.SecurityGroupRule(
        name,
        security_group_id=group.id,
        type=direction,
        ip_protocol="tcp",
        port_range=config.get("ports") or "22/22",
        cidr_ip="192.0.2.0/24",
        policy="accept",
        priority=1,
        opts=options(name),
    )
key = ecs.EcsKeyPair("key", key_pair_name="cloud", public_key=public_key, tags=tags, opts=options("key"))
instance = ecs.Instance(
    "instance",
    instance_name=label,
    description=label,
    host_name=config.get("host") or "one",
    image_id=config.get("image") or "debian_12_9_x64_20G_alibase_20250117.vhd",
    instance_type=config.get("type") or "ecs.g7.large",
    user_data=config.get("userData"),
    system_disk_category="cloud_essd",
    vswitch_id=vswitch.id,
    security_groups=[group.id],
    private_ip="10.0.0.11",
    key_name=key.key_pair_name,
    # Said, so that an instance somebody stopped is one that differs: the provider has no default for it.
    status="Running",
    tags=tags,
    opts=options("instance"),
)
vip = vpc.HaVipv2(
    "vip",
    ha_vip_name=label,
    description=label,
    vswitch_id=vswitch.id,
    ip_address=address,
    tags=tags,
    opts=options("vip"),
)
attachment = vpc.HAVipAttachment(
    "attachment",
    ha_vip_id=vip.id,
    instance_id=instance.id,
    force=True,
    opts=options("attachment"),
)
eip = ecs.EipAddress(
    "eip",
    address_name=label,
    description=label,
    bandwidth=config.get("bandwidth") or "5",
    internet_charge_type="PayByTraffic",
    payment_type="PayAsYouGo",
    tags=tags,
    opts=options("eip"),
)
ecs.EipAssociation(
    "association",
    allocation_id=eip.id,
    instance_id=vip.id,
    instance_type="HaVip",
    opts=options("association"),
)
for output, value in (
    ("vpc_id", network.id),
    ("vswitch_id", vswitch.id),
    ("group_id", group.id),
    ("instance_id", instance.id),
    ("vip_id", vip.id),
    ("allocation_id", eip.id),
):
    pulumi.export(output, value)
