"""Two sandboxes at once whose networks have the same addresses: neither knows of the other, nor feels its end."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from alibabacloud_ecs20140526 import models as ecs

from sandbox import cgroups, leftovers, lifecycle, needs
from sandbox.hosts.machine import init_of, wait_until
from sandbox.names import cgroup
from sandbox.progress import to_console
from sandbox.settings import Settings
from tests.ports import free_port
from tests.sandbox.fleet import BOOT_LIMIT_S
from tests.sandbox.site import VIP, Host, Site, found, new_key
from tests.sdk import REGION, Refusal, clients, refusal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """Two sites, made side by side."""
    needs.ensure(lambda _: None)
    key, run = new_key(tmp_path), os.getpid() % 10**5
    settings = [
        Settings(f"{letter}{run}", free_port(), IPv4Network(f"127.{net}.{run % 250}.0/24"))
        for letter, net in (("a", 62), ("b", 63))
    ]

    def made(one: Settings) -> Site:
        lifecycle.up(one, to_console)
        return found(one, key)

    with ExitStack() as ends, ThreadPoolExecutor() as pool:
        for one in settings:
            ends.callback(lifecycle.down, one, to_console)
        first, second = pool.map(made, settings)
        yield first, second


def test_two_sandboxes_with_the_same_addresses_are_strangers(sites: tuple[Site, Site]) -> None:
    one, other = sites
    [host], [neighbour] = one.hosts, other.hosts
    assert host.eip != neighbour.eip
    for site in sites:
        [own] = site.hosts
        assert [shown["id"] for shown in site.content["hosts"]] == [own.id]
        # Once more: cloud-init may start sshd anew after its first answer.
        who = f"{site.settings.name} {VIP + 1}"
        wait_until(partial(said, own, "echo $(hostname; hostname -I)", who), BOOT_LIMIT_S, f"it is {who}")

    # The VIP, announced in one network, is nobody's in the other.
    host.run("ip", "address", "add", f"{VIP}/32", "dev", "eth0")
    host.run("arping", "-c", "1", "-A", "-I", "eth0", str(VIP))
    assert (one.holder, other.holder) == (host.id, "")
    neighbour.run("ip", "address", "add", f"{VIP}/32", "dev", "eth0")
    assert (one.holder, other.holder) == (host.id, neighbour.id)

    # The access key and the ids of one mean nothing to the other.
    foreign = ecs.StopInstanceRequest(instance_id=host.id)
    assert refusal(other.sdk.ecs.stop_instance, foreign) == Refusal(404, "InvalidInstanceId.NotFound")
    keys, ca = one.content, Path(other.content["ca"])
    burglar = clients(other.settings.endpoint, keys["access_key_id"], keys["access_key_secret"], ca)
    listed = ecs.DescribeInstancesRequest(region_id=REGION)
    assert refusal(burglar.ecs.describe_instances, listed).code == "InvalidAccessKeyId.NotFound"

    # A forwarder that dies comes again by itself.
    forwarder = cgroup(other.settings, f"eip-{neighbour.eip}")
    for pid in cgroups.members(forwarder):
        os.kill(pid, signal.SIGKILL)
    wait_until(neighbour.answers, 10, "the EIP answers again")

    # The end of one is not felt by the other.
    before = processes(other)
    lifecycle.down(one.settings, to_console)
    assert leftovers.find(one.settings) == ()
    assert host.said("hostname") == "", "its EIP answers no more"
    wait_until(partial(said, neighbour, "hostname", other.settings.name), 10, "the other's EIP answers")
    assert other.holder == neighbour.id
    assert processes(other) == before


def said(host: Host, command: str, expected: str) -> bool:
    """Whether a host says that."""
    return host.said(command) == expected


def processes(site: Site) -> list[int | None]:
    """A site's server, and the first process of each host."""
    server = int((site.settings.directory / "server.pid").read_text())
    return [server, *(init_of(cgroup(site.settings, host.id)) for host in site.hosts)]
