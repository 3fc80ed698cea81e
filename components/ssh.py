"""SSH connections from arguments: a host's own values over the component's, and what is secret marked so."""

from collections.abc import Callable, Mapping
from typing import cast

import pulumi
from pulumi_command import remote

from components.args import SshArgs, SshProxyArgs

DIAL_ERROR_LIMIT = 15
"""A booting instance answers late; an address that nobody has should still end the run within minutes."""
PER_DIAL_TIMEOUT_S = 15
_SECRETS = ("private_key", "private_key_password", "password")


def merged(default: SshArgs | None, own: SshArgs | None) -> SshArgs:
    """Return the values of `default` with those of `own` in their place."""
    return cast(SshArgs, {**(default or {}), **(own or {})})


def connection(args: SshArgs, address: pulumi.Input[str]) -> remote.ConnectionArgs:
    """Return the connection to the host at `address`, unless `args` names another host to go to."""
    proxy = args.get("proxy")
    return remote.ConnectionArgs(
        host=args.get("host") or address,
        port=args.get("port"),
        user=user(args),
        private_key=_secret(args, "private_key"),
        private_key_password=_secret(args, "private_key_password"),
        password=_secret(args, "password"),
        host_key=args.get("host_key"),
        agent_socket_path=args.get("agent_socket_path"),
        dial_error_limit=args.get("dial_error_limit", DIAL_ERROR_LIMIT),
        per_dial_timeout=args.get("per_dial_timeout", PER_DIAL_TIMEOUT_S),
        proxy=_proxy(proxy) if proxy else None,
    )


def user(args: SshArgs) -> pulumi.Input[str]:
    """Return the user, root by default."""
    return args.get("user") or "root"


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
        port=args.get("port"),
        user=args.get("user") or "root",
        private_key=_secret(args, "private_key"),
        private_key_password=_secret(args, "private_key_password"),
        password=_secret(args, "password"),
        host_key=args.get("host_key"),
        agent_socket_path=args.get("agent_socket_path"),
        dial_error_limit=DIAL_ERROR_LIMIT,
        per_dial_timeout=PER_DIAL_TIMEOUT_S,
    )


def _secret(args: Mapping[str, object], key: str) -> pulumi.Output[str] | None:
    value = args.get(key)
    return pulumi.Output.secret(cast(pulumi.Input[str], value)) if value else None
