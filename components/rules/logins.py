"""Rules on SSH arguments, which no file is rendered from: places that exist, a host each, keys that are some."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pulumi

from components import inputs, ssh
from components.rules import private_keys, shapes
from components.rules.violations import Violation, not_a_port

_WORD = re.compile(r"[^\s\x00-\x1f\x7f]+")
_HOST = re.compile(r"[A-Za-z0-9_:\[][A-Za-z0-9._:%\]-]*")
BASTION = "bastion"
"""What the host key of a bastion is kept under; of a host's own one after its name and a dash."""
_UNLOCKS = "private_key_password"


def violations(args: Mapping[str, object]) -> Iterator[Violation]:
    """All violations in the component's ``ssh`` and that of every host, as far as it is known now."""
    shared = inputs.mapping(args.get("ssh"))
    yield from _login(shared, "ssh")
    keys: list[Violation] = []
    for where, host in _hosts(args):
        own = inputs.mapping(host.get("ssh"))
        yield from _login(own, where)
        keys += _key({**shared, **own}, where if "private_key" in own else "ssh")
    # Of what several hosts have in common the same is said of each.
    yield from dict.fromkeys([*keys, *_one_host_each(args, shared), *_sshds(args, shared)])
    yield from _namesakes(args)


def leaf(form: type, key: str, value: object, where: str) -> list[Violation]:
    """Return what is wrong with one argument of a connection or a bastion (its `form`), which only now is known.

    Of several together nothing is said: whether a passphrase fits its key, or two hosts are one.
    """
    # Late, an empty text is nothing, also in place of a number.
    given, later = {key: None if value == "" else value}, frozenset(form.__annotations__) - {key}
    misshapen = shapes.violations(form, given, later=later)
    if misshapen:
        return [replace(one, where=f"{where}.{one.where}") for one in misshapen]
    return [*_hop(given, where), *_key(given, where, alone=True)]


def asks_agent(args: Mapping[str, object]) -> bool:
    """Say whether a balancer, or a bastion before one, is entered with the agent that the environment names, if any."""
    shared = inputs.mapping(args.get("ssh"))
    for entry in inputs.sequence(args.get("balancers")):
        login = {**shared, **inputs.mapping(inputs.mapping(entry).get("ssh"))}
        if not all(
            inputs.mapping(hop).get("agent_socket_path") for hop in (login, login.get("proxy") or login)
        ):
            return True
    return False


