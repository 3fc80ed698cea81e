"""Faults of the network: packets lost, streams reset, bandwidth short.

Packets are dropped by filters of the faults' own, one table each, beside that of the security groups: links stay up,
as those of instances on the cloud do, so nobody is told by a lost carrier.
"""

import hashlib
from contextlib import suppress

from typing_extensions import override

from sandbox.errors import SandboxError
from sandbox.faults.fault import Fault
from sandbox.names import HOST_LINK, NETNS_DIRECTORY, host_namespace, port_link
from sandbox.network import namespaces
from sandbox.settings import Settings
from sandbox.shell import CommandError, run

FIRST = -400
"""Priority of a hook before that in which security groups and anti-spoofing judge."""

SSH_PORT = 22


class CutOff(Fault):
    """No packet reaches or leaves the host, ARP included; its link stays up."""

    host: str
    reason: str = "cut off"

    @property
    @override
    def key(self) -> str:
        return f"{self.reason} {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        link = port_link(self.host)
        hooks = {
            "prerouting": f'iifname "{link}" drop',
            "forward": f'oifname "{link}" drop',
            "output": f'oifname "{link}" drop',
        }
        _load(vpc_of(settings, self.host), "bridge", self._table, hooks)

    @override
    def heal(self, settings: Settings) -> None:
        _unload(settings, self.host, "bridge", self._table)

    @property
    def _table(self) -> str:
        return table_of(self.key)


class Partitioned(Fault):
    """Two hosts of a VPC do not reach each other; everybody else reaches both."""

    host: str
    peer: str

    @property
    @override
    def key(self) -> str:
        return f"partitioned {' '.join(sorted((self.host, self.peer)))}"

    @override
    def inject(self, settings: Settings) -> None:
        vpc = vpc_of(settings, self.host)
        if self.host == self.peer or vpc != vpc_of(settings, self.peer):
            raise SandboxError(f"{self.host} and {self.peer}: a partition is between two hosts of one VPC")
        one, other = port_link(self.host), port_link(self.peer)
        rules = [f'iifname "{here}" oifname "{there}" drop' for here, there in ((one, other), (other, one))]
        _load(vpc, "bridge", table_of(self.key), {"forward": "\n".join(rules)})

    @override
    def heal(self, settings: Settings) -> None:
        _unload(settings, self.host, "bridge", table_of(self.key))


class Limited(Fault):
    """The host sends and receives no more than so many kbit/s each way, with the queue of a slow line."""

    host: str
    kbit: int
    """Bandwidth in kbit/s."""

    @property
    @override
    def key(self) -> str:
        return f"limited {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        if self.kbit < 1:
            raise SandboxError(f"bandwidth of {self.kbit} kbit/s: must be 1 or more")
        # A burst holds at least one packet that offloading made as large as they get, or nothing passes.
        limit = ["tbf", "rate", f"{self.kbit}kbit", "burst", "128k", "latency", "200ms"]
        for namespace, link in self._ends(settings):
            run(["tc", "-n", namespace, "qdisc", "replace", "dev", link, "root", *limit])

    @override
    def heal(self, settings: Settings) -> None:
        for namespace, link in self._ends(settings) if has_port(settings, self.host) else ():
            with suppress(CommandError):  # there is none
                run(["tc", "-n", namespace, "qdisc", "delete", "dev", link, "root"])

    def _ends(self, settings: Settings) -> tuple[tuple[str, str], ...]:
        inside = host_namespace(settings, self.host)
        return ((vpc_of(settings, self.host), port_link(self.host)), (inside, HOST_LINK))


class SshRefused(Fault):
    """The host refuses connections to its SSH port, as if no sshd listened; open ones go on. A reboot ends it."""

    host: str

    @property
    @override
    def key(self) -> str:
        return f"ssh-refused {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        vpc_of(settings, self.host)
        rule = f"tcp dport {SSH_PORT} ct state new reject with tcp reset"
        _load(host_namespace(settings, self.host), "ip", table_of(self.key), {"input": rule})

    @override
    def heal(self, settings: Settings) -> None:
        _unload_in(host_namespace(settings, self.host), "ip", table_of(self.key))


class SshCut(Fault):
    """Every SSH connection to the host is reset, at both ends, once so many bytes have passed. A reboot ends it."""

    host: str
    after: int = 16384
    """Bytes, both directions together; a login takes about 8 KiB."""

    @property
    @override
    def key(self) -> str:
        return f"ssh-cut {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        vpc_of(settings, self.host)
        namespace = host_namespace(settings, self.host)
        # Only with accounting are bytes of a connection counted, and only from its beginning.
        run(["ip", "netns", "exec", namespace, "sysctl", "-qw", "net.netfilter.nf_conntrack_acct=1"])
        # The resets themselves pass.
        cut = f"tcp flags & rst == 0 ct bytes > {self.after} reject with tcp reset"
        hooks = {"input": f"tcp dport {SSH_PORT} {cut}", "output": f"tcp sport {SSH_PORT} {cut}"}
        _load(namespace, "ip", table_of(self.key), hooks)

    @override
    def heal(self, settings: Settings) -> None:
        _unload_in(host_namespace(settings, self.host), "ip", table_of(self.key))


def table_of(key: str) -> str:
    """Return the name of a fault's table."""
    return "fault_" + hashlib.sha256(key.encode()).hexdigest()[:12]


def vpc_of(settings: Settings, host: str) -> str:
    """Return the namespace of the VPC a host is plugged into. Raises :class:`SandboxError` if it is in none."""
    own = host_namespace(settings, host)
    for namespace in sorted(namespaces.existing(settings.prefix) - {own}):
        with suppress(CommandError):  # removed while we look
            if host in namespaces.ports(namespace).values():
                return namespace
    raise SandboxError(
        f"{host}: no such host on the network of sandbox {settings.name!r}; see: sandbox status"
    )


def has_port(settings: Settings, host: str) -> bool:
    """Whether a host is plugged into a VPC; a fault of one that is released is gone with its port."""
    try:
        vpc_of(settings, host)
    except SandboxError:
        return False
    return True


def _load(namespace: str, family: str, table: str, hooks: dict[str, str]) -> None:
    chains = "\n".join(
        f"chain {hook} {{\ntype filter hook {hook} priority {FIRST};\n{rules}\n}}"
        for hook, rules in hooks.items()
    )
    text = f"table {family} {table}\ndelete table {family} {table}\ntable {family} {table} {{\n{chains}\n}}\n"
    run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], stdin=text)


def _unload(settings: Settings, host: str, family: str, table: str) -> None:
    """Remove a table from a host's VPC; from every namespace where the host is gone and no longer says which."""
    known = has_port(settings, host)
    for namespace in [vpc_of(settings, host)] if known else sorted(namespaces.existing(settings.prefix)):
        _unload_in(namespace, family, table)


def _unload_in(namespace: str, family: str, table: str) -> None:
    if (NETNS_DIRECTORY / namespace).exists():
        text = f"table {family} {table}\ndelete table {family} {table}\n"
        run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], stdin=text)
