"""What a stack's output ``masters`` says of the hosts of an endpoint: who they are, and what of them may be asked."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import pulumi

from components import inputs, ssh
from components.args import ApiServerVipArgs
from components.enums import CheckKind
from components.planning.plan import Plan
from components.planning.settings import Haproxy

LOOPBACK = "127.0.0.1"


class MasterOutput(TypedDict):
    """One host of an endpoint."""

    name: str
    """Its name."""
    address: str
    """Private IPv4 address."""
    ssh_host: str
    """Where SSH goes to."""
    ssh_port: int
    """TCP port of its sshd."""
    balancer: bool
    """Whether it runs HAProxy and keepalived."""
    listens: str
    """Where its own HAProxy answers on the endpoint's port; empty: on the VIP alone, or there is none."""
    backend_port: int
    """TCP port of its kube-apiserver; 0: it has none."""
    ready_path: str
    """What the health check asks it for; empty where a connection is enough."""
    ready_status: str
    """HTTP statuses that mean ready; empty where a connection is enough."""


def described(args: ApiServerVipArgs, plan: pulumi.Output[Plan]) -> pulumi.Output[list[MasterOutput]]:
    """Return every balancer and every kube-apiserver's host, each once, in the order of the arguments."""
    given = [*args["balancers"], *args["backends"]]
    logins = [ssh.merged(args.get("ssh"), host.get("ssh")) for host in given]
    asked = [
        {
            "name": host["name"],
            "address": host["address"],
            "ssh_host": ssh.host(login, host["address"]),
            "ssh_port": inputs.otherwise(login.get("port"), ssh.PORT),
        }
        for host, login in zip(given, logins, strict=True)
    ]
    return pulumi.Output.all(plan=plan, hosts=asked).apply(
        lambda known: masters(known["plan"], known["hosts"])
    )


def masters(plan: Plan, hosts: Sequence[Mapping[str, Any]]) -> list[MasterOutput]:
    """Return the hosts of a plan; of several entries about one host (an address) the first says where SSH goes to."""
    balancers = {balancer.address for balancer in plan.balancers}
    ports = {backend.address: backend.port for backend in plan.settings.backends}
    check = plan.settings.health_check
    asks = check.kind is CheckKind.HTTPS
    found: dict[str, MasterOutput] = {}
    for host in hosts:
        address = str(host["address"])
        served = asks and address in ports
        one = MasterOutput(
            name=str(host["name"]),
            address=address,
            ssh_host=str(host["ssh_host"]),
            ssh_port=int(host["ssh_port"]),
            balancer=address in balancers,
            listens=_listens(plan.settings.haproxy, address) if address in balancers else "",
            backend_port=ports.get(address, 0),
            ready_path=check.path if served else "",
            ready_status=check.expect_status if served else "",
        )
        found.setdefault(address, one)
    return [*found.values()]


def _listens(haproxy: Haproxy, address: str) -> str:
    if haproxy.everywhere or LOOPBACK in haproxy.binds:
        return LOOPBACK
    return address if address in haproxy.binds else ""
