"""What a stack's configuration means, checked, so that ``__main__.py`` reads top to bottom.

Files that it names are read and endpoints on this machine asked; nothing is registered.
"""

import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import pulumi

from components import inputs, ssh, tokens
from components.args import BackendArgs, SshArgs
from components.masters import MasterArgs
from components.planning.settings import VSWITCH_CIDR
from components.preflight import reach
from components.rules import members, private_keys, surroundings
from components.rules.violations import Refusal, Violation, not_a_port
from templates.local.openssh import Endpoint

_KEYS = {"name": "name", "address": "address", "instanceId": "instance_id", "sshHost": "ssh_host"}
_REQUIRED = ("name", "address")
_EXISTING = (*_REQUIRED, "instanceId")
_MASTER = (
    "give name and address, and instanceId for an instance that exists, sshHost where SSH goes elsewhere, "
    "hostKey to expect that one, port if its kube-apiserver has not backendPort"
)
_SSH = {"sshHost": "host", "hostKey": "host_key"}
_PORT = "port"
_BASTION_KEYS = frozenset({"host", "port", "user", "hostKey"})
_BASTION = (
    "give host, user and port if they differ, and hostKey to expect that one; it takes the masters' key"
)
_KEY_FILE = "sshPrivateKeyFile"
_STACK = "::pulumi:pulumi:Stack::"
"""In the URN of the parent that a component of the program has."""
_GROUPS = "securityGroupIds"
_PLACE = {"vswitchId": "give the vSwitch those are in", "vpcId": "give the VPC of that vSwitch"}
"""Where masters beside existing ones are created; without these a VPC of their own would be."""
DEFAULT_BALANCERS = 2
"""The how-to's number: the first two masters."""
ANSWER_LIMIT_S = 3.0


def masters(raw: object, vswitch_cidr: str = "", *, existing: bool = False) -> list[MasterArgs]:
    """Return the masters as the component takes them. Raises ``pulumi.RunError`` naming every rule broken.

    The addresses of those to create have to be in `vswitch_cidr`, if that is given. Of a program that creates none, all
    are `existing`: each needs the id of its instance.
    """
    entries = inputs.sequence(raw)
    found = [] if entries else [Violation("masters", raw, "must be a list of masters", _MASTER)]
    for index, entry in enumerate(entries):
        found += _master_violations(f"masters[{index}]", entry, _EXISTING if existing else _REQUIRED)
    known = [inputs.mapping(entry) for entry in entries]
    for key in ("name", "address"):
        found += members.twice("masters", key, [str(entry.get(key, "")) for entry in known])
    made = [
        cast(MasterArgs, {ours: str(entry[theirs]) for theirs, ours in _KEYS.items() if entry.get(theirs)})
        for entry in known
    ]
    found += members.created("masters", made, vswitch_cidr)
    if found:
        raise Refusal("configuration", found)
    return made


def _master_violations(where: str, entry: object, required: Sequence[str]) -> Iterator[Violation]:
    if not isinstance(entry, Mapping):
        yield Violation(where, entry, "must be a mapping", _MASTER)
        return
    for key, value in entry.items():
        if key not in {*_KEYS, *_SSH, _PORT}:
            yield Violation(f"{where}.{key}", "...", "is not a key of a master", _MASTER)
        elif key == _PORT:
            yield from _port_violations(f"{where}.{key}", value)
        elif not isinstance(value, str):
            yield Violation(f"{where}.{key}", value, "must be a text", _MASTER)
    for key in required:
        if not entry.get(key):
            yield Violation(f"{where}.{key}", entry.get(key), "is missing", _MASTER)


def _port_violations(where: str, port: object) -> Iterator[Violation]:
    if not isinstance(port, int) or isinstance(port, bool):
        yield Violation(where, port, "must be a whole number", "give the TCP port of its kube-apiserver")
    else:
        yield from not_a_port(where, port)


def backend_args(raw: object) -> dict[str, BackendArgs]:
    """Return each master's kube-apiserver by the master's name; `masters` has found nothing wrong with `raw`.

    One that names no port has the component's ``backend_port``.
    """
    known = [inputs.mapping(entry) for entry in inputs.sequence(raw)]
    keys = (*_REQUIRED, _PORT)
    return {
        str(entry["name"]): cast(BackendArgs, {key: entry[key] for key in keys if key in entry})
        for entry in known
    }


def ssh_args(raw: object) -> dict[str, SshArgs]:
    """Return what each master's own SSH settings are, by its name; `masters` has found nothing wrong with `raw`."""
    known = [inputs.mapping(entry) for entry in inputs.sequence(raw)]
    return {
        str(entry["name"]): cast(
            SshArgs, {ours: str(entry[theirs]) for theirs, ours in _SSH.items() if entry.get(theirs)}
        )
        for entry in known
    }


