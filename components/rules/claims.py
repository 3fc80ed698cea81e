"""What the endpoints of one run have taken: a host serves one endpoint, a VIP and a resource's name are one's own.

A run is told from another by the engine it talks to, so that several in one process (tests) stay apart. What is an
Output is known again where the program is written in Python only: elsewhere it comes as another object each time.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import chain
from weakref import WeakKeyDictionary

from pulumi.runtime import settings

from components.rules import logins
from components.rules.violations import Violation


@dataclass
class Claims:
    """What each endpoint of one run has taken, by what was taken."""

    hosts: dict[Hashable, str] = field(default_factory=dict)
    vips: dict[Hashable, str] = field(default_factory=dict)
    router_ids: dict[Hashable, str] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    """What names of resources begin with, by the kind of component."""


ENDPOINT, MASTERS, HOST_KEYS = "endpoint", "masters", "host keys of"
"""Kinds of components that name resources after hosts, the last one also after bastions."""
_RUNS: WeakKeyDictionary[object, Claims] = WeakKeyDictionary()
_NAMED: dict[Hashable, Claims] = {}
_NAME: ContextVar[Hashable] = ContextVar("run", default=None)


def name_run(name: Hashable) -> None:
    """Say which run whatever follows in this context is of, where the SDK has another monitor for each component."""
    _NAME.set(name)


def of_this_run() -> Claims:
    """Return what this run's endpoints have taken; outside of a run nothing is remembered."""
    if (name := _NAME.get()) is not None:
        return _NAMED.setdefault(name, Claims())
    monitor = settings.get_monitor()
    return Claims() if monitor is None else _RUNS.setdefault(monitor, Claims())


def conflicts(claims: Claims, name: str, args: Mapping[str, object]) -> Iterator[Violation]:
    """Hosts, the VIP and names of resources that another endpoint of this run has."""
    named = {one.where: one for one in name_conflicts(claims, HOST_KEYS, name, chain(*logins.learned(args)))}
    # What is said of all that is named after a host is not said of its key as well.
    named |= {one.where: one for one in name_conflicts(claims, ENDPOINT, name, _named(args))}
    yield from named.values()
    for where, kind, marks in _host_marks(args):
        owners = {claims.hosts[mark] for mark in marks if mark in claims.hosts}
        for owner in sorted(owners):
            rule = f"serves the endpoint {owner!r} of this program already"
            yield Violation(where, kind, rule, "a host serves one endpoint: give each its own balancers")
    vip = _vip_mark(args)
    if vip in claims.vips:
        rule = f"is the VIP of the endpoint {claims.vips[vip]!r} of this program already"
        yield Violation("vip", args.get("vip"), rule, "choose another address")


def take(claims: Claims, name: str, args: Mapping[str, object], router_id: int) -> None:
    """Remember what the endpoint `name` takes."""
    take_names(claims, ENDPOINT, name, _named(args))
    take_names(claims, HOST_KEYS, name, chain(*logins.learned(args)))
    for _, _, marks in _host_marks(args):
        claims.hosts.update(dict.fromkeys(marks, name))
    vip = _vip_mark(args)
    if vip is not None:
        claims.vips[vip] = name
    claims.router_ids.setdefault((mark(args.get("vswitch_id")), router_id), name)


def namesake(claims: Claims, args: Mapping[str, object], router_id: int) -> str:
    """Return the first endpoint with that router id in the vSwitch of `args`, or an empty text."""
    return claims.router_ids.get((mark(args.get("vswitch_id")), router_id), "")


def name_conflicts(
    claims: Claims, kind: str, name: str, hosts: Iterable[tuple[str, str]]
) -> Iterator[Violation]:
    """Names of `hosts` with which resources of `name`, a component, would be called as those of another one.

    A resource's identity has the types of its parents in it, not their names.
    """
    for where, host in hosts:
        begun = f"{name}-{host}"
        owner = claims.names.get((kind, begun), name)
        if owner != name:
            rule = (
                f"its resources would be called {begun}, as some of the {kind} {owner!r} of this program are"
            )
            yield Violation(where, host, rule, "give the host, or one of the two, another name")


def take_names(claims: Claims, kind: str, name: str, hosts: Iterable[tuple[str, str]]) -> None:
    """Remember what the names of resources of `hosts` begin with."""
    for _, host in hosts:
        claims.names.setdefault((kind, f"{name}-{host}"), name)


def _named(args: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every host that resources are named after, and where its name is given."""
    for kind in ("balancers", "backends"):
        hosts = args.get(kind)
        for index, host in enumerate(hosts if isinstance(hosts, Sequence) else ()):
            if isinstance(host, Mapping) and _plain(host, "name") and (kind == "balancers" or "ssh" in host):
                yield f"{kind}[{index}].name", host["name"]


def _host_marks(args: Mapping[str, object]) -> Iterator[tuple[str, object, list[Hashable]]]:
    """Where each balancer is, how to name it in a message, and everything it can be recognized by."""
    hosts = args.get("balancers")
    for index, host in enumerate(hosts if isinstance(hosts, Sequence) else ()):
        if isinstance(host, Mapping):
            given = [host.get("instance_id"), host.get("instance")]
            marks = [mark(value) for value in given if value]
            marks += [(mark(args.get("vswitch_id")), host["address"])] if _plain(host, "address") else []
            yield f"balancers[{index}]", host.get("name"), marks


def _vip_mark(args: Mapping[str, object]) -> Hashable | None:
    return (mark(args.get("vswitch_id")), args["vip"]) if _plain(args, "vip") else None


def _plain(values: Mapping[str, object], key: str) -> bool:
    return isinstance(values.get(key), str) and bool(values[key])


def mark(value: object) -> Hashable:
    """Return a text as it is, and an Output or a resource as the one object it is."""
    return value if isinstance(value, str) else _Same(value)


@dataclass(frozen=True, eq=False)
class _Same:
    """An object compared by identity, and kept: else another could get its number."""

    what: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.what is self.what

    def __hash__(self) -> int:
        return id(self.what)
