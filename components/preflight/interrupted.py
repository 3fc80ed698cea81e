"""What a killed run left, asked before the next ``up`` changes anything: of the stack's state, and of the cloud.

Without it the next ``up`` makes a second object, or fails with the cloud's own word for one that is there already, or
that is gone.
"""

import importlib.metadata
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components import tokens
from components.preflight import orphans, replaced, state
from components.preflight.orphans import Create, Delete, Found, Orphan, Question

TRIES = 5
PAUSE_S = 0.3
_STEP = f"{tokens.BALANCER_HOST}${tokens.COMMAND}::"
"""In the URN of a step on a host, before its name."""
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
        pulumi.log.warn(
            f"the stack's state could not be read, so what an interrupted run may have left was not looked for: {error}"
        )
        return None


def check(
    deployed: Mapping[str, Any] | None,
    opts: pulumi.InvokeOptions | None = None,
    *,
    vips: Iterable[pulumi.Input[str]] = (),
    instances: Iterable[pulumi.Input[str]] = (),
) -> None:
    """Raise ``pulumi.RunError`` naming every cloud object that a killed run made or deleted and never recorded.

    So it does where a change that failed or was cut off still holds one of the wanted `vips`, or of the balancers'
    `instances` as far as they are known. To call before anything is registered, with what :func:`deployment` returned.
    The cloud is asked after a crash only; `opts` name a provider other than the default one.
    """
    known = deployed or {}
    creates = orphans.pending(known)
    steps: list[Create | Delete] = [*creates, *orphans.deletes(known)]
    made: list[Orphan] = []
    deleted: list[Delete] = []
    unknown: list[tuple[Create | Delete, str]] = []
    for step in steps:
        try:
            answer = _asked(orphans.question(step), opts)
        except Exception as error:  # the SDK raises nothing narrower
            unknown.append((step, " ".join(str(error).split())))
            continue
        if isinstance(step, Delete):
            deleted += [step] if orphans.gone(step, answer) else []
        elif one := orphans.orphan(step, answer, known):
            made.append(one)
    if half_done := _half_done(known):
        pulumi.log.warn(
            f"a run was cut off while it changed hosts ({', '.join(half_done)}), and the state has what was there "
            "before. The same change completes by itself; one that is taken back shows no diff, though a host may have "
            "it, or wait for it: then `python -m components verify --repair` puts the hosts right"
        )
    if made or deleted or unknown:
        raise pulumi.RunError(orphans.message(pulumi.get_stack(), made, deleted, unknown))
    if held := replaced.message(known, _plain(vips), _plain(instances), pulumi.get_stack()):
        raise pulumi.RunError(held)
    if creates:
        pulumi.log.info(
            f"an up was cut off, and left nothing of {', '.join(create.name for create in creates)}; what the engine "
            f"says of it ends with: {orphans.clear_command(pulumi.get_stack())}"
        )


def _plain(values: Iterable[pulumi.Input[str]]) -> list[str]:
    return [one for one in values if one and isinstance(one, str)]


def _half_done(deployment: Mapping[str, Any]) -> list[str]:
    """Return the steps on hosts that were being changed, by name: nobody knows how far they got."""
    operations = deployment.get("pending_operations") or []
    urns = [one["resource"]["urn"] for one in operations if one["type"] == "updating"]
    return [urn.rpartition("::")[2] for urn in urns if _STEP in urn]


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


def _asked(question: Question, opts: pulumi.InvokeOptions | None) -> list[Found]:
    """Return what the provider shows."""
    # The version is the SDK's, as for a resource without one; without it there would be a second default provider.
    version = importlib.metadata.version("pulumi-alicloud")
    asking = opts or pulumi.InvokeOptions(version=version)
    answer = pulumi.runtime.invoke(question.token, dict(question.arguments), asking).value or {}
    return [*(answer.get(question.listed) or [])]
