"""What the cloud says of a HaVip's master and instances: read with the stack's own provider, changing nothing."""

import os
from collections.abc import Sequence

from components.agreement import View
from components.preflight.state import parsed, run_pulumi

_ASKED = ("refresh", "--preview-only", "--json")


def views(stack: str, ha_vips: Sequence[str]) -> dict[str, View]:
    """Return what the cloud says of each HaVip that it has, by URN.

    The state knows what was so when the HaVip was last refreshed. A refresh that is only previewed tells, as an event,
    what is so now. Raises ``StateError``.
    """
    targets = [part for urn in ha_vips for part in ("--target", urn)]
    environment = {**os.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    events = run_pulumi(stack, *_ASKED, *targets, environment=environment)
    found: dict[str, View] = {}
    for line in events.splitlines():
        if not line.startswith("{"):  # a word of the engine's to people
            continue
        metadata = parsed(line, *_ASKED).get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("urn") in ha_vips and metadata.get("new"):
            shown = metadata["new"].get("outputs", {})
            instances = frozenset(shown.get("associatedInstances") or [])
            found[metadata["urn"]] = View(shown.get("masterInstanceId", ""), instances)
    return found
