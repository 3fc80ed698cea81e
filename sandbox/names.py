"""Names of what the data plane makes in the kernel, by which every part finds it again."""

import hashlib
from pathlib import Path

from sandbox.settings import Settings

NETNS_DIRECTORY = Path("/run/netns")
"""Where iproute2 (and HAProxy) look for named network namespaces."""

SEPARATOR = "."
"""After a sandbox's prefix; no name holds it: ``dev`` never takes what is ``dev-2``'s for its own."""

HOST_LINK = "eth0"
BRIDGE = "br0"


def vpc_namespace(settings: Settings, vpc_id: str) -> str:
    """Return the name of a VPC's network namespace."""
    return f"{settings.prefix}{SEPARATOR}{vpc_id}"


def host_namespace(settings: Settings, instance_id: str) -> str:
    """Return the name of an instance's network namespace."""
    return f"{settings.prefix}{SEPARATOR}{instance_id}"


def port_link(instance_id: str) -> str:
    """Return the name of an instance's port on the bridge: links have 15 characters, instance ids more."""
    return "p" + hashlib.sha256(instance_id.encode()).hexdigest()[:12]


def cgroup(settings: Settings, member: str) -> str:
    """Return the cgroup of a host (by instance id) or of an EIP's forwarder."""
    return f"{settings.prefix}/{member}"
