"""What acts on a host when it leaves, or when everything goes: it hands over the VIP, and is rid of this stack.

It goes over OpenSSH: a remote command's own delete would try a dead host for minutes and then fail the update, and
with it the removal of everything else.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import local

from components import scripts, ssh
from components.args import SshArgs
from components.rendering import paths

PATIENCE_S = 45
"""A host that reboots is back by then; with the last attempt it is a minute at most."""
LIMIT_S = 300
"""For the removal itself; a host that needs longer hangs."""


@dataclass(frozen=True)
class Leaver:
    """A balancer as what acts when it leaves needs it."""

    name: str
    login: SshArgs
    address: pulumi.Input[str]
    instance_id: pulumi.Input[str]
    owners: Sequence[str]
    """The endpoint's name, and those it had before."""
    stays_attached: bool
    """Whether its attachment to the HaVip outlives the stack."""


def removal(name: str, leaver: Leaver, *, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Add what only acts when it is deleted: `leaver` is rid of the endpoint, before all that it depends on goes.

    What is done on the host depends on what is returned, so that also a first run that fails half-way can be undone.
    """
    said = {
        "HAVIP_PATIENCE_S": str(PATIENCE_S),
        "HAVIP_LIMIT_S": str(LIMIT_S),
        "HAVIP_STAYS_ATTACHED": "yes" if leaver.stays_attached else "",
        "HAVIP_NAME": name,
    }
    return _when_it_leaves(name, "remove_host.py", leaver, said | _told(leaver, "retire"), opts)


def handover(name: str, leaver: Leaver, *, acts: bool, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Add what only acts when it is deleted: `leaver` hands over the VIP, before all that it depends on goes.

    It `acts` on a host that may go with its instance, and is then spared its removal: the cloud detaches an instance
    before it ends it, and until then its keepalived would hold a VIP that leads nowhere. For any other host it is there
    and does nothing: if it went when the program stops saying so, it would act on hosts that stay.
    """
    return _when_it_leaves(name, "hand_over.py", leaver, _told(leaver, "hand-over"), opts, acts=acts)


def _when_it_leaves(
    name: str,
    script: str,
    leaver: Leaver,
    environment: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
    *,
    acts: bool = True,
) -> pulumi.Resource:
    return local.Command(
        name,
        delete="python3 -" if acts else None,
        stdin=scripts.hidden(script),
        environment=environment,
        add_previous_output_in_env=False,
        # Another instance at the same address: the old one is asked first, and it is known by its host key.
        triggers=[leaver.instance_id],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _told(leaver: Leaver, verb: str) -> dict[str, pulumi.Input[str]]:
    """Return who it is, and what is run there; where there is no tool there is nothing to undo."""
    names = shlex.join([*leaver.owners, "--", leaver.name])
    return {
        "HAVIP_HOST": leaver.name,
        "HAVIP_SSH": ssh.target_json(leaver.login, leaver.address),
        "HAVIP_COMMAND": ssh.as_root(
            leaver.login, lambda sudo: f"test ! -x {paths.TOOL} || {sudo}{paths.TOOL} {verb} {names}"
        ),
    }


def hand_back(
    name: str, hosts: Mapping[str, tuple[SshArgs, pulumi.Input[str]]], *, opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    """Add what starts, when it is deleted, what the removals of `hosts` (logins and addresses) have held back.

    They depend on it. So it is deleted when none of them is left, and not when a single host leaves: only then can
    keepalived run as it was set up by hand, and contradict nobody.
    """
    found = pulumi.Output.all(
        **{
            host: pulumi.Output.all(
                ssh=ssh.target_json(connection, address),
                heard=ssh.as_root(connection, lambda sudo: _held(sudo, "heard")),
                start=ssh.as_root(connection, lambda sudo: _held(sudo, "hand-back")),
            )
            for host, (connection, address) in hosts.items()
        }
    )
    return local.Command(
        name,
        delete="python3 -",
        stdin=scripts.hidden("hand_back.py"),
        environment={"HAVIP_HOSTS": found.apply(json.dumps), "HAVIP_NAME": name},
        add_previous_output_in_env=False,
        opts=opts,
    )


def _held(sudo: str, verb: str) -> str:
    return f"test ! -d {paths.HELD} || {sudo}bash {paths.HELD}/hostctl {verb}"
