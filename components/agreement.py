"""The end of an ``up``: the cloud takes the balancer that has the VIP for the HaVip's master, and all for attached.

Asked by the program itself, as no resource: who has the VIP is in no input and no output, so that a failover makes
no diff.
"""

import asyncio
import importlib.metadata
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pulumi
from pulumi_alicloud import vpc

from components import remedies

WITHIN_S = 20
"""The cloud learns of a new master a little later than the hosts."""
PAUSE_S = 2
_LOOKED = re.compile(r"^looked: (\S+)$", re.MULTILINE)
_HOLDER = re.compile(r"^holder: (\S+) (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Attached:
    """A balancer as the cloud should know it."""

    name: str
    instance_id: str
    attachment: str
    """URN of its attachment; empty if the state has none."""


@dataclass(frozen=True)
class View:
    """What the cloud says of a HaVip."""

    master: str = ""
    instances: frozenset[str] = frozenset()
    """Those that are attached to it."""


@dataclass(frozen=True)
class Holder:
    """The balancer that had the VIP when this run looked."""

    name: str
    instance_id: str


def looked(said: str, since: datetime) -> bool:
    """Return whether a verification (``templates/local/verify.py``) that `said` so was made after `since`."""
    found = _LOOKED.search(said)
    return found is not None and datetime.fromisoformat(found[1]) >= since


def holder(said: str) -> Holder | None:
    """Return whom it found; nobody if that is a balancer that leaves, whose instance the program knows no more."""
    found = _HOLDER.search(said)
    return Holder(found[1], found[2]) if found else None


def detached(view: View, balancers: Iterable[Attached], ha_vip: str, stack: str) -> str:
    """Say which of `balancers` could not take over, and what to do about it; empty if all are attached.

    Every file and service of such a one is right, and its attachment may be in the state: in a run that was cut off it
    was deleted, or somebody did it in the console.
    """
    missing = [one for one in balancers if one.instance_id not in view.instances]
    if not missing:
        return ""
    names = " and ".join(f"{one.name} ({one.instance_id})" for one in missing)
    targets = [part for one in missing if one.attachment for part in ("--target", one.attachment)]
    forget = f"`{remedies.refresh(stack, *targets)}` drops what the state has of it, and " if targets else ""
    verb = "is" if len(missing) == 1 else "are"
    return f"{names} {verb} not attached to {ha_vip} and cannot take over: {forget}`pulumi up` attaches anew"


def gone(ha_vip: str, stack: str) -> str:
    """Say that the cloud has no such HaVip any more, and what to do about it."""
    forget = remedies.refresh(stack)
    return f"the cloud does not have {ha_vip}: `{forget}` drops what the state has of it, and `pulumi up` makes it anew"


async def demand(
    endpoint: str, found: Holder, ha_vip: str, balancers: Sequence[Attached], parent: pulumi.Resource
) -> None:
    """Ask until the cloud agrees. Raises ``pulumi.RunError`` naming both if it does not, or cannot be asked."""
    deadline = time.monotonic() + WITHIN_S
    while wrong := await _disagreement(found, ha_vip, balancers, parent):
        if time.monotonic() >= deadline:
            raise pulumi.RunError(
                f"{endpoint}: everything is applied and answers, but {wrong}. `python -m components verify` asks again"
            )
        await asyncio.sleep(PAUSE_S)


async def _disagreement(
    found: Holder, ha_vip: str, balancers: Sequence[Attached], parent: pulumi.Resource
) -> str:
    """Return what is wrong with the cloud's view, empty if nothing is."""
    try:
        view = await _view(ha_vip, parent)
    except Exception as error:  # the SDK raises nothing narrower
        return f"the cloud could not be asked who the master of {ha_vip} is: {' '.join(str(error).split())}"
    if view is None:
        return gone(ha_vip, pulumi.get_stack())
    if lacking := detached(view, balancers, ha_vip, pulumi.get_stack()):
        return lacking
    if view.master == found.instance_id:
        return ""
    return (
        f"{found.name} ({found.instance_id}) had the VIP at the end, and for {WITHIN_S} s the cloud has taken "
        f"{view.master or 'nobody'} for the master of {ha_vip}: the VIP has moved meanwhile, or another instance "
        "claims it"
    )


async def _view(ha_vip: str, parent: pulumi.Resource) -> View | None:
    # Not get_havips_output: an Output that fails ends the program, however often it is asked again.
    answer = await pulumi.runtime.invoke_async(
        "alicloud:vpc/getHavips:getHavips",
        {"ids": [ha_vip]},
        # With the provider of `parent`; the version is the SDK's, as for a resource without one.
        pulumi.InvokeOptions(parent=parent, version=importlib.metadata.version("pulumi-alicloud")),
        vpc.GetHavipsResult,
    )
    if not answer.havips:
        return None
    shown = answer.havips[0]
    return View(shown.master_instance_id or "", frozenset(shown.associated_instances or []))
