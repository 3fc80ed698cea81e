"""Arguments as given, split into what is known now and what only an ``Output`` will tell."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pulumi

from components.planning.settings import Settings

_T = TypeVar("_T")
CLOUD_ONLY = frozenset({"instance_id", "instance", "ssh"})
"""Keys of a host that no file depends on. They stay out of what is rendered: one unknown or secret
leaf would make a whole file unknown or secret."""
SETTINGS = frozenset(field.name for field in dataclasses.fields(Settings))
"""Keys of the arguments that rules look at and files are rendered from."""


def renderable(args: Mapping[str, object]) -> dict[str, object]:
    """Return what becomes `Settings`: without ids, connections and the password, Outputs still in place."""
    found = {key: value for key, value in args.items() if key in SETTINGS}
    for hosts in ("balancers", "backends"):
        listed = found.get(hosts)
        if isinstance(listed, list | tuple):
            found[hosts] = [_without(host, CLOUD_ONLY) for host in listed]
    keepalived = found.get("keepalived")
    if isinstance(keepalived, Mapping):
        password = keepalived.get("auth_pass") is not None
        found["keepalived"] = {**mapping(_without(keepalived, {"auth_pass"})), "auth": password}
    return found


def known(value: object, unknown: set[str], path: str = "") -> object:
    """Return `value` without its Outputs, whose paths go into `unknown`."""
    if isinstance(value, pulumi.Output):
        unknown.add(path)
        return None
    if isinstance(value, Mapping):
        return {
            key: known(item, unknown, f"{path}.{key}" if path else str(key)) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        if any(isinstance(item, pulumi.Output) for item in value):
            unknown.add(path)  # what is missing in it may be what is missed
        return [known(item, unknown, f"{path}[{index}]") for index, item in enumerate(value)]
    return value


def _without(value: object, keys: frozenset[str] | set[str]) -> object:
    if not isinstance(value, Mapping):
        return value
    return {key: item for key, item in value.items() if key not in keys}


def otherwise(value: pulumi.Input[Any] | None, default: _T) -> pulumi.Output[_T]:
    """Return `value`, or `default` if it is, or turns out to be, nothing."""
    return pulumi.Output.all(value).apply(lambda all_: default if all_[0] in (None, "") else all_[0])


def once(there: pulumi.Resource, value: pulumi.Output[str]) -> pulumi.Output[str]:
    """Return `value` for those who have to wait until `there` is; its URN is known in every preview, its id is not."""
    return pulumi.Output.all(value, there.urn).apply(lambda both: str(both[0]))


def mapping(value: object) -> Mapping[str, object]:
    """Return `value` if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[object]:
    """Return `value` if it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else []
