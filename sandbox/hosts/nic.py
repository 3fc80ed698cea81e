"""The network side of power: what a boot gives an interface, and what switching off takes from it.

A host's network namespace outlives its processes, so all that a real one would forget has to be taken away.
"""

import json
from contextlib import suppress
from ipaddress import IPv4Address

from sandbox.names import HOST_LINK
from sandbox.shell import CommandError, batch, run


def power_on(namespace: str, address: IPv4Address, prefix: int, gateway: IPv4Address) -> None:
    """Give the interface its primary address and default route, and nothing else."""
    forget(namespace)
    batch(
        namespace,
        "link set lo up",
        f"address add {address}/{prefix} broadcast + dev {HOST_LINK}",
        f"link set {HOST_LINK} up",
        f"route replace default via {gateway}",
    )


def cut(namespace: str) -> None:
    """Take the link down: what a dying process still says, such as that its connections end, reaches nobody."""
    batch(namespace, f"link set {HOST_LINK} down")


def forget(namespace: str) -> None:
    """Take every address, route, filter and extra link away: nothing answers for a machine that is off."""
    links = [link["ifname"] for link in json.loads(run(["ip", "-n", namespace, "-json", "link", "show"]))]
    for extra in sorted(set(links) - {"lo", HOST_LINK}):
        with suppress(CommandError):  # the kernel's own tunnel devices cannot be deleted
            batch(namespace, f"link delete {extra}")
    for link in ("lo", HOST_LINK):
        batch(namespace, f"link set {link} down", f"address flush dev {link}")
    run(["ip", "netns", "exec", namespace, "nft", "flush", "ruleset"])
