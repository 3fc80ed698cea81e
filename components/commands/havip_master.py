"""Which instance the cloud takes for the master of a HaVip: read with the stack's own provider, changing nothing."""

import os
from collections.abc import Sequence

from components.preflight.state import parsed, run_pulumi

_ASKED = ("refresh", "--preview-only", "--json")


def masters_of(stack: str, ha_vips: Sequence[str]) -> dict[str, str]:
    """Return the master's instance id of each HaVip, by URN; empty where the cloud names none.

    The state knows who it was when the HaVip was last refreshed. A refresh that is only previewed tells, as an event,
    who it is now. Raises ``StateError``.
    """
    targets = [part for urn in ha_vips for part in ("--target", urn)]
    environment = {**os.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    events = run_pulumi(stack, *_ASKED, *targets, environment=environment)
    found: dict[str, str] = {}
    for line in events.splitlines():
        if not line.startswith("{"):  # a word of the engine's to people
            continue
        metadata = parsed(line, *_ASKED).get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("urn") in ha_vips:
            found[metadata["urn"]] = (
                (metadata.get("new") or {}).get("outputs", {}).get("masterInstanceId", "")
            )
    return found
