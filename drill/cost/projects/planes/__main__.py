"""Control planes over instances that exist, each as a user's program has one."""

from pathlib import Path
from typing import Any

import pulumi

from components import ApiServerVip, Verify

config = pulumi.Config()
private_key = Path(config.require("privateKeyFile")).read_text()

for plane in config.require_object("planes"):
    hosts = plane["balancers"]
    masters = [*hosts, plane["third"]]
    # One sshd for all of them, at an address each.
    balancers: Any = [{**host, "ssh": {"host": f"127.0.0.{number}"}} for number, host in enumerate(hosts, 1)]
    ApiServerVip(
        plane["name"],
        {
            "vswitch_id": plane["vswitch_id"],
            "vswitch_cidr": plane["vswitch_cidr"],
            "vip": plane["vip"],
            "balancers": balancers,
            "backends": [{"name": one["name"], "address": one["address"]} for one in masters],
            # The sshd is there, the VIP is not.
            "verify": Verify.OFF,
            "ssh": {"port": config.require_int("sshPort"), "user": "root", "private_key": private_key},
        },
    )
