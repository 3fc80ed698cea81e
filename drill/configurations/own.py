"""The configurations of this project: each preset as ``pulumi up`` puts it on the hosts, kept to be put there again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from components.paths import HAPROXY_DROP_IN
from drill.configurations.other import DROP_ADDRESS, SETTLE_LIMIT_S
from drill.engine import up, up_again
from drill.errors import DrillError
from drill.hosts import Host
from drill.left import NOWHERE, Left
from drill.settle import await_whole, missing
from drill.stack import Stack
from sandbox.stack.engine import Engine

HOSTCTL = "/usr/local/lib/kube-apiserver-havip/hostctl"


@dataclass(frozen=True)
class Own:
    """One preset: what the program hands to each host, and what it promises."""

    config: str
    budget: Mapping[str, int]
    bundles: Mapping[str, Mapping[str, str]]
    """By host, then by service."""


def check_installed(stack: Stack) -> None:
    """Raise :class:`DrillError` if another configuration than the stack's own is on a balancer."""
    for host in stack.balancers:
        if not host.run(f"ls {HAPROXY_DROP_IN} 2>/dev/null || true").strip():
            raise DrillError(
                f"{host.name}: {HAPROXY_DROP_IN} is missing, so another configuration is installed there (of a "
                "comparison that was killed?); put the stack's own back with: make verify ARGS=--repair, or make up"
            )


def captured(
    engine: Engine,
    stack: Stack,
    presets: tuple[str, ...],
    tell: Callable[[str], None],
    left: Left = NOWHERE,
) -> dict[str, Own]:
    """Run ``pulumi up`` with each preset, keep what it gives the hosts, and end with the stack's own configuration.

    The stack's configuration file is not touched: the engine gets a copy. Raises :class:`DrillError`.
    """
    found: dict[str, Own] = {}
    others = [preset for preset in presets if preset != stack.config]
    try:
        for preset in others:
            tell(f"pulumi up with preset {preset} ...")
            up(engine, {"failover.preset": preset}, left)
            found[preset] = _own(engine, stack, preset)
    finally:
        if others:
            tell(f"pulumi up with preset {stack.config} ...")
            up_again(engine, {}, left)
    if stack.config in presets:
        found[stack.config] = _own(engine, stack, stack.config)
    return found


def put_back(own: Own, stack: Stack) -> Stack:
    """Put a preset on every balancer, with the program's own tool. Raises :class:`DrillError`."""
    for host in stack.balancers:
        _clear(host, stack.vip)
    for host in stack.balancers:
        for service in ("haproxy", "keepalived"):
            host.run(f"{HOSTCTL} apply {service}", stdin=own.bundles[host.name][service], seconds=120)
    installed = stack.named(own.config, own.budget)
    if await_whole(installed, SETTLE_LIMIT_S) is None:
        raise DrillError(f"preset {own.config!r} is not whole: {'; '.join(missing(installed))}")
    return installed


def _own(engine: Engine, stack: Stack, config: str) -> Own:
    resources: list[dict[str, Any]] = engine.export().get("resources") or []
    bundles: dict[str, dict[str, str]] = {host.name: {} for host in stack.balancers}
    for resource in resources:
        for host in stack.balancers:
            for service in ("haproxy", "keepalived"):
                if resource["urn"].endswith(f"-{host.called or host.name}-{service}"):
                    bundles[host.name][service] = str(resource["inputs"]["stdin"])
    return Own(config, engine.outputs()[f"{stack.prefix}budget"], bundles)


def _clear(host: Host, vip: str) -> None:
    """End what runs; of another configuration nothing may stay active."""
    host.run("systemctl stop keepalived haproxy; " + DROP_ADDRESS.format(vip=vip))
