"""Rules on ``Network`` and ``Masters``. Like those on the endpoint: all violations in one message, before anything."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network

import pulumi

from components import inputs
from components.planning.settings import PORT, VPC_CIDR, VSWITCH_CIDR
from components.rules import claims, members, shapes, texts
from components.rules.violations import Refusal, Violation, not_a_port

CREATING = ("vswitch_id", "security_group_id", "image_id", "public_key")
"""What a master cannot be created without."""
IDS = ("vswitch_id", "security_group_id")
"""Of these, what is there only once the network is."""
VPC_PREFIXES = range(8, 29)
"""Prefix lengths of a VPC (VPC limits)."""
GROUPS = 5
"""Security groups of an instance, unless the account has more (ECS limits)."""
SHARED = "give a basic group that those are in, with inner access: VRRP passes in no other way"


def check_network(name: str, form: type, args: Mapping[str, object]) -> None:
    """Refuse what no network can be made of with ``pulumi.RunError``."""
    found = shapes.violations(form, args)
    if not found:
        args = shapes.given(args)
        found = [*_name(name), *_place(args), *_cidrs(args), *_port(args)]
    _raise(name, found)


def check_masters(name: str, form: type, args: Mapping[str, object], *, whole: bool = True) -> None:
    """Refuse masters that cannot be created, or told apart, with ``pulumi.RunError``.

    Without `whole` the ids of cloud resources may be missing: they come later.
    """
    found = shapes.violations(form, args)
    if not found:
        args = shapes.given(args)
        masters = [inputs.mapping(master) for master in inputs.sequence(args["masters"])]
        found = [*_name(name), *members.hosts("masters", masters)]
        found += members.created("masters", masters, args.get("vswitch_cidr"))
        found += claims.name_conflicts(claims.of_this_run(), claims.MASTERS, name, named(args))
        created = names(masters, existing=False)
        groups = inputs.sequence(args.get("security_group_ids"))
        for key in CREATING if created else ():
            later = not whole and key in IDS
            if not later and _blank(args.get(key)) and not (key == "security_group_id" and groups):
                rule = f"is needed to create {', '.join(created)}"
                remedy = "give it, or the instance_id of instances that exist"
                found.append(Violation(key, args.get(key), rule, remedy))
        found += security_groups("security_group_ids", groups, masters, args.get("security_group_id"))
    _raise(name, found)


def named(args: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every master that resources are named after, and where its name is given."""
    for index, entry in enumerate(inputs.sequence(args["masters"])):
        master = inputs.mapping(entry)
        if not master.get("instance_id"):
            yield f"masters[{index}].name", str(master["name"])


def names(masters: Sequence[Mapping[str, object]], *, existing: bool) -> list[str]:
    """Return the names of the masters that exist already, or of those to create."""
    return [str(master["name"]) for master in masters if bool(master.get("instance_id")) == existing]


def mixture(masters: Sequence[Mapping[str, object]]) -> str:
    """Return the rule on what it takes to create masters beside existing ones; empty if they are of one kind."""
    created, existing = names(masters, existing=False), names(masters, existing=True)
    both = created and existing
    return f"is needed to create {', '.join(created)} beside {', '.join(existing)}" if both else ""


def security_groups(
    key: str, given: Sequence[object], masters: Sequence[Mapping[str, object]], own: object = None
) -> Iterator[Violation]:
    """All violations in the groups that created masters join besides their `own`; Outputs are let through."""
    if not given and (rule := mixture(masters)):
        yield Violation(key, [], rule, SHARED)
    if len(given) >= GROUPS:
        rule = f"an instance is in at most {GROUPS} security groups, one of which is the stack's own"
        yield Violation(key, len(given), rule, f"keep {GROUPS - 1}")
    for index, group in enumerate(given):
        if isinstance(group, pulumi.Output):
            continue
        if not isinstance(group, str) or not group:
            rule = "is not the id of a security group"
            yield Violation(f"{key}[{index}]", group, rule, "write it such as sg-bp1...")
        elif group in (own, *given[:index]):
            yield Violation(f"{key}[{index}]", group, "is there twice", "keep it once")