def learned(args: Mapping[str, object]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return under which names host keys are kept that are not given, of bastions and of hosts, each with its place."""
    shared = inputs.mapping(args.get("ssh"))
    common = shared.get("proxy")
    bastions = [("ssh.proxy", BASTION)] if _is_learned(common) else []
    hosts: list[tuple[str, str]] = []
    for where, host in _asked(args):
        login, name = {**shared, **inputs.mapping(host.get("ssh"))}, str(host.get("name"))
        if login.get("proxy") != common and _is_learned(login.get("proxy")):
            bastions.append((f"{where}.proxy", f"{name}-{BASTION}"))
        if not login.get("host_key"):
            hosts.append((where.removesuffix("ssh") + "name", name))
    return bastions, hosts


def _is_learned(proxy: object) -> bool:
    return bool(proxy) and not inputs.mapping(proxy).get("host_key")


def _asked(args: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every host once that SSH goes to (`questions.reachable`), and where its own ``ssh`` is given."""
    balancers = [inputs.mapping(entry) for entry in inputs.sequence(args.get("balancers"))]
    names = [balancer.get("name") for balancer in balancers]
    addresses = [one for one in (balancer.get("address") for balancer in balancers) if isinstance(one, str)]
    for where, host in _hosts(args):
        one_of_them = host.get("name") in names or host.get("address") in addresses
        if where.startswith("balancers") or not one_of_them:
            yield where, host


def _namesakes(args: Mapping[str, object]) -> Iterator[Violation]:
    """Hosts whose host key would be kept under the name that a bastion's is kept under."""
    bastions, hosts = learned(args)
    taken = {name: where for where, name in bastions}
    for where, name in hosts:
        if name in taken:
            rule = f"is the name under which the host key of {taken[name]} is kept"
            remedy = f"give the host another name, or give {taken[name]}.host_key"
            yield Violation(where, name, rule, remedy)


def _sshds(args: Mapping[str, object], shared: Mapping[str, object]) -> Iterator[Violation]:
    """Ports that HAProxy cannot have, since a balancer's sshd has them."""
    more = inputs.sequence(args.get("additional_ports"))
    wanted = {"port": args.get("port"), "monitor_port": args.get("monitor_port")}
    wanted |= {f"additional_ports[{index}]": port for index, port in enumerate(more)}
    for entry in inputs.sequence(args.get("balancers")):
        host = inputs.mapping(entry)
        login = {**shared, **inputs.mapping(host.get("ssh"))}
        # Elsewhere another port may lead to it.
        if login.get("host") not in (None, "", host.get("address")):
            continue
        for where, port in wanted.items():
            if isinstance(port, int | float) and port == login.get("port", ssh.PORT):
                yield Violation(
                    where, port, "is where the balancers' sshd listens", "use another port", ("ssh.port",)
                )


def _hosts(args: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every host that SSH goes to, and where its own ``ssh`` is given."""
    for kind in ("balancers", "backends"):
        for index, entry in enumerate(inputs.sequence(args.get(kind))):
            host = inputs.mapping(entry)
            if kind == "balancers" or "ssh" in host:
                yield f"{kind}[{index}].ssh", host


def _login(given: Mapping[str, object], where: str) -> Iterator[Violation]:
    """What is wrong with a connection, and with the bastion before it."""
    yield from _hop(given, where)
    if proxy := inputs.mapping(given.get("proxy")):
        if proxy.get("host") == "":
            yield Violation(f"{where}.proxy.host", "", "is empty", "name the bastion, or leave proxy out")
        yield from _hop(proxy, f"{where}.proxy")
        yield from _key(proxy, f"{where}.proxy")


def _hop(given: Mapping[str, object], where: str) -> Iterator[Violation]:
    """What is wrong with single values of a connection to a host or to a bastion."""
    for key in ("host", "user"):
        value = given.get(key)
        if isinstance(value, str) and value and not _WORD.fullmatch(value):
            yield Violation(f"{where}.{key}", value, "has white space in it", f"write the {key} as one word")
    host = given.get("host")
    if isinstance(host, str) and _WORD.fullmatch(host) and not _HOST.fullmatch(host):
        yield Violation(
            f"{where}.host", host, "is no name or address of a host", "write it as DNS or ssh has it"
        )
    agent = given.get("agent_socket_path")
    if isinstance(agent, str) and re.search(r'["\x00-\x1f\x7f]', agent):
        yield Violation(
            f"{where}.agent_socket_path", agent, "is no path of a socket", "leave quotes and line ends out"
        )
    yield from not_a_port(f"{where}.port", given.get("port"))
    expected = given.get("host_key")
    if isinstance(expected, str) and expected not in ("", ssh.ANY_HOST_KEY) and not ssh.key_of(expected):
        rule, remedy = "is no host key", "give it as known_hosts has it (ecdsa-sha2-nistp256 AAAA...), or any"
        yield Violation(f"{where}.host_key", expected, rule, remedy)


def _key(login: Mapping[str, object], where: str, *, alone: bool = False) -> Iterator[Violation]:
    """What is wrong with a private key, together with its passphrase, unless it is to be judged `alone`."""
    key = login.get("private_key")
    if not isinstance(key, str) or not key:
        return
    passphrase = login.get(_UNLOCKS)
    unlocked = None if alone or isinstance(passphrase, pulumi.Output) else bool(passphrase)
    found = private_keys.fault(key, unlocked=unlocked, argument=_UNLOCKS)
    if found:
        yield Violation(f"{where}.private_key", "[secret]", *found)


def _one_host_each(args: Mapping[str, object], shared: Mapping[str, object]) -> Iterator[Violation]:
    """Balancers that are one and the same sshd, on which the files of both would land."""
    seen: dict[tuple[object, ...], tuple[int, bool]] = {}
    for index, entry in enumerate(inputs.sequence(args.get("balancers"))):
        host = inputs.mapping(entry)
        own = inputs.mapping(host.get("ssh"))
        login = {**shared, **own}
        proxy = inputs.mapping(login.get("proxy"))
        goes_to = login.get("host") or host.get("address")
        # One address behind two bastions may be two hosts; a gateway may tell them apart by the user.
        place = (
            *(goes_to, login.get("port", ssh.PORT), login.get("user") or "root"),
            *(proxy.get("host"), proxy.get("port", ssh.PORT)),
        )
        if not all(isinstance(part, str | int | float | None) for part in place):
            continue  # not known yet, or refused already
        first, named = seen.setdefault(place, (index, bool(login.get("host"))))
        # Equal addresses are named as such.
        if first != index and (named or login.get("host")):
            where = f"balancers[{index}].ssh" if own.get("host") else "ssh"
            rule = f"is where SSH goes to for balancers[{first}], too: both would be one host"
            remedy = "give each balancer an ssh.host, or an ssh.port, of its own"
            at = f"{where}.host" if login.get("host") else f"balancers[{index}].address"
            yield Violation(at, goes_to, rule, remedy)
