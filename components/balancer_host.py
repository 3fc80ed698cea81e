"""What is done on one balancer, through SSH: tool, packages, HAProxy, password, keepalived.

No step has a delete: ``removal.py`` undoes them all.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components import ssh, tokens
from components.args import SshArgs
from components.rendering import paths, render


@dataclass(frozen=True)
class HostInputs:
    """One balancer as its steps need it."""

    balancer: str
    """Its name: what its removal knows it by."""
    address: pulumi.Input[str]
    ssh: SshArgs
    instance_id: pulumi.Input[str]
    instance: pulumi.Resource | None
    """Dies with the host's steps, if it is in this stack."""
    packages: pulumi.Output[str] | None
    """Bound in seconds and names, as the tool takes them; ``None`` installs nothing."""
    haproxy: pulumi.Output[str]
    keepalived: pulumi.Output[str]
    group: pulumi.Output[str]
    """What all balancers' VRRP says alike: a change of it makes the host join anew."""
    auth_pass: pulumi.Output[str] | None
    names: Sequence[str]
    """Of the endpoint: the one it has, and those it had."""
    take_over: pulumi.Input[bool]
    lead: bool
    """Whether it is changed last, and stays in office while its VRRP changes."""


class BalancerHost(pulumi.ComponentResource):
    """A host that runs HAProxy and keepalived. Every step is a transaction of its own and may be repeated."""

    configured: pulumi.Resource
    """Its files are in force, but it may not take part in VRRP yet: the next host's turn comes after it."""
    checks: Mapping[str, pulumi.Input[str]]
    """What ``hostctl check`` is asked here, and its standard input."""

    def __init__(
        self,
        name: str,
        host: HostInputs,
        *,
        checked: pulumi.Output[list[pulumi.Resource]],
        before_haproxy: Sequence[pulumi.Resource],
        before_keepalived: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Add the steps of `host`.

        `checked` is there once every rule holds; `before_haproxy` is the previous host in the order of
        change; `before_keepalived` is what must be there before this host may take the VIP.
        """
        super().__init__(tokens.BALANCER_HOST, name, {}, opts)
        self._name, self._host = name, host
        tool = self._tool(checked)
        ready: list[pulumi.Resource] = [tool]
        if host.packages is not None:
            ready.append(self._packages(host.packages, tool))
        haproxy = self._service("haproxy", host.haproxy, [*ready, *before_haproxy])
        before = [haproxy, *before_keepalived]
        if host.auth_pass is not None:
            before.append(self._password(host.auth_pass, [haproxy]))
        self.configured = self._service("keepalived", host.keepalived, before)
        self.checks = {"haproxy": host.haproxy, "keepalived": host.keepalived}
        if host.auth_pass is not None:
            self.checks |= {"password": host.auth_pass}
        self.register_outputs({})

    def join(self, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """Add the step that lets the host take part in VRRP, once every other one knows of it."""
        host = self._host
        stdin = host.group
        if host.auth_pass is not None:
            stdin = pulumi.Output.all(host.group, host.auth_pass).apply("".join)
        return self._command(
            "join",
            create=self._as_root(lambda sudo: f"{sudo}{paths.TOOL} join {shlex.quote(host.balancer)}"),
            stdin=stdin,
            depends_on=[self.configured, *after],
        )

    def _tool(self, checked: pulumi.Output[list[pulumi.Resource]]) -> pulumi.Resource:
        # Before it takes the place of another one: whether this endpoint may have the host at all.
        new, names = f"{paths.TOOL}.new", shlex.join(self._host.names)

        def install(take_over: bool) -> pulumi.Input[str]:
            may = f"{new} may {'yes' if take_over else 'no'} {names}"
            refused = f"{{ rm -f {new}; rmdir {paths.LIBRARY} 2>/dev/null; exit 1; }}"
            # Of an upload that broke off before its first byte `sh` would find nothing wrong.
            script = (
                f"install -D -m 0755 /dev/stdin {new} && {{ [ -s {new} ] && {may} || {refused}; }} && "
                f"mv -f {new} {paths.TOOL}"
            )
            return ssh.as_root(self._host.ssh, lambda sudo: f"{sudo}sh -c {shlex.quote(script)}")

        given = self._host.take_over
        return self._command(
            "tool",
            create=install(given)
            if isinstance(given, bool)
            else pulumi.Output.all(given).apply(lambda known: install(bool(known[0]))),
            stdin=render.tool(),
            depends_on=checked,
        )

    def _packages(self, wanted: pulumi.Output[str], tool: pulumi.Resource) -> pulumi.Resource:
        # The names go through stdin, so that the command itself is the same for every list.
        return self._command(
            "packages",
            create=self._as_root(lambda sudo: f"xargs --no-run-if-empty {sudo}{paths.TOOL} packages"),
            stdin=wanted,
            depends_on=[tool],
        )

    def _service(
        self, service: str, bundle: pulumi.Output[str], depends_on: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        return self._command(
            service,
            create=self._as_root(lambda sudo: f"{sudo}{paths.TOOL} apply {service}"),
            stdin=bundle,
            depends_on=depends_on,
        )

    def _password(
        self, password: pulumi.Output[str], depends_on: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        return self._command(
            "auth",
            create=self._as_root(
                lambda sudo: f"{sudo}{paths.TOOL} secret{' lead' if self._host.lead else ''}"
            ),
            stdin=password,
            depends_on=depends_on,
        )

    def _as_root(self, command: Callable[[str], str]) -> pulumi.Input[str]:
        return ssh.as_root(self._host.ssh, command)

    def _command(
        self,
        step: str,
        *,
        create: pulumi.Input[str],
        stdin: pulumi.Input[str],
        depends_on: pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]] | pulumi.Resource],
    ) -> remote.Command:
        host = self._host
        return remote.Command(
            tokens.step_name(self._name, step),
            connection=ssh.connection(host.ssh, host.address),
            create=create,
            stdin=stdin,
            # A new instance at the same address changes nothing else here.
            triggers=[host.instance_id],
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=depends_on,
                deleted_with=host.instance,
            ),
        )
