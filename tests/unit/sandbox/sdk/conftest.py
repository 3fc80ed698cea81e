"""A served sandbox for each test, and an account on it that is used through the SDKs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from tests.sdk import REGION, Clients
from tests.unit.sandbox.client import IMAGE
from tests.unit.sandbox.conftest import OFFER
from tests.unit.sandbox.served import Server

ZONE = f"{REGION}-i"
LIMIT_S = 10


@dataclass(frozen=True)
class Account:
    """A server, the clients of its owner, and a VPC with a vSwitch and a security group."""

    server: Server
    clients: Clients
    vpc_id: str
    vswitch_id: str
    group_id: str

    @property
    def ecs(self) -> Any:
        """The client of ECS."""
        return self.clients.ecs

    @property
    def vpc(self) -> Any:
        """The client of VPC."""
        return self.clients.vpc

    def settle(self) -> None:
        """Wait for what is under way at hosts."""
        self.server.cloud.settle(LIMIT_S)

    def order(self, **more: Any) -> Any:
        """The order of an instance."""
        wanted: dict[str, Any] = {
            "region_id": REGION,
            "image_id": IMAGE,
            "instance_type": "ecs.g7.large",
            "v_switch_id": self.vswitch_id,
            "security_group_ids": [self.group_id],
            **more,
        }
        return ecs.RunInstancesRequest(**wanted)

    def run(self, **more: Any) -> str:
        """Run an instance and wait for its host; its id."""
        made = self.ecs.run_instances(self.order(**more)).body.instance_id_sets.instance_id_set
        self.settle()
        identifier: str = made[0]
        return identifier

    def ha_vip(self, address: str = "") -> str:
        """Make a HaVip; its id."""
        request = vpc.CreateHaVipRequest(
            region_id=REGION, v_switch_id=self.vswitch_id, ip_address=address or None
        )
        identifier: str = self.vpc.create_ha_vip(request).body.ha_vip_id
        return identifier

    def shown_ha_vip(self, ha_vip_id: str) -> Any:
        """A HaVip as DescribeHaVips shows it."""
        wanted = vpc.DescribeHaVipsRequestFilter(key="HaVipId", value=[ha_vip_id])
        found = self.vpc.describe_ha_vips(vpc.DescribeHaVipsRequest(region_id=REGION, filter=[wanted]))
        return found.body.ha_vips.ha_vip[0]

    def eip(self) -> str:
        """Allocate an EIP; its id."""
        made = self.vpc.allocate_eip_address(vpc.AllocateEipAddressRequest(region_id=REGION))
        identifier: str = made.body.allocation_id
        return identifier


def make_vpc(client: Any, cidr: str = "10.0.0.0/16") -> str:
    """Make a VPC; its id."""
    made = client.create_vpc(vpc.CreateVpcRequest(region_id=REGION, cidr_block=cidr))
    identifier: str = made.body.vpc_id
    return identifier


def make_vswitch(client: Any, vpc_id: str, cidr: str = "10.0.0.0/24") -> str:
    """Make a vSwitch; its id."""
    request = vpc.CreateVSwitchRequest(region_id=REGION, vpc_id=vpc_id, cidr_block=cidr, zone_id=ZONE)
    identifier: str = client.create_vswitch(request).body.v_switch_id
    return identifier


def make_group(client: Any, vpc_id: str) -> str:
    """Make a security group; its id."""
    made = client.create_security_group(ecs.CreateSecurityGroupRequest(region_id=REGION, vpc_id=vpc_id))
    identifier: str = made.body.security_group_id
    return identifier


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificates and the access key are kept from test to test."""
    return tmp_path_factory.mktemp("sdk")


@pytest.fixture
def server(certificates: Path, tmp_path: Path) -> Iterator[Server]:
    """A served sandbox that holds nothing."""
    wide = replace(OFFER, eip_range=IPv4Network("127.66.0.0/24"))
    server = Server(certificates, tmp_path / "state.json", wide)
    yield server
    server.stop()


@pytest.fixture
def account(server: Server) -> Account:
    """An account with somewhere to put instances."""
    clients = server.sdk()
    vpc_id = make_vpc(clients.vpc)
    vswitch_id = make_vswitch(clients.vpc, vpc_id)
    return Account(server, clients, vpc_id, vswitch_id, make_group(clients.ecs, vpc_id))
