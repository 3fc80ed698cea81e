"""What a program in any language sends to the package: the schema's names, and nothing of the Python classes."""

import os
from pathlib import Path
from typing import Any

import pulumi
from pulumi_command import local

OUTPUTS = ("vip", "controlPlaneEndpoint", "endpoint", "haVipId", "eip", "budget", "masters")


class Remote(pulumi.ComponentResource):
    """A component that the package's process makes, as the SDKs generated from the schema do it."""

    def __init__(self, name: str, inputs: dict[str, Any]) -> None:
        """Send `inputs`; the outputs come back as attributes."""
        token = "kube-apiserver-havip:index:ApiServerVip"
        super().__init__(token, name, {**dict.fromkeys(OUTPUTS), **inputs}, None, remote=True)


config = pulumi.Config()
masters = config.require_object("masters")
key = Path(os.path.expandvars(config.require("sshPrivateKeyFile"))).read_text()
# Known only once a resource is there.
port = local.Command("port", create="echo 16443").stdout.apply(int)
balancers = [
    {
        "name": master["name"],
        "address": master["address"],
        "instanceId": pulumi.Output.from_input(master["instanceId"]),
        "ssh": {"host": master["sshHost"]},
    }
    for master in masters[:2]
]
api: Any = Remote(
    "remote",
    {
        "vswitchId": config.require("vswitchId"),
        "vswitchCidr": config.require("vswitchCidr"),
        "vip": config.require("vip"),
        "port": config.get_int("badPort") or port,
        "balancers": balancers,
        "backends": [{"name": master["name"], "address": master["address"]} for master in masters],
        "healthCheck": {"kind": "https"},
        "haproxy": {"maxconn": 5000},
        "packages": {"install": port.apply(lambda number: number > 0)},
        "ssh": {"privateKey": pulumi.Output.secret(key)},
        "eip": {},
        "tags": {"language": "other"},
    },
)
for output in OUTPUTS:
    pulumi.export(output, getattr(api, output))
