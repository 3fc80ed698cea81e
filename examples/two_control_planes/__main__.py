"""A larger stack that composes the components: one network, four masters, two control planes side by side."""

import pulumi

from components import ApiServerVip, Masters, Network, Verify
from components.preflight import configured, interrupted

CIDR = "10.20.0.0/24"
CONTROL_PLANES = {
    "blue": ("10.20.0.10", {"blue-1": "10.20.0.11", "blue-2": "10.20.0.12"}),
    "green": ("10.20.0.20", {"green-1": "10.20.0.21", "green-2": "10.20.0.22"}),
}
"""VIP and masters of each."""

config = pulumi.Config()
key_file = config.require("sshPrivateKeyFile")
private_key = configured.text_of("sshPrivateKeyFile", key_file)
interrupted.check(interrupted.deployment(), vips=[vip for vip, _ in CONTROL_PLANES.values()])

network = Network(
    "shared",
    {
        "zone_id": config.require("zoneId"),
        "vpc_cidr": "10.20.0.0/16",
        "vswitch_cidr": CIDR,
        "ssh_cidrs": config.require_object("sshCidrs"),
        "api_cidrs": config.require_object("apiCidrs"),
    },
)

for name, (vip, hosts) in CONTROL_PLANES.items():
    masters = Masters(
        name,
        {
            "masters": [{"name": host, "address": address} for host, address in hosts.items()],
            "vswitch_id": network.vswitch_id,
            "security_group_id": network.security_group_id,
            "image_id": config.require("imageId"),
            "public_key": configured.text_of("sshPrivateKeyFile", f"{key_file}.pub"),
            "user_data": configured.text_of("userDataFile", config.require("userDataFile")),
            "public": True,
            "tags": {"cluster": name},
        },
    )
    api = ApiServerVip(
        name,
        {
            "vswitch_id": network.vswitch_id,
            "vswitch_cidr": CIDR,
            "vip": vip,
            "balancers": [
                {
                    "name": master.name,
                    "address": master.address,
                    "instance_id": master.instance_id,
                    "instance": master.instance,
                    "ssh": {"host": master.ssh_host},
                }
                for master in masters.masters
            ],
            "backends": [{"name": master.name, "address": master.address} for master in masters.masters],
            "eip": {},
            # The user data brings a kube-apiserver up: wait for it.
            "verify": Verify.STRICT,
            "ssh": {"private_key": private_key},
            "tags": {"cluster": name},
        },
    )
    api.export(f"{name}_")
