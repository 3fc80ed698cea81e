"""Control planes over instances that exist, each as a user's program has one."""

from pathlib import Path

import pulumi

from components import ApiServerVip, Verify

config = pulumi.Config()
private_key = Path(config.require("privateKeyFile")).read_text()

for plane in config.require_object("planes"):
    hosts = plane["balancers"]
    masters = [*hosts, plane["third"]]
    ApiServerVip(
        plane["name"],
        {
            "vswitch_id": plane["vswitch_id"],
            "vswitch_cidr": plane["vswitch_cidr"],
            "vip": plane["vip"],
            "balancers": hosts,
            "backends": [{"name": one["name"], "address": one["address"]} for one in masters],
            # The sshd is there, the VIP is not.
            "verify": Verify.OFF,
            "ssh": {
                "host": "127.0.0.1",
                "port": config.require_int("sshPort"),
                "user": "root",
                "private_key": private_key,
            },
        },
    )
