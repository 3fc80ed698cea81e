"""A later version of a package, for hosts of a lab to find."""

from collections.abc import Iterable

from sandbox.hosts.later import later
from tests.e2e.lab import Lab


def later_version(lab: Lab, hosts: Iterable[str], package: str) -> str:
    """Offer `hosts` a later version of what they have; return it as NAME=VERSION. Its program is the same."""
    found = later(package, "later1", print)
    for host in hosts:
        lab.ssh(host, found.offer, stdin=found.stdin)
    return found.wanted
