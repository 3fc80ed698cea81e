"""A HaVip and attachments made by hand: imported by a plain ``pulumi up``, and left where they are by ``destroy``."""

from collections.abc import Iterator, Mapping

import pulumi

from components import inputs
from components.args import ApiServerVipArgs, BalancerArgs
from components.rules.violations import Violation

KEPT = ["haVipName", "description", "tags"]
"""What an adopted HaVip keeps as it was."""


def ha_vip(args: ApiServerVipArgs, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Return the options of the HaVip: `opts`, or those of one that is adopted."""
    adopt = args.get("adopt")
    return opts if adopt is None else _adopted(opts, adopt["ha_vip_id"], KEPT)


def attachment(
    args: ApiServerVipArgs, balancer: BalancerArgs, opts: pulumi.ResourceOptions
) -> pulumi.ResourceOptions:
    """Return the options of the attachment of `balancer`: `opts`, or those of one that is adopted."""
    adopt = args.get("adopt")
    if adopt is None or not keeps_attachment(args, balancer):
        return opts
    # The API does not tell whether a detachment would be forced; a mismatch would fail the import.
    return _adopted(opts, f"{adopt['ha_vip_id']}:{balancer['instance_id']}", ["force"])


def keeps_attachment(args: ApiServerVipArgs, balancer: BalancerArgs) -> bool:
    """Return whether `balancer` stays attached when it leaves, or when everything goes."""
    adopt = args.get("adopt")
    return adopt is not None and balancer["name"] in adopt.get("balancers", [balancer["name"]])


def _adopted(opts: pulumi.ResourceOptions, known_as: str, kept: list[str]) -> pulumi.ResourceOptions:
    opts.import_ = known_as
    opts.ignore_changes = kept
    opts.retain_on_delete = True
    return opts


def violations(args: Mapping[str, object]) -> Iterator[Violation]:
    """All violations in what is to be adopted."""
    adopt = inputs.mapping(args.get("adopt"))
    if not adopt:
        return
    if adopt.get("ha_vip_id") == "":
        yield Violation("adopt.ha_vip_id", "", "is empty", "give the HaVip's id, or leave adopt out")
    hosts = [inputs.mapping(host) for host in inputs.sequence(args.get("balancers"))]
    names = [host.get("name") for host in hosts]
    attached = inputs.sequence(adopt.get("balancers", names))
    for index, name in enumerate(attached):
        if name not in names:
            yield Violation(
                f"adopt.balancers[{index}]", name, "is not a balancer", "name one of the balancers"
            )
    for index, host in enumerate(hosts):
        if host.get("name") in attached and isinstance(host.get("instance_id"), pulumi.Output):
            rule = "is part of the id under which its attachment is imported"
            yield Violation(
                f"balancers[{index}].instance_id", "an Output", rule, "give the id as a plain text"
            )
