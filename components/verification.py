"""The end of an ``up``: the endpoint is asked from every host that SSH reaches, and through the EIP."""

from collections.abc import Sequence
from typing import cast

import pulumi
from pulumi_command import local, remote

from components import render, ssh
from components.args import ApiServerVipArgs, BackendArgs, BalancerArgs
from components.enums import Verify

TYPE = "kube-apiserver-havip:index:Verification"


class Verification(pulumi.ComponentResource):
    """Questions to the endpoint. From the holder itself too: Alibaba Cloud's load balancer fails there."""

    def __init__(
        self,
        name: str,
        args: ApiServerVipArgs,
        *,
        text: pulumi.Output[str],
        outside: pulumi.Output[str] | None,
        timeout_s: pulumi.Output[int],
        verify: pulumi.Output[Verify],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Ask with the script `text` on every host, and the URL `outside` from where Pulumi runs."""
        super().__init__(TYPE, f"{name}-verification", {}, opts)
        for host in reachable(args):
            remote.Command(
                f"{name}-{host['name']}-verify",
                connection=ssh.connection(ssh.merged(args.get("ssh"), host.get("ssh")), host["address"]),
                create="bash -s",
                stdin=text,
                triggers=[host["instance_id"]] if "instance_id" in host else None,
                add_previous_output_in_env=False,
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=list(after), deleted_with=host.get("instance")
                ),
            )
        if outside is not None:
            local.Command(
                f"{name}-verify-outside",
                create="python3 -",
                stdin=render.outside(),
                environment={
                    "HAVIP_URL": outside,
                    "HAVIP_TIMEOUT_S": timeout_s.apply(str),
                    "HAVIP_VERIFY": verify.apply(lambda wanted: wanted.value),
                },
                add_previous_output_in_env=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
            )
        self.register_outputs({})


def reachable(args: ApiServerVipArgs) -> list[BalancerArgs]:
    """Return every balancer, and each backend with ``ssh`` that is not the same host as a balancer."""
    balancers = args["balancers"]
    names = {str(balancer["name"]) for balancer in balancers}
    plain = {balancer["address"] for balancer in balancers if isinstance(balancer["address"], str)}
    others = [backend for backend in args["backends"] if _another_host(backend, names, plain)]
    return [*balancers, *cast(list[BalancerArgs], others)]


def _another_host(backend: BackendArgs, names: set[str], addresses: set[str]) -> bool:
    same = backend["name"] in names or (
        isinstance(backend["address"], str) and backend["address"] in addresses
    )
    return "ssh" in backend and not same
