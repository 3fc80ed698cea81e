"""What the sandbox's data plane should look like: the one contract between the cloud's state and the machine.

The API side (``sandbox.cloud``) turns its state into a :class:`Topology`; the network side
(``sandbox.network``) brings namespaces, bridges, packet filters and EIP forwarders to it. A topology is
complete, never a delta, so applying it twice changes nothing and applying it after a crash repairs.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Literal


@dataclass(frozen=True)
class Rule:
    """One security group rule, in the terms of AuthorizeSecurityGroup.

    ``ports`` is ``"FROM/TO"`` or ``"-1/-1"`` for all. ``peer`` is a CIDR or the id of a security group.
    """

    direction: Literal["ingress", "egress"]
    protocol: Literal["tcp", "udp", "icmp", "gre", "all"]
    ports: str
    peer: IPv4Network | str
    policy: Literal["accept", "drop"] = "accept"
    priority: int = 1


@dataclass(frozen=True)
class SecurityGroup:
    """A basic security group; ``inner_access`` lets members reach each other (InnerAccessPolicy=Accept)."""

    id: str
    rules: tuple[Rule, ...] = ()
    inner_access: bool = True


@dataclass(frozen=True)
class Port:
    """The network interface of one instance, plugged into its VPC whether the instance runs or not."""

    instance_id: str
    mac: str
    address: IPv4Address
    vswitch: IPv4Network
    security_groups: tuple[str, ...]
    ha_vips: tuple[IPv4Address, ...] = ()
    """Addresses of the HaVips the instance is attached to: it alone may claim them by ARP."""


@dataclass(frozen=True)
class Vpc:
    """One VPC: one network namespace with a bridge; each vSwitch's gateway is its third address from the end."""

    id: str
    cidr: IPv4Network
    vswitches: tuple[IPv4Network, ...] = ()
    ports: tuple[Port, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()


@dataclass(frozen=True)
class Eip:
    """A loopback address that reaches ``target`` (an instance's address or a HaVip) inside ``vpc_id``."""

    address: IPv4Address
    vpc_id: str
    target: IPv4Address


@dataclass(frozen=True)
class Topology:
    """Everything the data plane holds at one moment."""

    vpcs: tuple[Vpc, ...] = ()
    eips: tuple[Eip, ...] = field(default=())
