"""Two sandboxes at once whose networks have the same addresses: neither knows of the other, nor feels its end."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from sandbox import leftovers, lifecycle, needs
from sandbox.control import Control
from sandbox.hosts import images
from sandbox.hosts.machine import Machines, init_of, wait_until
from sandbox.names import cgroup
from sandbox.progress import to_console
from sandbox.settings import Settings
from tests.e2e.conftest import free_port
from tests.sandbox.fleet import BOOT_LIMIT_S
from tests.sdk import REGION, Clients, Refusal, clients, refusal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ADDRESS, VIP = "10.0.0.11", "10.0.0.10"


@dataclass(frozen=True)
class Site:
    """One sandbox with one host, called like it, that is reached through an EIP and may take a VIP."""

    settings: Settings
    sdk: Clients
    instance: str
    eip: str
    key: Path

    @property
    def content(self) -> dict[str, Any]:
        """What the sandbox holds."""
        return Control(self.settings).status().content

    @property
    def holder(self) -> str | None:
        """Who has the VIP."""
        [vip] = self.content["ha_vips"]
        holder: str | None = vip["holder"]
        return holder

    def run(self, *argv: str) -> str:
        """Run a program in the host, past its network."""
        return Machines(self.settings).run(self.instance, argv).strip()

    def said(self, command: str) -> str:
        """What a command says over SSH through the EIP; nothing if that does not answer."""
        options = (
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "BatchMode=yes",
            "ConnectTimeout=2",
        )
        words = ["ssh", "-i", str(self.key), *(word for one in options for word in ("-o", one))]
        done = subprocess.run(
            [*words, f"root@{self.eip}", command], capture_output=True, text=True, check=False, timeout=30
        )
        return done.stdout.strip()


def found(settings: Settings, key: Path) -> Site:
    """Make a network, a HaVip and a host at the same addresses as every other site's, and wait for its SSH."""
    content = lifecycle.up(settings, to_console).content
    to = clients(
        settings.endpoint, content["access_key_id"], content["access_key_secret"], Path(content["ca"])
    )
    here: dict[str, Any] = {"region_id": REGION}
    vpc_id = to.vpc.create_vpc(vpc.CreateVpcRequest(**here, cidr_block="10.0.0.0/16")).body.vpc_id
    wanted = {**here, "vpc_id": vpc_id, "zone_id": f"{REGION}-i", "cidr_block": "10.0.0.0/24"}
    vswitch = to.vpc.create_vswitch(vpc.CreateVSwitchRequest(**wanted)).body.v_switch_id
    group = to.ecs.create_security_group(
        ecs.CreateSecurityGroupRequest(**here, vpc_id=vpc_id)
    ).body.security_group_id
    ssh = ecs.AuthorizeSecurityGroupRequestPermissions(
        ip_protocol="tcp", port_range="22/22", source_cidr_ip="0.0.0.0/0"
    )
    to.ecs.authorize_security_group(
        ecs.AuthorizeSecurityGroupRequest(**here, security_group_id=group, permissions=[ssh])
    )
    public = key.with_suffix(".pub").read_text().strip()
    to.ecs.import_key_pair(ecs.ImportKeyPairRequest(**here, key_pair_name="key", public_key_body=public))
    order = {"v_switch_id": vswitch, "security_group_ids": [group], "private_ip_address": ADDRESS}
    named = {"instance_name": settings.name, "host_name": settings.name, "key_pair_name": "key"}
    kind = {"image_id": images.DEFAULT.id, "instance_type": "ecs.t6-c1m1.large"}
    made = to.ecs.run_instances(ecs.RunInstancesRequest(**here, **order, **named, **kind))
    [instance] = made.body.instance_id_sets.instance_id_set
    vip = to.vpc.create_ha_vip(
        vpc.CreateHaVipRequest(**here, v_switch_id=vswitch, ip_address=VIP)
    ).body.ha_vip_id
    wait_until(
        lambda: Control(settings).host(instance)["state"] == "Running", BOOT_LIMIT_S, f"{settings.name} runs"
    )
    to.vpc.associate_ha_vip(vpc.AssociateHaVipRequest(**here, ha_vip_id=vip, instance_id=instance))
    eip = to.vpc.allocate_eip_address(vpc.AllocateEipAddressRequest(**here)).body
    to.vpc.associate_eip_address(
        vpc.AssociateEipAddressRequest(**here, allocation_id=eip.allocation_id, instance_id=instance)
    )
    site = Site(settings, to, instance, eip.eip_address, key)
    wait_until(lambda: site.said("hostname") == settings.name, BOOT_LIMIT_S, f"SSH to {settings.name}")
    return site


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """Two sites, made side by side."""
    needs.ensure(lambda _: None)
    key, run = tmp_path / "key", os.getpid() % 10**5
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    settings = [
        Settings(f"{letter}{run}", free_port(), IPv4Network(f"127.{net}.{run % 250}.0/24"))
        for letter, net in (("a", 62), ("b", 63))
    ]
    with ExitStack() as ends, ThreadPoolExecutor() as pool:
        for one in settings:
            ends.callback(lifecycle.down, one, to_console)
        first, second = pool.map(found, settings, [key, key])
        yield first, second


def test_two_sandboxes_with_the_same_addresses_are_strangers(sites: tuple[Site, Site]) -> None:
    one, other = sites
    assert one.eip != other.eip
    for site in sites:
        assert [host["id"] for host in site.content["hosts"]] == [site.instance]
        assert site.said("hostname; hostname -I").split() == [site.settings.name, ADDRESS]

    # The VIP, announced in one network, is nobody's in the other.
    one.run("ip", "address", "add", f"{VIP}/32", "dev", "eth0")
    one.run("arping", "-c", "1", "-A", "-I", "eth0", VIP)
    assert (one.holder, other.holder) == (one.instance, "")
    other.run("ip", "address", "add", f"{VIP}/32", "dev", "eth0")
    assert (one.holder, other.holder) == (one.instance, other.instance)

    # The access key and the ids of one mean nothing to the other.
    foreign = ecs.StopInstanceRequest(instance_id=one.instance)
    assert refusal(other.sdk.ecs.stop_instance, foreign) == Refusal(404, "InvalidInstanceId.NotFound")
    key = one.content
    burglar = clients(
        other.settings.endpoint, key["access_key_id"], key["access_key_secret"], Path(other.content["ca"])
    )
    listed = ecs.DescribeInstancesRequest(region_id=REGION)
    assert refusal(burglar.ecs.describe_instances, listed).code == "InvalidAccessKeyId.NotFound"

    # The end of one is not felt by the other.
    before = server_of(other), init_of(cgroup(other.settings, other.instance))
    lifecycle.down(one.settings, to_console)
    assert leftovers.find(one.settings) == ()
    assert other.said("hostname") == other.settings.name
    assert other.holder == other.instance
    assert (server_of(other), init_of(cgroup(other.settings, other.instance))) == before
    assert one.said("hostname") == "", "its EIP answers no more"


def server_of(site: Site) -> int:
    """The process of a site's server."""
    return int((site.settings.directory / "server.pid").read_text())
