"""SSH connections from arguments: a host's own values over the component's, and what is secret marked so."""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, cast

import pulumi
from pulumi_command import remote

from components import inputs
from components.args import SshArgs, SshProxyArgs

DIAL_ERROR_LIMIT = 15
"""A booting instance answers late; an address that nobody has should still end the run within minutes."""
PER_DIAL_TIMEOUT_S = 15
PORT = 22
ANY_HOST_KEY = "any"
"""Instead of a host key: whatever key the host shows is accepted."""


def merged(default: SshArgs | None, own: SshArgs | None) -> SshArgs:
    """Return the values of `default` with those of `own` in their place."""
    return cast(SshArgs, {**(default or {}), **(own or {})})


def connection(args: SshArgs, address: pulumi.Input[str]) -> remote.ConnectionArgs:
    """Return the connection to the host at `address`, unless `args` names another host to go to."""
    proxy = args.get("proxy")
    return remote.ConnectionArgs(
        host=host(args, address),
        port=_port(args),
        user=user(args),
        private_key=_secret(args, "private_key"),
        private_key_password=_secret(args, "private_key_password"),
        password=_secret(args, "password"),
        host_key=_host_key(args.get("host_key")),
        agent_socket_path=_agent(args),
        dial_error_limit=_limit(args, "dial_error_limit", DIAL_ERROR_LIMIT),
        per_dial_timeout=_limit(args, "per_dial_timeout", PER_DIAL_TIMEOUT_S),
        proxy=_proxy(proxy) if proxy else None,
    )


def target_json(args: SshArgs, address: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return the same as JSON, as the scripts take it that use OpenSSH (``Endpoint`` in templates/local/openssh.py)."""
    return pulumi.Output.from_input(_fields(args, address)).apply(
        lambda known: json.dumps(_present(cast(Mapping[str, object], known)), sort_keys=True)
    )


def _fields(args: Mapping[str, Any], address: pulumi.Input[str]) -> dict[str, Any]:
    proxy = args.get("proxy")
    return {
        "host": host(args, address),
        "port": inputs.otherwise(args.get("port"), PORT),
        "user": user(args),
        "private_key": _secret(args, "private_key"),
        "passphrase": _secret(args, "private_key_password"),
        "password": _secret(args, "password"),
        "agent_socket": _agent(args),
        "host_key": args.get("host_key"),
        "proxy": _fields(proxy, proxy["host"]) if proxy else None,
    }


def _present(fields: Mapping[str, object]) -> dict[str, object]:
    """Drop what is not given, and the word that stands for no expectation."""
    found = {key: _present(value) if isinstance(value, Mapping) else value for key, value in fields.items()}
    return {key: value for key, value in found.items() if value is not None and value != ANY_HOST_KEY}


def key_of(text: str) -> list[str]:
    """Return type and key of a line of known_hosts or authorized_keys; empty if there is none in it."""
    words = text.split()
    return next(([kind, key] for kind, key in pairwise(words) if key.startswith("AAAA")), [])


def host(args: Mapping[str, Any], address: pulumi.Input[str]) -> pulumi.Input[str]:
    """Return where SSH goes to, `address` by default."""
    return cast(pulumi.Input[str], _or(args.get("host"), address))


def user(args: Mapping[str, Any]) -> pulumi.Input[str]:
    """Return the user, root by default."""
    return cast(pulumi.Input[str], _or(args.get("user"), "root"))


def as_root(args: SshArgs, command: Callable[[str], str]) -> pulumi.Input[str]:
    """Return `command` made with what goes before what needs root: nothing for root, else sudo."""
    given = user(args)
    if isinstance(given, str):
        return command(_sudo(given))
    return pulumi.Output.all(given).apply(lambda known: command(_sudo(str(known[0]))))


def _sudo(name: str) -> str:
    # Without a terminal nobody could answer: -n makes sudo fail instead of asking.
    return "" if name == "root" else "sudo -n "


def _proxy(args: SshProxyArgs) -> remote.ProxyConnectionArgs:
    return remote.ProxyConnectionArgs(
        host=args["host"],
        port=_port(args),
        user=user(args),
        private_key=_secret(args, "private_key"),
        private_key_password=_secret(args, "private_key_password"),
        password=_secret(args, "password"),
        host_key=_host_key(args.get("host_key")),
        agent_socket_path=_agent(args),
        dial_error_limit=DIAL_ERROR_LIMIT,
        per_dial_timeout=PER_DIAL_TIMEOUT_S,
    )


def _port(args: Mapping[str, Any]) -> pulumi.Input[int] | None:
    given = args.get("port")
    return inputs.otherwise(given, PORT) if isinstance(given, pulumi.Output) else given


def _host_key(given: pulumi.Input[str] | None) -> pulumi.Input[str] | None:
    if given is None or isinstance(given, str):
        return None if given in (None, ANY_HOST_KEY) else given
    expected = pulumi.Output.all(given).apply(lambda all_: None if all_[0] == ANY_HOST_KEY else all_[0])
    return cast(pulumi.Output[str], expected)


def _agent(args: Mapping[str, Any]) -> pulumi.Input[str] | None:
    # The plugin would look for an agent even at an empty path.
    return cast(pulumi.Input[str] | None, _or(args.get("agent_socket_path"), None))


def _limit(args: Mapping[str, Any], key: str, default: int) -> pulumi.Input[int]:
    given = args.get(key, default)
    return inputs.otherwise(given, default) if isinstance(given, pulumi.Output) else given


def _secret(args: Mapping[str, object], key: str) -> pulumi.Output[str] | None:
    value = args.get(key)
    if not value:
        return None
    return cast(pulumi.Output[str], _or(pulumi.Output.secret(cast(pulumi.Input[str], value)), None))


def _or(given: object, default: object) -> object:
    """Return `given`, or `default` if it is, or turns out to be, nothing."""
    return (
        given.apply(lambda known: known or default) if isinstance(given, pulumi.Output) else given or default
    )
