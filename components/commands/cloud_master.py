"""What the cloud says of a HaVip's master and instances: read with the stack's own provider, changing nothing."""

import json
import os
from collections.abc import Sequence

from components.agreement import View
from components.preflight.state import run_pulumi


def views(stack: str, ha_vips: Sequence[str]) -> dict[str, View]:
    """Return what the cloud says of each HaVip, by URN.

    The state knows what was so when the HaVip was last refreshed. A refresh that is only previewed tells, as an event,
    what is so now. Raises ``StateError``.
    """
    targets = [part for urn in ha_vips for part in ("--target", urn)]
    environment = {**os.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    events = run_pulumi(stack, "refresh", "--preview-only", "--json", *targets, environment=environment)
    found: dict[str, View] = {}
    for line in events.splitlines():
        metadata = json.loads(line).get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("urn") in ha_vips:
            shown = (metadata.get("new") or {}).get("outputs", {})
            instances = frozenset(shown.get("associatedInstances") or [])
            found[metadata["urn"]] = View(shown.get("masterInstanceId", ""), instances)
    return found