def balancers(names: object, known: Iterable[MasterArgs]) -> list[str]:
    """Return the names of the masters that balance: those given, else the first two."""
    every = [master["name"] for master in known]
    given = [str(name) for name in inputs.sequence(names)]
    found = [
        Violation(f"balancers[{index}]", name, "is not a master", f"choose among {', '.join(every)}")
        for index, name in enumerate(given)
        if name not in every
    ]
    if names and not isinstance(names, list | tuple):
        found.append(Violation("balancers", names, "must be a list", "list names of masters"))
    if found:
        raise Refusal("configuration", found)
    return given or every[:DEFAULT_BALANCERS]


def check_name(name: str, former: str, deployment: Mapping[str, Any] | None) -> None:
    """Raise ``pulumi.RunError`` for a name under which everything of the stack would be made anew.

    `former` is the one that it is known by as well. `deployment` is the stack's: empty in a preview, which asks for
    none, and ``None`` if it could not be read. Then only the user knows, and `former` has to say it, even if it is
    `name`: going on unasked is no fault most of the time, and costs every master the one time the name is another.
    """
    resources = (deployment or {}).get("resources") or []
    components = [
        one
        for one in resources
        if one["type"].startswith(tokens.PREFIX) and _STACK in (one.get("parent") or "")
    ]
    others = sorted({one["urn"].rpartition("::")[2] for one in components} - {name, former})
    if deployment is None and not former:
        rule = (
            "the stack's state could not be read (a warning says why): if what it has is not called "
            f"{name}, all of it, masters included, would be deleted and made anew"
        )
        remedy = (
            "let `pulumi stack export` work here, with pulumi on PATH, or set formerName to what it is called: "
            f"{name} if it is, or if the stack has nothing yet"
        )
    elif others:
        rule = f"the stack has {others[0]}: all of it, masters included, would be deleted and made anew as {name}"
        remedy = f"set formerName to {others[0]} to rename it in place, or run `pulumi destroy` first"
    else:
        return
    raise Refusal("configuration", [Violation("formerName", former, rule, remedy)])


def check_public(*, public: bool, api_cidrs: Sequence[object]) -> None:
    """Refuse an EIP that nobody may reach with ``pulumi.RunError``: the end of every ``up`` would find it deaf.

    Of masters whose only security group is the stack's.
    """
    if public and not api_cidrs:
        rule = "gives the VIP an EIP, and the masters' security group lets nobody reach it"
        remedy = "name in apiCidrs who may, this machine among them, or leave publicEndpoint out"
        found = [Violation("publicEndpoint", public, rule, remedy)]
        raise Refusal("configuration", found)


def vswitch_cidr(given: str, place: Mapping[str, str]) -> str:
    """Return the vSwitch's CIDR: of one that exists (`place` is the network's ids by key) only its owner knows it."""
    if place["vswitchId"] and not given:
        rule, remedy = "is missing beside vswitchId", "give that vSwitch's own CIDR"
        raise Refusal("configuration", [Violation("vswitchCidr", given, rule, remedy)])
    return given or VSWITCH_CIDR


def security_groups(raw: object, known: Sequence[MasterArgs], place: Mapping[str, str]) -> list[str]:
    """Return the groups that created masters join besides the stack's own; `place` is the network's ids by key."""
    given, rule = inputs.sequence(raw), surroundings.mixture(known)
    found = [
        Violation(key, place[key], rule, remedy) for key, remedy in _PLACE.items() if rule and not place[key]
    ]
    if raw and not isinstance(raw, list | tuple):
        found.append(Violation(_GROUPS, raw, "must be a list", "list ids of security groups"))
    else:
        found += surroundings.security_groups(_GROUPS, given, known)
    if found:
        raise Refusal("configuration", found)
    return [str(group) for group in given]


def warn_idle(given: Mapping[str, object]) -> None:
    """Say what has no effect, since the masters have security groups that are not ours."""
    for key, value in given.items():
        if value:
            pulumi.log.warn(
                f"{key} = {value!r} has no effect: every master exists already, and its security groups are yours; "
                f"see to it there and remove {key}"
            )


def warn_partial(rules: Mapping[str, object], created: Sequence[MasterArgs]) -> None:
    """Say which rules only created masters have, since they are rules of the stack's own group."""
    for key, value in rules.items():
        if value:
            pulumi.log.warn(
                f"{key} = {value!r} is for {', '.join(one['name'] for one in created)} only: the security groups of "
                f"masters that exist are yours; a rule in one of {_GROUPS} is for all, then remove {key}"
            )


