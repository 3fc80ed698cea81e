"""What the cloud knows, as plain records: what the disk holds, and what a draft is a copy of."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

Protocol = Literal["tcp", "udp", "icmp", "gre", "all"]
Policy = Literal["accept", "drop"]


class Record(BaseModel):
    """Common ground: a field that is not declared is an error, never ignored."""

    model_config = ConfigDict(extra="forbid")


class Resource(Record):
    """What every resource has; ``created`` is ISO 8601 in UTC."""

    id: str
    region: str
    created: str
    name: str = ""
    description: str = ""
    tags: dict[str, str] = {}


class Vpc(Resource):
    """A VPC and its system route table."""

    cidr: IPv4Network
    router_id: str
    route_table_id: str


class VSwitch(Resource):
    """A vSwitch: one subnet in one zone."""

    vpc_id: str
    zone: str
    cidr: IPv4Network
    route_table_id: str


class HaVipStatus(StrEnum):
    """The status DescribeHaVips reports."""

    AVAILABLE = "Available"
    ASSOCIATING = "Associating"
    IN_USE = "InUse"
    UNASSOCIATING = "Unassociating"


class HaVip(Resource):
    """``instances`` are attached (they may claim the address); ``moving`` is being attached or detached.

    Attaching takes effect in the packet filter after the call was answered; until then the status says so.
    """

    vpc_id: str
    vswitch_id: str
    address: IPv4Address
    status: HaVipStatus = HaVipStatus.AVAILABLE
    instances: list[str] = []
    moving: str | None = None


class Rule(Record):
    """One rule as AuthorizeSecurityGroup got it; exactly one of ``cidr`` (verbatim) and ``group`` is set."""

    id: str
    created: str
    direction: Literal["ingress", "egress"]
    protocol: Protocol
    ports: str
    cidr: str = ""
    group: str = ""
    policy: Policy = "accept"
    priority: int = 1
    description: str = ""


class SecurityGroup(Resource):
    """A basic security group."""

    vpc_id: str
    inner_access: bool = True
    rules: list[Rule] = []


class Phase(StrEnum):
    """Where in its life an instance's record is; while ``PLACED`` the host itself says the status."""

    CREATING = "creating"
    PLACED = "placed"
    FAILED = "failed"
    RELEASING = "releasing"


class Disk(Record):
    """A system disk, as it was ordered."""

    id: str
    category: str = "cloud_essd"
    size: int = 40
    """GiB."""
    name: str = ""
    description: str = ""
    performance_level: str = ""


class Instance(Resource):
    """An ECS instance. ``powered`` is what was asked for last, ``failure`` why the last work at its host failed."""

    vpc_id: str
    vswitch_id: str
    zone: str
    image_id: str
    instance_type: str
    host_name: str
    address: IPv4Address
    mac: str
    interface_id: str
    disk: Disk
    security_groups: list[str]
    key_pair: str = ""
    user_data: str = ""
    """Base64, as it came."""
    deletion_protection: bool = False
    internet_charge_type: str = ""
    phase: Phase = Phase.CREATING
    powered: bool = True
    moved: bool = False
    """Has got another address since it was stopped."""
    failure: str = ""


class KeyPair(Resource):
    """Its name is its id; only the public half is kept."""

    public_key: str
    fingerprint: str


class Eip(Resource):
    """An EIP and what it leads to."""

    address: IPv4Address
    bandwidth: str = "5"
    charge_type: str = "PayByBandwidth"
    isp: str = "BGP"
    instance_id: str = ""
    instance_type: str = ""
    private_address: str = ""
    """Only what the association itself named."""
    target_vpc: str = ""
    """Likewise."""
    deletion_protection: bool = False


class Reply(Record):
    """What a call with a client token was answered, to answer its repetition the same."""

    fingerprint: str
    until: float
    """Seconds since the epoch after which the token is forgotten."""
    body: dict[str, JsonValue]


class State(Record):
    """Everything."""

    vpcs: dict[str, Vpc] = {}
    vswitches: dict[str, VSwitch] = {}
    ha_vips: dict[str, HaVip] = {}
    security_groups: dict[str, SecurityGroup] = {}
    instances: dict[str, Instance] = {}
    key_pairs: dict[str, KeyPair] = {}
    eips: dict[str, Eip] = {}
    replies: dict[str, Reply] = {}
