"""A change that is not complete holds what it replaces, which cannot be made again meanwhile: pure functions.

The engine makes the new object first, and deletes the old one at the end of an ``up`` that succeeds. Until then the
state has both, and the cloud refuses a third that is like the old one: whoever takes the change back would make that.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from components import tokens
from components.rules.violations import UNCHANGED

Resource = Mapping[str, Any]


def message(
    deployment: Mapping[str, Any], vips: Collection[str], instances: Collection[str], stack: str
) -> str:
    """Say which of the wanted `vips` and balancers' `instances` are held, and the way out; empty if none is."""
    resources = deployment.get("resources") or []
    old = [one for one in resources if one.get("delete")]
    now = [one for one in resources if not one.get("delete")]
    held = [*_vips(old, now, vips), *_instances(old, now, instances)]
    if not held:
        return ""
    first = f"{stack}: a change that is not complete cannot be taken back, {UNCHANGED}:"
    return "\n".join([first, *(f"  - {line}" for line in held)])


def _vips(old: Collection[Resource], now: Collection[Resource], wanted: Collection[str]) -> Iterator[str]:
    present = {one["urn"]: _address(one) for one in now if one["type"] == tokens.HA_VIP}
    for one in old:
        address = _address(one)
        # In another vSwitch the new one may have the same address.
        if one["type"] != tokens.HA_VIP or address not in wanted or address in present.values():
            continue
        new = present.get(one["urn"], "")
        yield (
            f"vip = {address!r}: {one['id']}, which the change to {new!r} replaces, has it until that is complete; "
            f"say {new!r} again and `pulumi up` until it succeeds, then change the VIP to {address!r}"
        )


def _instances(
    old: Collection[Resource], now: Collection[Resource], wanted: Collection[str]
) -> Iterator[str]:
    ha_vips = {one["id"] for one in now if one["type"] == tokens.HA_VIP and one.get("id")}
    present = {one["urn"]: _pair(one) for one in now if one["type"] == tokens.ATTACHMENT}
    for one in old:
        pair = _pair(one)
        # At a HaVip that is itself replaced it is in nobody's way: the instance is attached to the new one, too.
        if one["type"] == tokens.ATTACHMENT and pair[0] in ha_vips and pair[1] in wanted:
            new = present.get(one["urn"], ("", ""))[1]
            yield (
                f"instance_id = {pair[1]!r}: it is attached to {pair[0]} until the change to {new!r} is complete; say "
                f"{new!r} again and `pulumi up` until it succeeds, then change back; or detach {pair[1]} in the "
                "console, `pulumi refresh`, and `pulumi up`"
            )


def _address(ha_vip: Resource) -> str:
    known = {**(ha_vip.get("inputs") or {}), **(ha_vip.get("outputs") or {})}
    return str(known.get("ipAddress", ""))


def _pair(attachment: Resource) -> tuple[str, str]:
    ha_vip, _, instance = str(attachment.get("id", "")).partition(":")
    return ha_vip, instance
