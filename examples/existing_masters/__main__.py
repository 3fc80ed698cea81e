"""An endpoint for masters that exist already: they are configured, and stay when the stack goes."""

import pulumi

from components import ApiServerVip, ApiServerVipArgs, BackendArgs, BalancerArgs, SshArgs
from components.preflight import configured, interrupted

config = pulumi.Config()
given = config.require_object("masters")
masters, ssh_of = configured.masters(given, existing=True), configured.ssh_args(given)
interrupted.check(
    interrupted.deployment(),
    vips=[config.require("vip")],
    instances=[master["instance_id"] for master in masters[:2]],
)

api = ApiServerVip(
    "control-plane",
    ApiServerVipArgs(
        vswitch_id=config.require("vswitchId"),
        vswitch_cidr=config.require("vswitchCidr"),
        vip=config.require("vip"),
        balancers=[
            BalancerArgs(
                name=master["name"],
                address=master["address"],
                instance_id=master["instance_id"],
                ssh=ssh_of[master["name"]],
            )
            for master in masters[:2]
        ],
        backends=[
            # With a way in, the endpoint is verified from this master too.
            BackendArgs({**backend, "ssh": ssh_of[name]})
            for name, backend in configured.backend_args(given).items()
        ],
        ssh=SshArgs(private_key=configured.text_of("sshPrivateKeyFile", config.require("sshPrivateKeyFile"))),
        eip={},
        tags={"cluster": "existing"},
    ),
)
api.export()
