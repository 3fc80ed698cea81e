"""A site on a sandbox, made with Alibaba's SDKs: a network, a HaVip, hosts with an EIP each that take SSH."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from sandbox.control import Control
from sandbox.hosts import images
from sandbox.hosts.machine import Machines, wait_until
from sandbox.settings import Settings
from tests.sandbox.fleet import BOOT_LIMIT_S
from tests.sdk import REGION, Clients, clients

VIP = IPv4Address("10.0.0.10")
HERE: dict[str, Any] = {"region_id": REGION}
PAUSE_S = 0.2
"""Between questions: on two processors, asking takes its time from the boots."""
SSH_OPTIONS = (
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    "BatchMode=yes",
)


@dataclass(frozen=True)
class Host:
    """One host of a site."""

    settings: Settings
    id: str
    eip: str
    key: Path

    def run(self, *argv: str) -> str:
        """Run a program in it, past its network."""
        return Machines(self.settings).run(self.id, argv).strip()

    def said(self, command: str, *, within_s: int = 15) -> str:
        """What a command says over SSH through the EIP; nothing if that does not answer."""
        options = (*SSH_OPTIONS, f"ConnectTimeout={within_s}")
        words = ["ssh", "-i", str(self.key), *(word for one in options for word in ("-o", one))]
        done = subprocess.run(
            [*words, f"root@{self.eip}", command], capture_output=True, text=True, check=False, timeout=30
        )
        return done.stdout.strip()

    def answers(self) -> bool:
        """Whether it answers SSH."""
        return self.said("echo here", within_s=2) == "here"


@dataclass(frozen=True)
class Site:
    """All that is on one sandbox."""

    settings: Settings
    sdk: Clients
    hosts: tuple[Host, ...]

    @property
    def content(self) -> dict[str, Any]:
        """What the sandbox holds."""
        return Control(self.settings).status().content

    @property
    def holder(self) -> str:
        """Who has the VIP, nobody being empty."""
        [vip] = self.content["ha_vips"]
        return str(vip["holder"])


def new_key(directory: Path) -> Path:
    """Make an SSH key; the file of its private half."""
    key = directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def sdk(settings: Settings) -> Clients:
    """Clients of a running sandbox."""
    content = Control(settings).status().content
    return clients(
        settings.endpoint, content["access_key_id"], content["access_key_secret"], Path(content["ca"])
    )


def found(
    settings: Settings, key: Path, hosts: int = 1, passed: Callable[[str], None] = lambda _: None
) -> Site:
    """Make a site on a running sandbox, at the same addresses as every other one, and wait for SSH to every host.

    ``passed`` is called with what has just come to be.
    """
    to = sdk(settings)
    vswitch, group = network(to, key)
    order = {
        "v_switch_id": vswitch,
        "security_group_ids": [group],
        "private_ip_address": str(VIP + 1),
        "amount": hosts,
        "instance_name": settings.name,
        "host_name": settings.name,
        "key_pair_name": "key",
        "image_id": images.DEFAULT.id,
        "instance_type": "ecs.t6-c1m1.large",
    }
    made = to.ecs.run_instances(ecs.RunInstancesRequest(**HERE, **order)).body.instance_id_sets
    vip = vpc.CreateHaVipRequest(**HERE, v_switch_id=vswitch, ip_address=str(VIP))
    vip_id = to.vpc.create_ha_vip(vip).body.ha_vip_id

    instances = list(made.instance_id_set)
    _wait_until_running(settings, instances)
    passed("every instance is Running")
    site = Site(settings, to, tuple(Host(settings, one, _eip(to, one), key) for one in instances))
    for host in site.hosts:
        to.vpc.associate_ha_vip(vpc.AssociateHaVipRequest(**HERE, ha_vip_id=vip_id, instance_id=host.id))
        wait_until(lambda: site.content["ha_vips"][0]["status"] == "InUse", 5, "the HaVip is in use")
    wait_for_ssh(site)
    passed("every host answers SSH")
    return site


def _wait_until_running(settings: Settings, instances: list[str]) -> None:
    """Wait for the cloud's word."""
    deadline = time.monotonic() + BOOT_LIMIT_S
    while True:
        states = {host["id"]: host["state"] for host in Control(settings).status().content["hosts"]}
        if all(states[one] == "Running" for one in instances):
            return
        assert time.monotonic() < deadline, states
        time.sleep(PAUSE_S)


def _eip(to: Clients, instance: str) -> str:
    """Give an instance an EIP; its address."""
    eip = to.vpc.allocate_eip_address(vpc.AllocateEipAddressRequest(**HERE)).body
    bind = vpc.AssociateEipAddressRequest(**HERE, allocation_id=eip.allocation_id, instance_id=instance)
    to.vpc.associate_eip_address(bind)
    return str(eip.eip_address)


def wait_for_ssh(site: Site) -> None:
    """Wait until every host answers SSH through its EIP."""
    deadline = time.monotonic() + BOOT_LIMIT_S
    for host in site.hosts:
        while not host.answers():
            assert time.monotonic() < deadline, f"{host.id} of {site.settings.name} does not answer"
            time.sleep(PAUSE_S)


def network(to: Clients, key: Path) -> tuple[str, str]:
    """Make a VPC, a vSwitch, a security group that lets SSH in, and a key pair; the ids of vSwitch and group."""
    vpc_id = to.vpc.create_vpc(vpc.CreateVpcRequest(**HERE, cidr_block="10.0.0.0/16")).body.vpc_id
    wanted = {**HERE, "vpc_id": vpc_id, "zone_id": f"{REGION}-i", "cidr_block": "10.0.0.0/24"}
    vswitch = to.vpc.create_vswitch(vpc.CreateVSwitchRequest(**wanted)).body.v_switch_id
    made = to.ecs.create_security_group(ecs.CreateSecurityGroupRequest(**HERE, vpc_id=vpc_id))
    group = made.body.security_group_id
    ssh = ecs.AuthorizeSecurityGroupRequestPermissions(
        ip_protocol="tcp", port_range="22/22", source_cidr_ip="0.0.0.0/0"
    )
    to.ecs.authorize_security_group(
        ecs.AuthorizeSecurityGroupRequest(**HERE, security_group_id=group, permissions=[ssh])
    )
    public = key.with_suffix(".pub").read_text().strip()
    to.ecs.import_key_pair(ecs.ImportKeyPairRequest(**HERE, key_pair_name="key", public_key_body=public))
    return vswitch, group
