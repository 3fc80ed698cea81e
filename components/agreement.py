"""The end of an ``up``: the cloud takes the balancer that has the VIP for the HaVip's master.

Asked by the program itself, as no resource: who has the VIP is in no input and no output, so that a failover makes
no diff.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import datetime

import pulumi
from pulumi_alicloud import vpc

WITHIN_S = 20
"""The cloud learns of a new master a little later than the hosts."""
PAUSE_S = 2
_HOLDER = re.compile(r"^holder: (\S+) (\S+) (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Holder:
    """The balancer that had the VIP when this run looked."""

    name: str
    instance_id: str


def holder(said: str, since: datetime) -> Holder | None:
    """Return whom a verification (``templates/verify.py``) found that `said` so, unless that was before `since`."""
    found = _HOLDER.search(said)
    if not found or datetime.fromisoformat(found[3]) < since:
        return None
    return Holder(found[1], found[2])


async def demand(endpoint: str, found: Holder, ha_vip: str, parent: pulumi.Resource) -> None:
    """Ask until the cloud agrees. Raises ``pulumi.RunError`` naming both if it does not."""
    deadline = time.monotonic() + WITHIN_S
    while (master := await _master(ha_vip, parent)) != found.instance_id:
        if time.monotonic() >= deadline:
            raise pulumi.RunError(
                f"{endpoint}: {found.name} ({found.instance_id}) had the VIP at the end of this update, but for "
                f"{WITHIN_S} s the cloud has taken {master or 'nobody'} for the master of {ha_vip}. Everything is "
                "applied. Either the VIP has moved meanwhile, or an instance that is not the holder claims its "
                "address: `python -m components.verify` asks again and names who has it"
            )
        await asyncio.sleep(PAUSE_S)


async def _master(ha_vip: str, parent: pulumi.Resource) -> str:
    # With the provider of `parent`.
    asked = vpc.get_havips_output(ids=[ha_vip], opts=pulumi.InvokeOptions(parent=parent))
    answer = await asked.future()
    return answer.havips[0].master_instance_id if answer and answer.havips else ""
