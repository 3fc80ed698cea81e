"""Ports of EIPs that another program already has on every address of the machine, such as its own sshd.

Linux gives a port on one loopback address to nobody while somebody listens on all addresses. The forwarder then
listens on a port nobody wants, and a rule of nftables (in a table of the sandbox's own, for its EIPs only) leads
connections there.
"""

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.shell import CommandError, run

FIRST = 61000
"""The first port above those Linux hands out by itself (ip_local_port_range)."""

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = "0A"

Detours = Mapping[tuple[IPv4Address, int], int]
"""EIP and port the client asks for, and the port it is led to."""


def taken_everywhere(text: str | None = None) -> set[int]:
    """Return the TCP ports on which some program listens on all addresses (``text`` as in /proc/net/tcp)."""
    if text is None:
        text = "".join(table.read_text() for table in _TABLES if table.exists())
    found = set()
    for fields in (line.split() for line in text.splitlines()):
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTEN and not address.strip("0"):
            found.add(int(port, 16))
    return found


def around(ports: tuple[int, ...], taken: set[int]) -> dict[int, int]:
    """Return, for each of ``ports`` that is taken, a port to listen on instead."""
    free = (number for number in range(FIRST, 65536) if number not in taken and number not in ports)
    return {port: next(free) for port in ports if port in taken}


def ruleset(table: str, detours: Detours) -> str:
    """Render the table of a sandbox; loading it replaces the one before in one transaction."""
    rules = "\n".join(
        f"ip daddr {address} tcp dport {port} dnat to {address}:{other}"
        for (address, port), other in sorted(detours.items())
    )
    chain = f"chain eips {{\ntype nat hook output priority -100;\n{rules}\n}}"
    return f"table ip {table}\ndelete table ip {table}\ntable ip {table} {{\n{chain}\n}}\n"


def lead(table: str, detours: Detours) -> None:
    """Make these the detours of a sandbox; without any, its table goes. Raises :class:`SandboxError`."""
    if detours:
        # At no moment without: a connection would reach the program that has the port on all addresses.
        run(["nft", "-f", "-"], stdin=ruleset(table, detours))
    else:
        remove(table)


def remove(table: str) -> None:
    """Remove the table of a sandbox. One that is not there is fine."""
    with suppress(CommandError):
        run(["nft", "delete", "table", "ip", table])


def exists(table: str) -> bool:
    """Whether a sandbox has detours."""
    return f"table ip {table}" in run(["nft", "list", "tables"]).splitlines()
