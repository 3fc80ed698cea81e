"""Rules on a plan: who is where here; ports and numbers in `services`, texts in `texts`.

A value that is not known yet (at preview) is empty here and is looked at again once it is known,
before any host is touched.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import chain

from components.planning.plan import Plan
from components.planning.settings import Settings
from components.rules import services, texts
from components.rules.violations import Violation

FEWEST, MOST = 2, 10
"""Balancers: one alone is not highly available; a HaVip takes at most ten ECS instances (HaVip limits)."""
VSWITCH_PREFIXES = range(16, 30)
"""Prefix lengths of a vSwitch (vSwitch limits)."""


def violations(plan: Plan, unknown: frozenset[str] = frozenset()) -> Iterator[Violation]:
    """All violations in `plan` that hold whatever the `unknown` paths will turn out to be."""
    rules = (_counts, _names, _addresses, _distinct, _namesakes, _vswitch)
    found = chain(*(rule(plan.settings) for rule in rules), services.violations(plan), texts.violations(plan))
    yield from (violation for violation in found if not violation.is_open(unknown))


def _counts(settings: Settings) -> Iterator[Violation]:
    count = len(settings.balancers)
    if count < FEWEST:
        rule = f"a highly available endpoint needs at least {FEWEST} balancers"
        yield Violation("balancers", count, rule, "add another host")
    if count > MOST:
        rule = f"a HaVip takes at most {MOST} instances"
        yield Violation("balancers", count, rule, f"keep {MOST}, the others can stay backends")
    if not settings.backends:
        yield Violation("backends", 0, "there must be at least one kube-apiserver", "list the masters")


def _names(settings: Settings) -> Iterator[Violation]:
    for where, name, _ in _hosts(settings):
        if not texts.NAME.fullmatch(name):
            yield Violation(f"{where}.name", name, texts.NAME_RULE, "give the host a plain name")


def _addresses(settings: Settings) -> Iterator[Violation]:
    for where, _, address in _hosts(settings):
        yield from _address(f"{where}.address", address)
    if settings.vip:
        yield from _address("vip", settings.vip)


def _address(where: str, text: str) -> Iterator[Violation]:
    address = _parsed(text)
    if address is None:
        yield Violation(where, text, "is not an IPv4 address", "write it as four numbers, such as 10.0.0.11")
    elif address.is_loopback or address.is_multicast or address.is_unspecified or int(address) >= 240 << 24:
        yield Violation(where, text, "is not an address of a host", "give the private address in the vSwitch")


def _distinct(settings: Settings) -> Iterator[Violation]:
    for kind, hosts in (("balancers", settings.balancers), ("backends", settings.backends)):
        yield from twice(kind, "name", [host.name for host in hosts])
        yield from twice(kind, "address", [host.address for host in hosts])
    yield from twice("balancers", "priority", [host.priority for host in settings.balancers])
    taken = [where for where, _, address in _hosts(settings) if address == settings.vip]
    if settings.vip and taken:
        rule = f"is the address of {taken[0]}"
        yield Violation("vip", settings.vip, rule, "choose an address that no host has")


def _namesakes(settings: Settings) -> Iterator[Violation]:
    """Backends called like a balancer on another host: a name is what one login and one host key belong to."""
    own = {balancer.name: index for index, balancer in enumerate(settings.balancers) if balancer.name}
    for index, backend in enumerate(settings.backends):
        namesake = own.get(backend.name)
        if namesake is not None and backend.address != settings.balancers[namesake].address:
            rule = f"is not that of balancers[{namesake}], which has the same name"
            remedy = "give one host one address, or two hosts two names"
            depends = (f"balancers[{namesake}].address",)
            yield Violation(f"backends[{index}].address", backend.address, rule, remedy, depends)


def twice(kind: str, key: str, values: Sequence[str | int]) -> Iterator[Violation]:
    """All violations in `values`, of which no two may be equal; empty ones are somebody else's concern."""
    seen: dict[str | int, int] = {}
    for index, value in enumerate(values):
        if value and value in seen:
            rule = f"is already the {key} of {kind}[{seen[value]}]"
            first = (f"{kind}[{seen[value]}].{key}",)
            yield Violation(f"{kind}[{index}].{key}", value, rule, "give each its own", first)
        seen.setdefault(value, index)


