"""The stack under test, from its outputs: the program's own and, on the sandbox, what the sandbox knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drill.errors import DrillError
from drill.hosts import Host, SandboxHost, SshHost
from sandbox.control import Control
from sandbox.settings import Settings


@dataclass(frozen=True)
class Stack:
    """One endpoint with its hosts."""

    config: str
    """What it is called in the report: a preset's name, or another configuration put in its place."""
    vip: str
    port: int
    budget: Mapping[str, int]
    """The component's own promise: worst outage in ms for each fault; a negative one is no promise."""
    hosts: tuple[Host, ...]
    balancers: tuple[Host, ...]
    sandbox: Settings | None
    """Where it runs; ``None`` is a real cloud."""
    vpc: str = ""
    """Id of the VPC, on the sandbox."""
    outside: tuple[str, int] | None = None
    """Address and port for clients outside, on a real cloud: that of the EIP, if there is one."""

    @property
    def spectator(self) -> Host:
        """A master that is no balancer; the last host where all are."""
        others = [host for host in self.hosts if host not in self.balancers]
        return (others or list(self.hosts))[-1]

    def holder(self) -> Host:
        """The balancer that has the VIP. Raises :class:`DrillError` unless it is exactly one."""
        found = [host for host in self.balancers if _holds(host, self.vip)]
        if len(found) != 1:
            names = ", ".join(host.name for host in found) or "nobody"
            raise DrillError(f"{self.vip} is held by {names}: a drill begins with exactly one holder")
        return found[0]

    def named(self, config: str, budget: Mapping[str, int]) -> "Stack":
        """Return the same hosts with another configuration on them."""
        return replace(self, config=config, budget=budget)


def on_sandbox(settings: Settings, outputs: Mapping[str, Any], config: str) -> Stack:
    """Describe the stack of these outputs on a sandbox. Raises :class:`DrillError`."""
    status = Control(settings).status().content
    vips = [vip for vip in status["ha_vips"] if vip["address"] == outputs.get("vip")]
    if len(vips) != 1:
        raise DrillError(
            f"VIP {outputs.get('vip')}: sandbox {settings.name!r} has {len(vips)} of them; run: make up"
        )
    [vip] = vips
    hosts = tuple(
        SandboxHost(name=one["name"], address=one["address"], settings=settings, id=one["id"])
        for one in sorted(status["hosts"], key=lambda one: str(one["name"]))
        if one["vpc"] == vip["vpc"]
    )
    return Stack(
        config=config,
        vip=str(outputs["vip"]),
        port=_port(outputs),
        budget=outputs.get("budget") or {},
        hosts=hosts,
        balancers=tuple(host for host in hosts if host.id in vip["attached"]),
        sandbox=settings,
        vpc=str(vip["vpc"]),
    )


def anywhere(outputs: Mapping[str, Any], config: str, user: str, options: Sequence[str]) -> Stack:
    """Describe the stack of these outputs, its masters reached by SSH. Raises :class:`DrillError`."""
    masters = outputs.get("masters")
    if not masters:
        raise DrillError(
            "this stack has no output `masters`: run `pulumi up` with this version of the program first"
        )
    hosts = {
        one["name"]: SshHost(one["name"], one["address"], f"{user}@{one['ssh_host']}", tuple(options))
        for one in masters
    }
    eip = outputs.get("eip")
    return Stack(
        config=config,
        vip=str(outputs["vip"]),
        port=_port(outputs),
        budget=outputs.get("budget") or {},
        hosts=tuple(hosts.values()),
        balancers=tuple(hosts[one["name"]] for one in masters if one["balancer"]),
        sandbox=None,
        outside=(str(eip), _port(outputs)) if eip else None,
    )


def _port(outputs: Mapping[str, Any]) -> int:
    return int(str(outputs["control_plane_endpoint"]).rpartition(":")[2])


def _holds(host: Host, vip: str) -> bool:
    try:
        return bool(host.run(f"ip -4 -oneline address show up to {vip}", seconds=5).strip())
    except DrillError:
        return False
