"""The end of an ``up``: the cloud takes the balancer that has the VIP for the HaVip's master.

Asked by the program itself, as no resource: who has the VIP is in no input and no output, so that a failover makes
no diff.
"""

import asyncio
import importlib.metadata
import re
import time
from dataclasses import dataclass
from datetime import datetime

import pulumi
from pulumi_alicloud import vpc

WITHIN_S = 20
"""The cloud learns of a new master a little later than the hosts."""
PAUSE_S = 2
_LOOKED = re.compile(r"^looked: (\S+)$", re.MULTILINE)
_HOLDER = re.compile(r"^holder: (\S+) (\S+)$", re.MULTILINE)


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


async def demand(endpoint: str, found: Holder, ha_vip: str, parent: pulumi.Resource) -> None:
    """Ask until the cloud agrees. Raises ``pulumi.RunError`` naming both if it does not, or cannot be asked."""
    deadline = time.monotonic() + WITHIN_S
    while wrong := await _disagreement(found, ha_vip, parent):
        if time.monotonic() >= deadline:
            raise pulumi.RunError(
                f"{endpoint}: everything is applied and answers, but {wrong}. `python -m components verify` asks again"
            )
        await asyncio.sleep(PAUSE_S)


async def _disagreement(found: Holder, ha_vip: str, parent: pulumi.Resource) -> str:
    """Return what is wrong with the cloud's view, empty if nothing is."""
    try:
        master = await _master(ha_vip, parent)
    except Exception as error:  # the SDK raises nothing narrower
        return f"the cloud could not be asked who the master of {ha_vip} is: {' '.join(str(error).split())}"
    if master == found.instance_id:
        return ""
    return (
        f"{found.name} ({found.instance_id}) had the VIP at the end, and for {WITHIN_S} s the cloud has taken "
        f"{master or 'nobody'} for the master of {ha_vip}: the VIP has moved meanwhile, or another instance claims it"
    )


async def _master(ha_vip: str, parent: pulumi.Resource) -> str:
    # Not get_havips_output: an Output that fails ends the program, however often it is asked again.
    answer = await pulumi.runtime.invoke_async(
        "alicloud:vpc/getHavips:getHavips",
        {"ids": [ha_vip]},
        # With the provider of `parent`; the version is the SDK's, as for a resource without one.
        pulumi.InvokeOptions(parent=parent, version=importlib.metadata.version("pulumi-alicloud")),
        vpc.GetHavipsResult,
    )
    return answer.havips[0].master_instance_id or "" if answer.havips else ""