def _vswitch(settings: Settings) -> Iterator[Violation]:
    if not settings.vswitch_cidr:
        return
    network = _network(settings.vswitch_cidr)
    if network is None:
        rule = "is not an IPv4 network"
        yield Violation("vswitch_cidr", settings.vswitch_cidr, rule, "write it such as 10.0.0.0/24")
        return
    if str(network) != settings.vswitch_cidr:
        rule = "is not how the network of a vSwitch is written"
        yield Violation("vswitch_cidr", settings.vswitch_cidr, rule, f"write {network}")
        return
    if network.prefixlen not in VSWITCH_PREFIXES:
        rule = "is no size of a vSwitch, which is /16 to /29"
        yield Violation("vswitch_cidr", settings.vswitch_cidr, rule, "give the vSwitch's own CIDR")
        return
    inside = [("vip", settings.vip)]
    inside += [(f"balancers[{i}].address", host.address) for i, host in enumerate(settings.balancers)]
    for where, text in inside:
        yield from _inside(where, text, network)


def _inside(where: str, text: str, network: IPv4Network) -> Iterator[Violation]:
    address = _parsed(text)
    if address is None:
        return
    if address not in network:
        rule = f"is outside the vSwitch {network}"
        yield Violation(where, text, rule, f"a HaVip and its hosts share one vSwitch: {usable(network)}")
    elif reserved(address, network):
        rule = f"is reserved in the vSwitch {network} (the first and the last three addresses)"
        yield Violation(where, text, rule, usable(network))


def created(kind: str, given: Sequence[Mapping[str, object]], vswitch_cidr: object) -> Iterator[Violation]:
    """All violations of those without ``instance_id`` that ECS would find: it gives them their names and addresses."""
    network = _network(vswitch_cidr) if isinstance(vswitch_cidr, str) else None
    for index, host in enumerate(given):
        if host.get("instance_id"):
            continue
        name, address = str(host.get("name", "")), host.get("address")
        if texts.NAME.fullmatch(name) and not texts.HOST_NAME.fullmatch(name):
            remedy = "give it another name, such as k8s-master01"
            yield Violation(f"{kind}[{index}].name", name, texts.HOST_NAME_RULE, remedy)
        if network and isinstance(address, str):
            yield from _inside(f"{kind}[{index}].address", address, network)


def reserved(address: IPv4Address, network: IPv4Network) -> bool:
    """Say whether Alibaba Cloud keeps `address` for itself (vSwitch limits: the first and the last three)."""
    return address == network.network_address or int(address) > int(network.broadcast_address) - 3


def usable(network: IPv4Network) -> str:
    """Name the addresses of a vSwitch that hosts may have, in words."""
    return f"use {network.network_address + 1} to {network.broadcast_address - 3}"


def hosts(kind: str, given: Sequence[Mapping[str, object]]) -> Iterator[Violation]:
    """All violations in the names and addresses of hosts that are no settings yet; Outputs are let through."""
    names = [str(host["name"]) for host in given]
    addresses = [host["address"] for host in given]
    for index, (name, address) in enumerate(zip(names, addresses, strict=True)):
        if not texts.NAME.fullmatch(name):
            where = f"{kind}[{index}].name"
            yield Violation(where, name, texts.NAME_RULE, "give the host a plain name")
        if isinstance(address, str):
            yield from _address(f"{kind}[{index}].address", address)
    yield from twice(kind, "name", names)
    yield from twice(kind, "address", [one if isinstance(one, str) else "" for one in addresses])


def _hosts(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Path, name and address of every host named."""
    for index, balancer in enumerate(settings.balancers):
        yield f"balancers[{index}]", balancer.name, balancer.address
    for index, backend in enumerate(settings.backends):
        yield f"backends[{index}]", backend.name, backend.address


def _network(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None


def _parsed(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None
