"""A network and masters, and nothing on them: what an operator has who already runs a control plane."""

import os
from pathlib import Path

import pulumi

from components import Masters, Network

key = Path(os.environ["SANDBOX_SSH_KEY"])
network = Network(
    "base",
    {
        "zone_id": "cn-hangzhou-i",
        "vpc_cidr": "192.168.0.0/16",
        "vswitch_cidr": "192.168.8.0/24",
        "ssh_cidrs": ["0.0.0.0/0"],
        "api_cidrs": ["0.0.0.0/0"],
    },
)
masters = Masters(
    "base",
    {
        "masters": [{"name": f"m{number}", "address": f"192.168.8.{10 + number}"} for number in (1, 2, 3)],
        "vswitch_id": network.vswitch_id,
        "security_group_id": network.security_group_id,
        "image_id": "debian_12_9_x64_20G_alibase_20250117.vhd",
        "public_key": key.with_suffix(".pub").read_text(),
        "user_data": Path("sandbox/apiserver/user-data.sh").read_text(),
        "public": True,
    },
)
pulumi.export("vpc_id", network.vpc_id)
pulumi.export("vswitch_id", network.vswitch_id)
pulumi.export("security_group_id", network.security_group_id)
pulumi.export(
    "masters",
    [
        {"name": one.name, "address": one.address, "instanceId": one.instance_id, "sshHost": one.ssh_host}
        for one in masters.masters
    ],
)
