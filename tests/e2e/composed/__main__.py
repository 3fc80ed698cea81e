"""An endpoint, and what takes an output of it: asked once when it is made and once before it goes, never again."""

import pulumi
from pulumi_command import local

from components import ApiServerVip, BackendArgs, BalancerArgs, SshArgs, Verify
from components.preflight import configured

config = pulumi.Config()
masters = configured.masters(config.require_object("masters"), existing=True)
api = ApiServerVip(
    "composed",
    {
        "vswitch_id": config.require("vswitchId"),
        "vswitch_cidr": config.require("vswitchCidr"),
        "vip": config.require("vip"),
        "balancers": [
            BalancerArgs(
                name=master["name"],
                address=master["address"],
                instance_id=master["instance_id"],
                ssh=SshArgs(host=master["ssh_host"]),
            )
            for master in masters[:2]
        ],
        "backends": [BackendArgs(name=master["name"], address=master["address"]) for master in masters],
        "haproxy": {"timeout_client": config.get("timeoutClient") or "24h"},
        "ssh": {"private_key": configured.text_of("sshPrivateKeyFile", config.require("sshPrivateKeyFile"))},
        "eip": {},
        # Nothing else is to wait for the endpoint.
        "verify": Verify.OFF,
    },
)
ask = pulumi.Output.concat("curl -sSfk --max-time 5 ", api.endpoint, "/version")
# Another endpoint would replace it, so that another instance of a balancer must not.
user = local.Command("user", create=ask, delete=ask, triggers=[api.control_plane_endpoint])
pulumi.export("answer", user.stdout)
