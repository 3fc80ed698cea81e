"""``python -m components verify``: whether every endpoint of a stack holds now what it promises.

Asks what the end of an ``up`` asks: of the cloud, which instance it takes for the HaVip's master, and whether every
balancer is attached. An endpoint whose ``verify`` is off is named and passed over. Exit status: 0 if all holds, 1 if
something does not, 2 if it could not be asked, or a repair failed.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from components import questions
from components.agreement import Attached, View, detached, gone
from components.commands import cloud_view
from components.commands.repair import RepairError, drifted, repair
from components.commands.report import as_text
from components.preflight.state import Endpoint, StateError, endpoints
from components.rendering import render
from templates.local.verify import Outcome, verify
from templates.local.verify_asking import Questions
from templates.local.verify_judge import Failure

CHECKED = {"haproxy": "haproxy", "keepalived": "keepalived", "auth": "password"}
"""Steps whose standard input `hostctl check` compares, and the name it has there."""
WAIT_S = 5
REPAIRED_WITHIN_S = 60
_CLOUD = "cloud"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _parser().parse_args(arguments)
    try:
        found = _chosen(options.stack, options.endpoint)
        outcomes = verify_all(options.stack, found, options.wait, cloud=options.cloud)
        broken = {one.name: drifted(outcomes[one.name].verdict) for one in found}
        if options.repair and any(broken.values()):
            for one in found:
                repair(one, broken[one.name], lambda line: sys.stderr.write(f"repair {line}\n"))
            outcomes = verify_all(options.stack, found, REPAIRED_WITHIN_S, cloud=options.cloud)
    except (StateError, RepairError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(_as_json(outcomes) if options.json else "\n".join(map(as_text, outcomes.values())))
    return 0 if all(outcome.holds for outcome in outcomes.values()) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m components verify",
        description="Whether every endpoint of a stack holds what it promises: asked from every host, through every "
        "balancer and from here; files and services are the stack's; exactly one balancer has the VIP, and the "
        "cloud agrees. Run it where `pulumi stack output` works.",
    )
    parser.add_argument("endpoint", nargs="*", help="name of an ApiServerVip; default: every one")
    parser.add_argument("--stack", default="", help="default: the selected one")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="put drifted files back and start stopped services, as the last `up` left them, host by host, the "
        "planned holder last; then verify again",
    )
    parser.add_argument(
        "--wait", type=float, default=WAIT_S, metavar="SECONDS", help="until all must hold (5)"
    )
    parser.add_argument("--no-cloud", dest="cloud", action="store_false", help="do not ask the cloud")
    return parser


def _chosen(stack: str, names: Sequence[str]) -> list[Endpoint]:
    there = endpoints(stack)
    if unknown := set(names) - {one.name for one in there}:
        known = ", ".join(one.name for one in there) or "none"
        raise StateError(f"{', '.join(sorted(unknown))}: not an endpoint of this stack; there is: {known}")
    wanted = [one for one in there if not names or one.name in names]
    asked = [one for one in wanted if one.questions]
    if not asked:
        raise StateError("no endpoint to verify: is the stack up, and verify not off?")
    if passed_over := [one.name for one in wanted if not one.questions]:
        sys.stderr.write(
            f"not verified: {', '.join(passed_over)}: verify is off, or no up has got that far\n"
        )
    return asked


def verify_all(stack: str, found: Sequence[Endpoint], wait_s: float, *, cloud: bool) -> dict[str, Outcome]:
    """Verify every endpoint, and ask the cloud meanwhile."""
    with ThreadPoolExecutor(max_workers=len(found) + 1) as pool:
        ha_vips = [one.ha_vip for one in found]
        asked = pool.submit(cloud_view.views, stack, ha_vips) if cloud else None
        verified = {one.name: pool.submit(verify, _questions(one), wait_s) for one in found}
        outcomes = {name: future.result() for name, future in verified.items()}
    if asked is None:
        return outcomes
    return {one.name: _with_cloud(stack, one, outcomes[one.name], asked) for one in found}


def _questions(endpoint: Endpoint) -> Questions:
    """What is asked of `endpoint`: the files are those that the last ``up`` put on each host."""
    checks: dict[str, dict[str, str]] = {}
    tool = ""
    for step in endpoint.steps:
        if step.name in CHECKED:
            checks.setdefault(step.host, {})[CHECKED[step.name]] = step.stdin
        elif step.name == "tool":
            tool = step.stdin
    return Questions.parse(questions.merged(endpoint.questions, checks, tool or render.tool()))


def _with_cloud(
    stack: str, endpoint: Endpoint, outcome: Outcome, asked: "Future[dict[str, View]]"
) -> Outcome:
    """Add what is wrong with the cloud's view of the HaVip's master and instances."""
    hosts = outcome.questions.hosts
    holders = [host for host in hosts if host.name in outcome.verdict.holders]
    try:
        view = asked.result().get(endpoint.ha_vip)
    except StateError as error:
        return _failing(outcome, Failure(_CLOUD, "", f"the HaVip's master is not known: {error}"))
    if view is None:
        return _failing(outcome, Failure(_CLOUD, "", gone("the HaVip", stack)))
    balancers = [
        Attached(host.name, host.instance_id, endpoint.attachments.get(host.instance_id, ""))
        for host in hosts
        if host.balancer
    ]
    if lacking := detached(view, balancers, "the HaVip", stack):
        return _failing(outcome, Failure(_CLOUD, "", lacking))
    if len(holders) == 1 and holders[0].instance_id != view.master:
        held = f"{holders[0].name} ({holders[0].instance_id}) has the VIP"
        return _failing(
            outcome, Failure(_CLOUD, holders[0].name, f"{held}, the cloud says {view.master or 'nobody'} has")
        )
    return dataclasses.replace(outcome, agreed=f", and the cloud agrees ({view.master})")


def _failing(outcome: Outcome, failure: Failure) -> Outcome:
    verdict = dataclasses.replace(outcome.verdict, failures=(*outcome.verdict.failures, failure))
    return dataclasses.replace(outcome, verdict=verdict)


def _as_json(outcomes: Mapping[str, Outcome]) -> str:
    listed: list[dict[str, Any]] = [
        {
            "endpoint": name,
            "vip": outcome.questions.vip.address,
            "port": outcome.questions.vip.port,
            "holds": outcome.holds,
            "holders": outcome.verdict.holders,
            "ready": outcome.verdict.up,
            "not_ready": outcome.verdict.down,
            "not_asked": outcome.verdict.unasked,
            "failures": [
                {key: getattr(failure, key) for key in ("layer", "host", "said")}
                for failure in outcome.verdict.failures
            ],
            "logs": outcome.logs,
        }
        for name, outcome in outcomes.items()
    ]
    holds = all(outcome.holds for outcome in outcomes.values())
    return json.dumps({"holds": holds, "endpoints": listed}, indent=2) + "\n"
