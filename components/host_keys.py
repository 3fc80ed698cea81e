"""Host keys: every connection has one pinned, given in the arguments or learned once and kept in the state.

A key that was not given is what a command prints that runs once for each instance; the state keeps what it printed.
No later run learns again: one whose host shows another key stops before anything connects to it.
"""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi_command import local

from components import inputs, scripts, ssh, tokens
from components.args import ApiServerVipArgs, BalancerArgs, SshArgs, SshProxyArgs
from components.preflight import reach
from components.questions import reachable
from components.rules.logins import BASTION
from components.rules.violations import Violation

_LEARN = "python3 -"
_KEEP = "printf '%s\\n' \"$PULUMI_COMMAND_STDOUT\""
"""What the command printed when it was created; another bastion or address is no reason to trust another key."""


class HostKeys(pulumi.ComponentResource):
    """The keys of the hosts of one endpoint, and of the bastions before them."""

    def __init__(
        self,
        name: str,
        args: ApiServerVipArgs,
        *,
        after: pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Learn what `args` do not give, once `after` is there."""
        # Under the name that its parts begin with: a renamed endpoint finds them by their aliases.
        super().__init__(tokens.HOST_KEYS, name, {}, opts)
        self._name, self._args, self._after = name, args, after
        self._shared = args.get("ssh") or {}
        bastion = self._shared.get("proxy")
        self._bastion = self._proxy(BASTION, bastion) if bastion else None
        self._pinned = {host["name"]: self._host(host) for host in reachable(args)}
        self.register_outputs({})

    def pinned(self) -> ApiServerVipArgs:
        """Return the arguments with a host key in every connection that anything is sent through."""
        changes = {
            kind: [self._with_pin(host) for host in cast(list[dict[str, Any]], self._args[kind])]
            for kind in ("balancers", "backends")
        }
        return cast(ApiServerVipArgs, {**self._args, **changes})

    def _with_pin(self, host: dict[str, Any]) -> dict[str, Any]:
        found = self._pinned.get(host["name"])
        return {**host, "ssh": found} if found else host

    def _host(self, host: BalancerArgs) -> SshArgs:
        name, own = str(host["name"]), host.get("ssh") or {}
        merged = ssh.merged(self._shared, own)
        if proxy := merged.get("proxy"):
            same = proxy == self._shared.get("proxy") and self._bastion
            merged["proxy"] = same or self._proxy(f"{name}-{BASTION}", proxy)
        instance = host.get("instance")
        identity = host.get("instance_id") or (instance.id if instance else None)
        # What is only asked holds nobody up.
        only_asked = name not in {balancer["name"] for balancer in self._args["balancers"]}
        merged["host_key"] = self._pin(name, merged, host["address"], identity, may_be_down=only_asked)
        return merged

    def _proxy(self, name: str, args: SshProxyArgs) -> SshProxyArgs:
        pin = self._pin(name, cast(SshArgs, args), args["host"], None)
        return cast(SshProxyArgs, {**args, "host_key": pin})

    def _pin(
        self,
        name: str,
        args: SshArgs,
        address: pulumi.Input[str],
        identity: pulumi.Input[str] | None,
        *,
        may_be_down: bool = False,
    ) -> pulumi.Input[str]:
        given = args.get("host_key")
        if given == ssh.ANY_HOST_KEY:
            return given
        # Nobody logs in to be shown a key: of the host itself only the place is needed.
        place = cast(SshArgs, {key: args[key] for key in ("host", "port", "proxy") if args.get(key)})
        endpoint = ssh.target_json(place, address)
        if given:
            return self._checked(name, endpoint, given, None)
        # Pulumi's plugin tries one login through a bastion, and a host that boots may refuse it.
        enters = bool(args.get("proxy")) and not may_be_down
        command = local.Command(
            f"{self._name}-{name}-host-key",
            create=_LEARN,
            update=_KEEP,
            stdin=scripts.hidden("host_key.py"),
            environment={
                "HAVIP_SSH": ssh.target_json(args, address) if enters else endpoint,
                "HAVIP_PATIENCE_S": _patience(args),
                **({"HAVIP_ENTER": "yes"} if enters else {}),
                **({"HAVIP_MAY_BE_DOWN": "yes"} if may_be_down else {}),
            },
            # Another instance has another key; the place alone says so of what is no instance of ours.
            triggers=[ssh.host(args, address), inputs.otherwise(args.get("port"), ssh.PORT)]
            if identity is None
            else [identity],
            # With another program the key would be unknown in a preview, and every connection seem to change.
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._after, ignore_changes=["stdin"]),
        )
        return self._checked(name, endpoint, command.stdout, command, may_be_down=may_be_down)

    def _checked(
        self,
        name: str,
        endpoint: pulumi.Output[str],
        pin: pulumi.Input[str],
        command: pulumi.Resource | None,
        *,
        may_be_down: bool = False,
    ) -> pulumi.Output[str]:
        """Return `pin` once the host has shown it, or shows nothing at all; not in a preview."""

        async def check(values: Sequence[Any]) -> str:
            text, expected, urn = values[0], values[1] or "", values[2]
            if expected == ssh.ANY_HOST_KEY or pulumi.runtime.is_dry_run():
                return expected
            if not expected and urn:
                self._never_learned(name, urn, may_be_down=may_be_down)
                return expected
            if not ssh.key_of(expected):  # anybody's would do; nor can it be learned, so late
                raise pulumi.RunError(f"{self._name}: {_no_key(name, expected)}")
            shown = await asyncio.to_thread(reach.shown_host_key, text)
            if shown and shown.split() != ssh.key_of(expected):
                raise pulumi.RunError(
                    _changed(f"{self._name}: {name}", json.loads(text), expected, shown, urn)
                )
            # One whose key is given may be new and boot; of one that is only asked the verification tells.
            if not shown and urn and not may_be_down:
                pulumi.log.warn(
                    f"{self._name}: {name} does not answer SSH now. If this run has something to do there, it fails at "
                    "that; what it changed on others before stays, and they wait for this one where VRRP changes",
                    self,
                )
            return expected

        urn = command.urn if command else pulumi.Output.from_input("")
        return pulumi.Output.all(endpoint, pin, urn).apply(check)

    def _never_learned(self, name: str, urn: str, *, may_be_down: bool) -> None:
        """Say that a host was down when its key was to be learned: an error, if now something is to be done there."""
        said = (
            f"{self._name}: {name} was down when its host key was to be learned, so nothing is sent there; once it is "
            f"up: pulumi up --replace '{urn}'"
        )
        if not may_be_down:
            raise pulumi.RunError(said)
        pulumi.log.warn(said, self)


def _patience(args: SshArgs) -> pulumi.Output[str]:
    """Return for how many seconds the plugin would try to connect."""
    limit = inputs.otherwise(args.get("dial_error_limit"), ssh.DIAL_ERROR_LIMIT)
    each = inputs.otherwise(args.get("per_dial_timeout"), ssh.PER_DIAL_TIMEOUT_S)
    return pulumi.Output.all(limit, each).apply(
        lambda all_: f"{all_[0] * all_[1] if all_[0] >= 0 else math.inf:g}"
    )


def _no_key(name: str, given: str) -> Violation:
    rule = "is no host key" if given else "turned out to be empty"
    remedy = (
        "give it as known_hosts has it, or any, or leave it out to have it learned; nothing is sent there"
    )
    return Violation(f"host_key of {name}", given, rule, remedy)


def _changed(who: str, endpoint: Mapping[str, Any], expected: str, shown: str, urn: str) -> str:
    place = f"{endpoint['host']}:{endpoint['port']}"
    if urn:
        remedy = f"accept it once with: pulumi up --replace '{urn}'"
    else:
        remedy = "give that one as the host's key in the arguments"
    return (
        f"{who}: the sshd on {place} shows another host key than the expected one; nothing is sent there.\n"
        f"  expected: {' '.join(ssh.key_of(expected))}\n  shown:    {shown}\n"
        "If the host was made anew, compare with what it says on its console (cat /etc/ssh/ssh_host_*_key.pub) and\n"
        f"{remedy}\nElse somebody else answers there."
    )
