"""What acts on a host when it leaves, or when everything goes: it is rid of this stack.

It goes over OpenSSH: a remote command's own delete would try a dead host for minutes and then fail the update, and
with it the removal of everything else.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import local

from components import paths, scripts, ssh
from components.args import SshArgs

PATIENCE_S = 45
"""A host that reboots is back by then; with the last attempt it is a minute at most."""


@dataclass(frozen=True)
class Leaver:
    """A balancer as what acts when it leaves needs it."""

    name: str
    connection: SshArgs
    address: pulumi.Input[str]
    owners: Sequence[str]
    """The endpoint's name, and those it had before."""
    instance_id: pulumi.Input[str]


def removal(name: str, host: Leaver, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Add what only acts when it is deleted: `host` is rid of the endpoint, before all that this depends on goes.

    What is done on the host depends on what is returned, so that also a first run that fails half-way can be undone.
    """
    return _when_deleted(name, host, "remove_host.py", "retire", opts)


def handover(name: str, host: Leaver, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Add what only acts when it is deleted: `host` hands over the VIP, before all that this depends on goes.

    For a host that may go with its instance, which spares its removal: it is detached before it ends, and would have a
    VIP meanwhile that leads nowhere.
    """
    return _when_deleted(name, host, "hand_over.py", "hand-over", opts)


def command(sudo: str, verb: str, owners: Sequence[str]) -> str:
    """Return what is run on the host; where there is no tool there is nothing to undo."""
    return f"test ! -x {paths.TOOL} || {sudo}{paths.TOOL} {verb} {shlex.join(owners)}"


def _when_deleted(
    name: str, host: Leaver, script: str, verb: str, opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    return local.Command(
        name,
        delete="python3 -",
        stdin=scripts.hidden(script),
        environment={
            "HAVIP_HOST": host.name,
            "HAVIP_SSH": ssh.endpoint(host.connection, host.address),
            "HAVIP_PATIENCE_S": str(PATIENCE_S),
            "HAVIP_COMMAND": ssh.as_root(host.connection, lambda sudo: command(sudo, verb, host.owners)),
        },
        add_previous_output_in_env=False,
        # Another instance at the same address: the old one is asked first, and it is known by its host key.
        triggers=[host.instance_id],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )
