"""What a killed ``up`` left, asked before the next one changes anything: of the stack's state, and of the cloud.

Without it the next ``up`` makes a second object, or fails with the cloud's own word for one that is there already.
"""

import importlib.metadata
import json
import time
from collections.abc import Mapping
from typing import Any

import pulumi

from components.preflight import orphans, state
from components.preflight.orphans import Create, Found, Orphan

TRIES = 5
PAUSE_S = 0.3
_OWN = "organization"
"""What the engine calls the organization of a backend that has none."""


def deployment() -> Mapping[str, Any] | None:
    """Return the stack's deployment as its backend has it: empty in a preview, which asks nothing.

    ``None``, and a warning, if it cannot be read. Reading it takes no lock.
    """
    if pulumi.runtime.is_dry_run():
        return {}
    stack, organization = pulumi.get_stack(), pulumi.get_organization()
    if organization != _OWN:
        stack = f"{organization}/{pulumi.get_project()}/{stack}"
    try:
        return _exported(stack)
    except (state.StateError, ValueError) as error:
        pulumi.log.warn(f"whether an up was cut off could not be asked: {error}")
        return None


def check(deployed: Mapping[str, Any] | None, opts: pulumi.InvokeOptions | None = None) -> None:
    """Raise ``pulumi.RunError`` naming every cloud object that a killed ``up`` made and never recorded.

    To call before anything is registered, with what :func:`deployment` returned. The cloud is asked after a crash only;
    `opts` name a provider other than the default one.
    """
    known = deployed or {}
    creates = orphans.pending(known)
    found: list[Orphan] = []
    unknown: dict[str, str] = {}
    for create in creates:
        try:
            one = orphans.orphan(create, _asked(create, opts), known)
        except Exception as error:  # the SDK raises nothing narrower
            unknown[create.urn] = " ".join(str(error).split())
            continue
        found += [one] if one else []
    if found or unknown:
        raise pulumi.RunError(orphans.message(pulumi.get_stack(), found, unknown))
    if creates:
        pulumi.log.info(
            f"an up was cut off, and left nothing of {', '.join(create.name for create in creates)}; what the engine "
            f"says of it ends with: {orphans.clear_command(pulumi.get_stack())}"
        )


def _exported(stack: str, tries: int = TRIES) -> Mapping[str, Any]:
    """Return the deployment. The engine may be writing the state, which a directory does not do in one step."""
    try:
        exported = json.loads(state.run_pulumi(stack, "stack", "export"))
    except (state.StateError, ValueError):
        if tries == 1:
            raise
        time.sleep(PAUSE_S)
        return _exported(stack, tries - 1)
    found: Mapping[str, Any] = exported.get("deployment") or {}
    return found


def _asked(create: Create, opts: pulumi.InvokeOptions | None) -> list[Found]:
    """Return what the provider shows of objects like the one `create` was to make."""
    question = orphans.question(create)
    # The version is the SDK's, as for a resource without one; without it there would be a second default provider.
    version = importlib.metadata.version("pulumi-alicloud")
    asking = opts or pulumi.InvokeOptions(version=version)
    answer = pulumi.runtime.invoke(question.token, dict(question.arguments), asking).value or {}
    return [*(answer.get(question.listed) or [])]
