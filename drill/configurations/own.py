"""The configurations of this project: each preset as ``pulumi up`` puts it on the hosts, kept to be put there again."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drill.configurations.other import DROP_ADDRESS, SETTLE_LIMIT_S
from drill.errors import DrillError
from drill.hosts import Host
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


def captured(
    engine: Engine, stack: Stack, presets: tuple[str, ...], tell: Callable[[str], None]
) -> dict[str, Own]:
    """Run ``pulumi up`` with each preset, keep what it gives the hosts, and end with the stack's own configuration.

    The stack's configuration file is not touched: the engine gets a copy. Raises :class:`DrillError`.
    """
    found: dict[str, Own] = {}
    others = [preset for preset in presets if preset != stack.config]
    try:
        for preset in others:
            tell(f"pulumi up with preset {preset} ...")
            with_config(engine, {"failover.preset": preset})
            found[preset] = _own(engine, stack, preset)
    finally:
        if others:
            tell(f"pulumi up with preset {stack.config} ...")
            up(engine)
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


def with_config(engine: Engine, changes: Mapping[str, str]) -> None:
    """Run ``pulumi up`` with keys changed in a copy of the stack's configuration. Raises :class:`DrillError`."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / f"Pulumi.{engine.stack}.yaml"
        shutil.copy(engine.project / f"Pulumi.{engine.stack}.yaml", copy)
        for key, value in changes.items():
            engine.must("config", "set", "--config-file", str(copy), "--path", key, value)
        up(engine, "--config-file", str(copy))


def up(engine: Engine, *more: str) -> None:
    """Run ``pulumi up``. Raises :class:`DrillError` with the engine's own words."""
    done = engine.run(
        "up", "--yes", "--skip-preview", "--suppress-outputs", "--color=never", *more, capture=True
    )
    if done.returncode:
        raise DrillError(f"pulumi up failed:\n{(done.stdout + done.stderr)[-3000:]}")


def _own(engine: Engine, stack: Stack, config: str) -> Own:
    resources: list[dict[str, Any]] = engine.export().get("resources") or []
    bundles: dict[str, dict[str, str]] = {host.name: {} for host in stack.balancers}
    for resource in resources:
        for host, found in bundles.items():
            for service in ("haproxy", "keepalived"):
                if resource["urn"].endswith(f"-{host}-{service}"):
                    found[service] = str(resource["inputs"]["stdin"])
    return Own(config, engine.outputs()["budget"], bundles)


def _clear(host: Host, vip: str) -> None:
    """End what runs; of another configuration nothing may stay active."""
    host.run("systemctl stop keepalived haproxy; " + DROP_ADDRESS.format(vip=vip))
