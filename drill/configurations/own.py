"""The configurations of this project: each preset as ``pulumi up`` puts it on the hosts, kept to be put there again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from components.rendering.paths import HAPROXY_DROP_IN, TOOL
from components.tokens import APISERVER_VIP, COMMAND, host_name, step_name
from drill.configurations.other import DROP_ADDRESS, SETTLE_LIMIT_S
from drill.engine import must_be_applied, up, up_again
from drill.errors import DrillError
from drill.hosts import Host
from drill.left import NOWHERE, Left
from drill.settle import await_whole, missing
from drill.stack import Stack
from sandbox.interrupts import uninterrupted
from sandbox.stack.engine import Engine

SERVICES = ("haproxy", "keepalived")


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
    if others:
        must_be_applied(engine)
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


@contextmanager
def restored(engine: Engine, stack: Stack, left: Left, tell: Callable[[str], None]) -> Iterator[None]:
    """Have the stack's own configuration on its balancers again, whatever is put there meanwhile.

    If the drill is killed meanwhile, the next one does it: every preset has the same files in the same places, and
    would be taken for the stack's own. Raises :class:`DrillError`.
    """
    own = captured(engine, stack, (stack.config,), tell)[stack.config]
    left.note(installed=stack.vip)
    try:
        yield
    finally:
        with uninterrupted():
            put_back(own, stack)
            left.forget("installed")


def heal_installed(engine: Engine, stack: Stack, left: Left, tell: Callable[[str], None]) -> None:
    """Put the stack's own configuration back if a drill was killed within :func:`restored`.

    Raises :class:`DrillError`.
    """
    if left.read().get("installed") != stack.vip:  # nothing, or on another endpoint of the stack
        return
    tell(
        "An earlier drill was killed while others' configurations were measured; the stack's own is put back ..."
    )
    try:
        with restored(engine, stack, left, tell):
            pass
    except DrillError as error:
        raise DrillError(
            "an earlier drill left another configuration on the balancers, and the stack's own could not be put back; "
            f"do that with: make verify ARGS=--repair, or make up; then come again: {error}"
        ) from error


def put_back(own: Own, stack: Stack) -> Stack:
    """Put a preset on every balancer, with the program's own tool. Raises :class:`DrillError`."""
    for host in stack.balancers:
        _clear(host, stack.vip)
    for host in stack.balancers:
        for service in SERVICES:
            host.run(f"{TOOL} apply {service}", stdin=own.bundles[host.name][service], seconds=120)
    installed = stack.with_config(own.config, own.budget)
    if await_whole(installed, SETTLE_LIMIT_S) is None:
        raise DrillError(f"preset {own.config!r} is not whole: {'; '.join(missing(installed))}")
    return installed


def _own(engine: Engine, stack: Stack, config: str) -> Own:
    resources: list[dict[str, Any]] = engine.export().get("resources") or []
    return Own(config, engine.outputs()[f"{stack.prefix}budget"], bundles(resources, stack))


def bundles(resources: Sequence[Mapping[str, Any]], stack: Stack) -> dict[str, dict[str, str]]:
    """Return what the program hands to each balancer: by host, then by service.

    By whole names: ``m1`` is the end of ``db-m1``, and several endpoints of a stack may have balancers of one name.
    Raises :class:`DrillError` unless there is exactly one for each.
    """
    there = [one for one in resources if not one.get("delete")]  # replaced, and its predecessor not gone yet
    endpoints = [
        _name(one)
        for one in there
        if one["type"] == APISERVER_VIP and (one.get("outputs") or {}).get("vip") == stack.vip
    ]

    def bundle(host: Host, service: str) -> str:
        names = {step_name(host_name(endpoint, host.called or host.name), service) for endpoint in endpoints}
        found = [one["inputs"]["stdin"] for one in there if one["type"] == COMMAND and _name(one) in names]
        if len(found) != 1:
            raise DrillError(
                f"{host.name}: the stack's state has {len(found)} configurations of {service} for it with VIP "
                f"{stack.vip}, so nobody could put the stack's own back, and no other one is installed; run: pulumi up"
            )
        return str(found[0])

    return {host.name: {service: bundle(host, service) for service in SERVICES} for host in stack.balancers}


def _name(resource: Mapping[str, Any]) -> str:
    """Return a resource's name in the program."""
    return str(resource["urn"]).rpartition("::")[2]


def _clear(host: Host, vip: str) -> None:
    """End what runs; of another configuration nothing may stay active."""
    host.run("systemctl stop keepalived haproxy; " + DROP_ADDRESS.format(vip=vip))
