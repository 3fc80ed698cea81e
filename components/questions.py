"""What the end of an ``up`` asks about an endpoint, as ``templates/local/verify.py`` takes it on stdin."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pulumi

from components import ssh
from components.args import ApiServerVipArgs, BackendArgs, BalancerArgs
from components.enums import CheckKind, Verify
from components.planning.plan import Plan
from components.rendering import render

Checks = Mapping[str, pulumi.Input[str]]
"""What ``hostctl check`` is asked on one balancer: the bundle of a service, or the password."""


def about(
    name: str,
    args: ApiServerVipArgs,
    plan: pulumi.Output[Plan],
    vip: pulumi.Output[str],
    outside: pulumi.Input[str],
) -> pulumi.Output[dict[str, Any]]:
    """Return the questions about the endpoint `name`, files not among them; secret, since they hold logins."""
    hosts = [_host(host, args) for host in reachable(args)]
    known = pulumi.Output.all(plan=plan, vip=vip, outside=outside, hosts=hosts)
    return pulumi.Output.secret(known.apply(lambda all_: _about(name, **all_)))


def with_files(
    questions: pulumi.Output[dict[str, Any]], checks: Mapping[str, Checks], tool: str
) -> pulumi.Output[str]:
    """Return `questions` as a text, with what is checked on each balancer."""
    return pulumi.Output.all(questions=questions, checks=checks).apply(
        lambda all_: merged(all_["questions"], all_["checks"], tool)
    )


def merged(questions: Mapping[str, Any], checks: Mapping[str, Mapping[str, str]], tool: str) -> str:
    """Put hostctl and what it checks on each host into `questions`."""
    if questions["mode"] == Verify.OFF:
        return json.dumps(questions)
    hosts = [{**host, "checks": checks.get(host["name"], {})} for host in questions["hosts"]]
    whole = {**questions, "hosts": hosts, "tool": tool, "host_script": render.host_script()}
    return json.dumps(whole, sort_keys=True)


def reachable(args: ApiServerVipArgs) -> list[BalancerArgs]:
    """Return every balancer, and each backend with ``ssh`` that is not the same host as a balancer."""
    balancers = args["balancers"]
    names = {str(balancer["name"]) for balancer in balancers}
    plain = {balancer["address"] for balancer in balancers if isinstance(balancer["address"], str)}
    others = [backend for backend in args["backends"] if _another_host(backend, names, plain)]
    return [*balancers, *cast(list[BalancerArgs], others)]


def _another_host(backend: BackendArgs, names: set[str], addresses: set[str]) -> bool:
    same = backend["name"] in names or (
        isinstance(backend["address"], str) and backend["address"] in addresses
    )
    return "ssh" in backend and not same


def _host(host: BalancerArgs, args: ApiServerVipArgs) -> dict[str, Any]:
    return {
        "name": host["name"],
        "address": host["address"],
        "login": ssh.target_json(ssh.merged(args.get("ssh"), host.get("ssh")), host["address"]),
        # Another instance at the same address is to be verified anew; it is also the cloud's name of the host.
        "instance_id": host.get("instance_id") or "",
    }


def _each_once(hosts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Drop who is a balancer, or asked already, under another name: an address may be known no earlier than now."""
    found: dict[str, Mapping[str, Any]] = {}
    for host in hosts:  # the balancers come first
        found.setdefault(host["address"], host)
    return [*found.values()]


def _about(
    name: str, plan: Plan, vip: str, outside: str, hosts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    settings = plan.settings
    if settings.verify is Verify.OFF:  # which may turn out late
        return {"mode": settings.verify.value}
    order = {balancer.name: place for place, balancer in enumerate(plan.rollout)}
    asked = [
        {**host, "login": login, "balancer": host["name"] in order}
        for host, login in ((host, json.loads(host["login"])) for host in _each_once(hosts))
        if login.get("host_key") != ""  # a host that was down when its key was to be learned
    ]
    ports = (settings.port, *settings.additional_ports)
    return {
        "endpoint": name,
        "mode": settings.verify.value,
        "timeout_s": settings.verify_timeout_s,
        "vips": [{"name": "the VIP", "address": vip, "port": port} for port in ports],
        "path": settings.health_check.path,
        "expect_status": settings.health_check.expect_status
        if settings.health_check.kind is CheckKind.HTTPS
        else "",
        "outside": outside,
        "hosts": sorted(asked, key=lambda host: order.get(host["name"], len(order))),
        "balancers": [
            {"name": balancer.name, "address": balancer.address, "port": port}
            for balancer in plan.balancers
            for port in ports
            if settings.haproxy.everywhere or balancer.address in settings.haproxy.binds
        ],
        "backends": [
            {"name": backend.name, "address": backend.address, "port": backend.port}
            for backend in settings.backends
        ],
    }
