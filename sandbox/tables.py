"""What a sandbox holds, as tables for people."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from sandbox.usage import Share
from sandbox.words import in_words


def hosts(content: dict[str, Any]) -> Table:
    """Hosts and what became of them."""
    without = "" if content["with_hosts"] else ", without hosts"
    title = f"sandbox on https://{content['api']}{without}"
    table = Table("host", "id", "address", "EIP", "state", title=title)
    for host in content["hosts"]:
        state = "\n".join(filter(None, [host["state"], host["failure"]]))
        table.add_row(host["name"], host["id"], host["address"], host["eip"] or "", escape(state))
    return table


def ha_vips(content: dict[str, Any]) -> Table:
    """HaVips and who holds each."""
    names = {host["id"]: host["name"] for host in content["hosts"]}
    table = Table("HaVip", "address", "EIP", "attached", "held by")
    for vip in content["ha_vips"]:
        attached = ", ".join(sorted(names.get(one, one) for one in vip["attached"]))
        table.add_row(
            vip["id"], vip["address"], vip["eip"] or "", attached, names.get(vip["holder"], "nobody")
        )
    return table


def security_groups(content: dict[str, Any]) -> Table:
    """Security groups in words."""
    names = {group["id"]: group["name"] or group["id"] for group in content["security_groups"]}
    table = Table("security group", "members", "what it does")
    for group in content["security_groups"]:
        members = [host["name"] for host in content["hosts"] if group["id"] in host["security_groups"]]
        table.add_row(names[group["id"]], ", ".join(members), "\n".join(in_words(group, names)))
    return table


def usage(shares: list[Share]) -> Table:
    """What each part of a sandbox takes of the machine."""
    table = Table("part", "CPU %", "memory MiB", "processes")
    for share in shares:
        memory = f"{share.memory / 2**20:.0f}"
        table.add_row(share.part, f"{share.cpu_percent:.1f}", memory, str(share.processes))
    return table