def _blank(value: object) -> bool:
    return not (value.strip() if isinstance(value, str) else value)


def _raise(name: str, found: list[Violation]) -> None:
    if found:
        raise Refusal(name, found)


def _name(name: str) -> Iterator[Violation]:
    if not texts.NAME.fullmatch(name):
        yield Violation("name of the component", name, texts.NAME_RULE, "choose another name")


def _place(args: Mapping[str, object]) -> Iterator[Violation]:
    """Half a network: either a zone to create one in, or a vSwitch together with its CIDR and its VPC."""
    vswitch, vpc = args.get("vswitch_id"), args.get("vpc_id")
    if vswitch and not vpc:
        yield Violation("vpc_id", vpc, "is missing beside vswitch_id", "give the id of the vSwitch's VPC")
    if vpc and not vswitch:
        remedy = "give vswitch_id too, or leave vpc_id out to create both"
        yield Violation("vswitch_id", vswitch, "is missing beside vpc_id", remedy)
    if vswitch and "vswitch_cidr" not in args:
        remedy = "give that vSwitch's own CIDR"
        yield Violation("vswitch_cidr", None, "is missing beside vswitch_id", remedy)
    if not vswitch and not args.get("zone_id"):
        remedy = "name one, such as cn-hangzhou-i"
        yield Violation("zone_id", args.get("zone_id"), "a vSwitch lives in a zone", remedy)


def _cidrs(args: Mapping[str, object]) -> Iterator[Violation]:
    found: list[Violation] = []
    vswitch = _network("vswitch_cidr", args.get("vswitch_cidr", VSWITCH_CIDR), found)
    vpc = _network("vpc_cidr", args.get("vpc_cidr", VPC_CIDR), found)
    if vswitch and vswitch.prefixlen not in members.VSWITCH_PREFIXES:
        rule = "is no size of a vSwitch, which is /16 to /29"
        found.append(Violation("vswitch_cidr", str(vswitch), rule, "choose another"))
    if not args.get("vswitch_id") and vpc:
        if vpc.prefixlen not in VPC_PREFIXES:
            found.append(
                Violation("vpc_cidr", str(vpc), "is no size of a VPC, which is /8 to /28", "choose another")
            )
        if vswitch and not vswitch.subnet_of(vpc):
            rule = f"is outside the VPC {vpc}"
            found.append(Violation("vswitch_cidr", str(vswitch), rule, "choose a part of vpc_cidr"))
    for key in ("ssh_cidrs", "api_cidrs"):
        given = inputs.sequence(args.get(key))
        for index, cidr in enumerate(given):
            _network(f"{key}[{index}]", cidr, found)
            if cidr in given[:index]:
                found.append(Violation(f"{key}[{index}]", cidr, "is there twice", "keep it once"))
    yield from found


def _network(where: str, text: object, found: list[Violation]) -> IPv4Network | None:
    """Return the network that `text` is, or nothing after reporting it; nothing for an Output, too."""
    if not isinstance(text, str):
        return None
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        found.append(Violation(where, text, "is not an IPv4 network", "write it such as 10.0.0.0/24"))
        return None
    if str(network) != text:
        found.append(Violation(where, text, "is not how a network is written", f"write {network}"))
    return network


def _port(args: Mapping[str, object]) -> Iterator[Violation]:
    more = inputs.sequence(args.get("additional_api_ports"))
    ports = [("api_port", args.get("api_port", PORT))]
    ports += [(f"additional_api_ports[{index}]", port) for index, port in enumerate(more)]
    for index, (where, port) in enumerate(ports):
        if wrong := not_a_port(where, port):
            yield from wrong
        elif port in [other for _, other in ports[:index]]:
            yield Violation(where, port, "is there twice", "keep it once")
