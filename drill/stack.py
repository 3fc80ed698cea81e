"""The stack under test, from its outputs; on the sandbox its hosts are entered past their network."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drill.errors import DrillError
from drill.hosts import Apiserver, Host, SandboxHost, SshHost
from sandbox.control import Control
from sandbox.settings import Settings

NEEDED = ("vip", "control_plane_endpoint", "masters")
"""Outputs that no drill can do without."""
_KEYS = (
    "name",
    "address",
    "ssh_host",
    "ssh_port",
    "balancer",
    "listens",
    "backend_port",
    "ready_path",
    "ready_status",
)
UNAUTHORIZED_STATUSES = (401, 403)
"""What an apiserver may say to clients that it does not know, where nobody says what its health check expects."""


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
    prefix: str = ""
    """What the names of its outputs begin with."""
    configurable: bool = True
    """Whether this project's program made it, so that its configuration has the keys that are changed."""

    @property
    def has_outside_client(self) -> bool:
        """Whether a client can come from outside the VPC."""
        return self.sandbox is not None or self.outside is not None

    @property
    def backends(self) -> tuple[Host, ...]:
        """The hosts with an apiserver."""
        return tuple(host for host in self.hosts if host.apiserver)

    @property
    def apart(self) -> tuple[Host, ...]:
        """The hosts that are no balancers."""
        return tuple(host for host in self.hosts if host not in self.balancers)

    def spectator(self, holder: Host) -> Host:
        """Return a host that is no balancer; where all are, one that is not the holder."""
        return (self.apart or [host for host in self.hosts if host != holder])[-1]

    @property
    def statuses(self) -> list[tuple[int, int]]:
        """HTTP statuses that are an answer to a client, as ranges: what health checks take for one, and 200."""
        found = {(200, 200)}
        for host in self.backends:
            assert host.apiserver is not None  # noqa: S101 - that makes it a backend
            found |= {*host.apiserver.ranges} or {(status, status) for status in UNAUTHORIZED_STATUSES}
        return sorted(found)

    def holder(self) -> Host:
        """The balancer that has the VIP. Raises :class:`DrillError` unless it is exactly one."""
        found = [host for host in self.balancers if _holds(host, self.vip)]
        if len(found) != 1:
            names = ", ".join(host.name for host in found) or "nobody"
            raise DrillError(f"{self.vip} is held by {names}: a drill begins with exactly one holder")
        return found[0]

    def with_config(self, config: str, budget: Mapping[str, int]) -> "Stack":
        """Return the same hosts with another configuration on them."""
        return replace(self, config=config, budget=budget)


def chosen(outputs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the outputs of one endpoint, without the prefix.

    Raises :class:`DrillError` if it lacks what a drill needs, naming the prefixes under which that is there.
    """
    found = {key.removeprefix(prefix): value for key, value in outputs.items() if key.startswith(prefix)}
    lacking = [key for key in NEEDED if not found.get(key)]
    if not lacking:
        return found
    others = [one for one in prefixes(outputs) if one != prefix]
    remedy = (
        f"there are such outputs with: {', '.join(f'--outputs {one}' if one else 'no --outputs' for one in others)}"
        if others
        else "run `pulumi up` with this version of the program first, or let it export them: ApiServerVip.export()"
    )
    raise DrillError(f"this stack has no output {', '.join(f'`{prefix}{key}`' for key in lacking)}; {remedy}")


def prefixes(outputs: Mapping[str, Any]) -> list[str]:
    """Return what the names of outputs begin with, for each endpoint that a drill can use."""
    begun = sorted(key.removesuffix("vip") for key in outputs if key.endswith("vip"))
    return [one for one in begun if all(outputs.get(f"{one}{key}") for key in NEEDED)]


def on_sandbox(settings: Settings, outputs: Mapping[str, Any], config: str) -> Stack:
    """Describe the stack of these outputs on a sandbox. Raises :class:`DrillError`."""
    status = Control(settings).status().content
    vpc = _vpc(settings, status, outputs)
    there = {one["address"]: one for one in status["hosts"] if one["vpc"] == vpc}

    def host(master: Mapping[str, Any]) -> Host:
        one = there.get(master["address"])
        if one is None:
            raise DrillError(
                f"{master['name']}: sandbox {settings.name!r} has no instance with {master['address']} in {vpc}; "
                "run: make up"
            )
        return SandboxHost(
            one["name"],
            one["address"],
            settings,
            one["id"],
            apiserver=_apiserver(master),
            listens=str(master["listens"]),
            called=str(master["name"]),
        )

    return replace(_described(outputs, config, host), sandbox=settings, vpc=vpc)


def over_ssh(outputs: Mapping[str, Any], config: str, user: str, options: Sequence[str]) -> Stack:
    """Describe the stack of these outputs, its masters reached by SSH. Raises :class:`DrillError`."""

    def host(master: Mapping[str, Any]) -> Host:
        return SshHost(
            master["name"],
            master["address"],
            f"{user}@{master['ssh_host']}",
            (f"-p{master['ssh_port']}", *options),
            apiserver=_apiserver(master),
            listens=str(master["listens"]),
        )

    eip = outputs.get("eip")
    outside = (str(eip), _port(outputs)) if eip else None
    return replace(_described(outputs, config, host), outside=outside)


def _described(outputs: Mapping[str, Any], config: str, make: Callable[[Mapping[str, Any]], Host]) -> Stack:
    """Return what the outputs say; `make` knows how the host of an entry of ``masters`` is reached."""
    masters = [_snake_case_keys(one) for one in outputs["masters"]]
    old = sorted({key for one in masters for key in _KEYS if key not in one})
    if old:
        raise DrillError(
            f"the stack's output `masters` says nothing of {', '.join(old)}: run `pulumi up` (make up) with this "
            "version first"
        )
    hosts = tuple(make(one) for one in masters)
    balancers = tuple(host for host, one in zip(hosts, masters, strict=True) if one["balancer"])
    return Stack(
        config=config,
        vip=str(outputs["vip"]),
        port=_port(outputs),
        budget=outputs.get("budget") or {},
        hosts=hosts,
        balancers=balancers,
        sandbox=None,
    )


def _snake_case_keys(master: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry under the names that programs in Python give it; those in other languages have camelCase."""
    return {re.sub("([A-Z])", r"_\1", key).lower(): value for key, value in master.items()}


def _vpc(settings: Settings, status: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    key, value = ("id", outputs["ha_vip_id"]) if outputs.get("ha_vip_id") else ("address", outputs["vip"])
    vips = [vip for vip in status["ha_vips"] if vip[key] == value]
    if len(vips) != 1:
        raise DrillError(
            f"VIP {outputs['vip']}: sandbox {settings.name!r} has {len(vips)} of them; run: make up"
        )
    return str(vips[0]["vpc"])


def _apiserver(master: Mapping[str, Any]) -> Apiserver | None:
    port = int(master["backend_port"])
    return Apiserver(port, str(master["ready_path"]), str(master["ready_status"])) if port else None


def _port(outputs: Mapping[str, Any]) -> int:
    return int(str(outputs["control_plane_endpoint"]).rpartition(":")[2])


def _holds(host: Host, vip: str) -> bool:
    try:
        return bool(host.run(f"ip -4 -oneline address show up to {vip}", seconds=5).strip())
    except DrillError:
        return False
