"""A sandbox without hosts: the API says of instances what it always does, and nothing is behind them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from sandbox import cgroups, lifecycle, names
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.hosts import images
from sandbox.hosts.machine import wait_until
from sandbox.progress import to_console
from sandbox.settings import Settings
from sandbox.stack.flow import DevStack
from tests.ports import free_port
from tests.sandbox.site import HERE, VIP, network, new_key, sdk
from tests.sdk import Clients

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

LIMIT_S = 20


@pytest.fixture
def running() -> Iterator[Settings]:
    """A sandbox of this test's own, its server running."""
    run = os.getpid() % 10**5
    settings = Settings(f"n{run}", free_port(), IPv4Network(f"127.64.{run % 200}.0/24"), with_hosts=False)
    try:
        lifecycle.up(settings, to_console)
        yield settings
    finally:
        lifecycle.down(settings, to_console)


def states(settings: Settings) -> list[str]:
    """What the API says of every instance."""
    return [str(host["state"]) for host in Control(settings).status().content["hosts"]]


def made(to: Clients, key: Path) -> tuple[list[str], str]:
    """Two instances, both attached to a HaVip; their ids, and its."""
    vswitch, group = network(to, key)
    order = {
        "v_switch_id": vswitch,
        "security_group_ids": [group],
        "private_ip_address": str(VIP + 1),
        "amount": 2,
        "image_id": images.DEFAULT.id,
        "instance_type": "ecs.t6-c1m1.large",
    }
    instances = to.ecs.run_instances(ecs.RunInstancesRequest(**HERE, **order)).body.instance_id_sets
    vip = vpc.CreateHaVipRequest(**HERE, v_switch_id=vswitch, ip_address=str(VIP))
    return list(instances.instance_id_set), str(to.vpc.create_ha_vip(vip).body.ha_vip_id)


def test_instances_run_with_nothing_behind_them_and_outlive_the_server(
    running: Settings, tmp_path: Path
) -> None:
    to = sdk(running)
    instances, ha_vip = made(to, new_key(tmp_path))
    wait_until(lambda: states(running) == ["Running"] * 2, LIMIT_S, "both run")
    for one in instances:
        to.vpc.associate_ha_vip(vpc.AssociateHaVipRequest(**HERE, ha_vip_id=ha_vip, instance_id=one))
        assert not cgroups.members(names.cgroup(running, one)), "a machine is behind it"
    to.ecs.stop_instance(ecs.StopInstanceRequest(instance_id=instances[0]))
    wait_until(lambda: sorted(states(running)) == ["Running", "Stopped"], LIMIT_S, "one is off")

    os.kill(int((running.directory / "server.pid").read_text()), signal.SIGKILL)
    lifecycle.up(running, to_console)
    assert sorted(states(running)) == ["Running", "Stopped"]
    [vip] = Control(running).status().content["ha_vips"]
    assert (sorted(vip["attached"]), vip["holder"]) == (sorted(instances), "")
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert running.prefix not in namespaces, "it has a network"


def test_what_needs_hosts_says_that_there_are_none(running: Settings) -> None:
    with pytest.raises(SandboxError, match="is without hosts"):
        Control(running).host("i-1")
    with pytest.raises(SandboxError, match="is without hosts"):
        DevStack(running, to_console, "any").up()
