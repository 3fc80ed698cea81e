"""What rids a host of this stack when it leaves, or when everything goes.

It goes over OpenSSH: a remote command's own delete would try a dead host for minutes and then fail the update, and
with it the removal of everything else.
"""

import shlex
from collections.abc import Sequence

import pulumi
from pulumi_command import local

from components import paths, scripts, ssh
from components.args import SshArgs

PATIENCE_S = 45
"""A host that reboots is back by then; with the last attempt it is a minute at most."""


def removal(
    name: str,
    host: str,
    connection: SshArgs,
    address: pulumi.Input[str],
    *,
    owners: Sequence[str],
    instance_id: pulumi.Input[str],
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Add what only acts when it is deleted: `host` is rid of the endpoint, before all that is in `after`.

    `owners` is the endpoint's name, and those it had before. What is done on the host depends on what is returned, so
    that also a first run that fails half-way can be undone.
    """
    return local.Command(
        name,
        delete="python3 -",
        stdin=scripts.hidden("remove_host.py"),
        environment={
            "HAVIP_HOST": host,
            "HAVIP_SSH": ssh.endpoint(connection, address),
            "HAVIP_PATIENCE_S": str(PATIENCE_S),
            "HAVIP_COMMAND": ssh.as_root(connection, lambda sudo: command(sudo, owners)),
        },
        add_previous_output_in_env=False,
        # Another instance at the same address: the old one is asked first, and it is known by its host key.
        triggers=[instance_id],
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=list(after), delete_before_replace=True)
        ),
    )


def command(sudo: str, owners: Sequence[str]) -> str:
    """Return what is run on the host; where there is no tool there is nothing to undo."""
    return f"test ! -x {paths.TOOL} || {sudo}{paths.TOOL} retire {shlex.join(owners)}"
