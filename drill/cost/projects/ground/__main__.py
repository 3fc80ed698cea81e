"""What control planes stand on: one VPC, and for each of them a vSwitch and two instances."""

import pulumi
from pulumi_alicloud import ecs, vpc

config = pulumi.Config()
zone = config.require("zone")

network = vpc.Network("ground", cidr_block="10.0.0.0/16")
group = ecs.SecurityGroup("ground", vpc_id=network.id)


def balancer(plane: str, number: int, address: str, vswitch: pulumi.Input[str]) -> dict[str, object]:
    """Add an instance; what a plane is told about it."""
    name = f"m{number}"
    instance = ecs.Instance(
        f"{plane}-{name}",
        instance_name=f"{plane}-{name}",
        image_id=config.require("image"),
        instance_type=config.require("instanceType"),
        vswitch_id=vswitch,
        private_ip=address,
        security_groups=[group.id],
    )
    return {"name": name, "address": address, "instance_id": instance.id}


def ground(number: int) -> dict[str, object]:
    """Add what one control plane stands on; what the program of the planes is told about it."""
    name, net = f"cp{number}", f"10.0.{number}"
    vswitch = vpc.Switch(name, vpc_id=network.id, cidr_block=f"{net}.0/24", zone_id=zone)
    return {
        "name": name,
        "vswitch_id": vswitch.id,
        "vswitch_cidr": f"{net}.0/24",
        "vip": f"{net}.10",
        "balancers": [balancer(name, one, f"{net}.1{one}", vswitch.id) for one in (1, 2)],
        # Nobody looks at a kube-apiserver from here: its address will do.
        "third": {"name": "m3", "address": f"{net}.13"},
    }


pulumi.export("planes", [ground(number) for number in range(config.require_int("planes"))])
