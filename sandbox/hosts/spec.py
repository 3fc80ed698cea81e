"""What the API side says about an instance, and what it is told about it."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address


@dataclass(frozen=True)
class HostSpec:
    """One instance to be made. Its interface comes from the topology; a spec never changes it."""

    instance_id: str
    hostname: str
    image_id: str
    address: IPv4Address
    prefix: int
    """Length of the vSwitch's prefix in bits."""
    gateway: IPv4Address
    mac: str
    cores: int = 2
    """Processors' worth of time it gets at most, as its instance type says."""
    memory: int = 2 << 30
    """Bytes it gets at most, as its instance type says."""
    authorized_keys: tuple[str, ...] = ()
    """OpenSSH public keys of root."""
    user_data: bytes | None = None
    """Decoded user data: a ``#!`` script or a ``#cloud-config`` document."""


class HostState(Enum):
    """What the processes of an instance say, in the terms of DescribeInstances."""

    ABSENT = "absent"
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