def path_of(key: str, path: str) -> Path:
    """Return a path named in the configuration; ``~`` and ``$VARIABLES`` are expanded."""
    expanded = os.path.expandvars(Path(path).expanduser())
    if unset := re.search(r"\$\{?(\w+)", expanded):
        raise pulumi.RunError(
            f"{key} = {path!r}: the environment variable {unset[1]} is not set; set it (against the sandbox, "
            "`make shell` does) or write a path"
        )
    return Path(expanded)


def text_of(key: str, path: str) -> str:
    """Return the content of a file named in the configuration."""
    try:
        return path_of(key, path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise pulumi.RunError(f"{key} = {path!r}: {reason}; name a file that can be read") from error


def private_key(path: str, passphrase: str) -> str:
    """Return the key that SSH uses, from the file at `path`; ``pulumi.RunError`` if nobody could log in with it."""
    text = text_of(_KEY_FILE, path)
    fault = private_keys.fault(text, unlocked=bool(passphrase), argument="sshKeyPassphrase")
    if fault:
        raise Refusal("configuration", [Violation(_KEY_FILE, path, *fault)])
    return text


def ssh_proxy(raw: object, key: Mapping[str, str]) -> dict[str, Any]:
    """Return the bastion's connection, empty without one; it takes the masters' `key`, with its passphrase."""
    if not raw:
        return {}
    if not isinstance(raw, Mapping):
        # It may be what should be in there, a password among it.
        shown = "a text" if isinstance(raw, str) else raw
        raise Refusal("configuration", [Violation("sshProxy", shown, "must be a mapping", _BASTION)])
    found = [
        Violation(f"sshProxy.{unknown}", "...", "is not a key of a bastion", _BASTION)
        for unknown in sorted(set(raw) - _BASTION_KEYS)
    ]
    if not raw.get("host"):
        found.append(Violation("sshProxy.host", raw.get("host"), "is missing", _BASTION))
    if found:
        raise Refusal("configuration", found)
    known = {"host_key" if name == "hostKey" else name: value for name, value in raw.items()}
    return {**known, **key}


def logins(
    known: Iterable[MasterArgs], balancing: Sequence[str], login: Mapping[str, Any]
) -> list[reach.Login]:
    """Return how to get into each master that exists already; `login` is what the component is given as ``ssh``."""
    return [
        reach.Login(
            master["name"],
            _endpoint({**login, "host": master.get("ssh_host") or master["address"]}),
            balancer=master["name"] in balancing,
        )
        for master in known
        if master.get("instance_id")
    ]


def _endpoint(login: Mapping[str, Any]) -> Endpoint:
    # Who the host is, is the connection's business (host_key); here it is only asked whether we get in.
    proxy = login.get("proxy")
    return Endpoint(
        login["host"],
        int(login.get("port", ssh.PORT)),
        login.get("user", "root"),
        login["private_key"],
        login.get("private_key_password", ""),
        proxy=_endpoint(proxy) if proxy else None,
    )


def check_endpoints(overrides: object) -> None:
    """Refuse to start when an API endpoint on this machine does not answer.

    The provider tries an unreachable one again for minutes. Only loopback addresses are asked: another
    override may be reachable through a proxy only.
    """
    if overrides and not _are_overrides(overrides):
        rule, remedy = "must be a list of mappings of texts", "list it such as ecs: 127.0.0.1:7443"
        raise Refusal("configuration", [Violation("alicloud:endpoints", overrides, rule, remedy)])
    known = [inputs.mapping(entry) for entry in inputs.sequence(overrides)]
    for endpoint in sorted({str(value) for entry in known for value in entry.values() if value}):
        host, _, port = endpoint.partition(":")
        if not host.startswith("127."):
            continue
        try:
            socket.create_connection((host, int(port or 443)), ANSWER_LIMIT_S).close()
        except (OSError, ValueError) as error:
            raise pulumi.RunError(
                f"alicloud:endpoints: nothing answers on {endpoint} ({error}); start the sandbox with `make up`, "
                "or remove the override to use Alibaba Cloud itself"
            ) from error


def _are_overrides(given: object) -> bool:
    return bool(inputs.sequence(given)) and all(
        isinstance(entry, Mapping) and all(isinstance(value, str | None) for value in entry.values())
        for entry in inputs.sequence(given)
    )


def quiet_interrupts() -> None:
    """Show no traceback when the engine interrupts the program, which it does once a resource has failed."""
    shown = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            shown(kind, error, trace)

    sys.excepthook = show
