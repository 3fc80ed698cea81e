"""``kill -9`` of the server amid calls: what was answered stays, what is asked for again is made once."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_vpc20160428 import models as vpc

from sandbox import cgroups, lifecycle, names
from sandbox.api.app import TEND_S
from sandbox.control import Control
from sandbox.hosts.machine import wait_until
from sandbox.network import namespaces
from sandbox.progress import to_console
from sandbox.settings import Settings
from tests.ports import free_port
from tests.sandbox.fleet import BOOT_LIMIT_S
from tests.sandbox.site import found, new_key, sdk
from tests.sdk import REGION, Clients

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KILLS = 6
LIMIT_S = 120
MOST = 45
"""Things of a kind: below every quota."""


@pytest.fixture
def running() -> Iterator[Settings]:
    """A sandbox of this test's own, its server running."""
    run = os.getpid() % 10**5
    settings = Settings(f"k{run}", free_port(), IPv4Network(f"127.65.{run % 200}.0/24"))
    try:
        lifecycle.up(settings, to_console)
        yield settings
    finally:
        lifecycle.down(settings, to_console)


def persist(call: Callable[[Any], Any], request: Any) -> Any:
    """Make a call again and again, with its client token, until it is answered."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            return call(request).body
        except AlibabaCloudException:
            raise
        except Exception:
            # The server is gone or was going: nobody knows whether the call took effect.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def makers(to: Clients, vpc_id: str, vswitch_id: str) -> dict[str, Callable[[int], str]]:
    """What makes the n-th thing of a kind, named by its client token; under the kind's name in the status."""

    def group(n: int) -> str:
        request = ecs.CreateSecurityGroupRequest(
            region_id=REGION, vpc_id=vpc_id, client_token=f"sg-{n}", security_group_name=f"sg-{n}"
        )
        return str(persist(to.ecs.create_security_group, request).security_group_id)

    def vswitch(n: int) -> str:
        request = vpc.CreateVSwitchRequest(
            region_id=REGION,
            vpc_id=vpc_id,
            zone_id=f"{REGION}-i",
            cidr_block=f"10.0.{n + 1}.0/24",
            client_token=f"vsw-{n}",
            v_switch_name=f"vsw-{n}",
        )
        return str(persist(to.vpc.create_vswitch, request).v_switch_id)

    def ha_vip(n: int) -> str:
        request = vpc.CreateHaVipRequest(
            region_id=REGION, v_switch_id=vswitch_id, client_token=f"vip-{n}", name=f"vip-{n}"
        )
        return str(persist(to.vpc.create_ha_vip, request).ha_vip_id)

    return {"security_groups": group, "vswitches": vswitch, "ha_vips": ha_vip}


def test_random_kills_lose_nothing_and_make_nothing_twice(running: Settings) -> None:
    to = sdk(running)
    vpc_id = to.vpc.create_vpc(vpc.CreateVpcRequest(region_id=REGION, cidr_block="10.0.0.0/16")).body.vpc_id
    first = vpc.CreateVSwitchRequest(
        region_id=REGION, vpc_id=vpc_id, zone_id=f"{REGION}-i", cidr_block="10.0.0.0/24"
    )
    vswitch_id = to.vpc.create_vswitch(first).body.v_switch_id
    over = threading.Event()

    def ask(make: Callable[[int], str]) -> dict[str, int]:
        """Make things until told to stop, each asked for twice; the ids with their numbers."""
        made: dict[str, int] = {}
        for n in range(MOST):
            if over.is_set():
                break
            identifier = make(n)
            assert make(n) == identifier, "the same token, and another answer"
            made[identifier] = n
        return made

    moments = random.Random(running.name)  # noqa: S311 - the moments of one run can be had again by its name
    with ThreadPoolExecutor() as pool:
        asked = {kind: pool.submit(ask, make) for kind, make in makers(to, vpc_id, vswitch_id).items()}
        try:
            for _ in range(KILLS):
                time.sleep(moments.uniform(0.1, 1.5))
                os.kill(int((running.directory / "server.pid").read_text()), signal.SIGKILL)
                lifecycle.up(running, to_console)
        finally:
            over.set()
        answered = {kind: future.result() for kind, future in asked.items()}

    content = Control(running).status().content
    for kind, made in answered.items():
        assert made, f"no {kind} were made: the kills left no time"
        held = [one for one in content[kind] if one["id"] != vswitch_id]
        assert {one["id"] for one in held} == set(made)
        assert max(Counter(one["name"] for one in held).values()) == 1
    gateways = namespaces.addresses(names.vpc_namespace(running, vpc_id), names.BRIDGE)
    assert {str(gateway.network) for gateway in gateways} == {one["cidr"] for one in content["vswitches"]}


def test_several_who_start_one_sandbox_get_the_same_server(running: Settings) -> None:
    group = names.cgroup(running, "server")
    kill(group)
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: lifecycle.up(running, to_console).content["api"], range(4)))
    assert found == [running.endpoint] * 4
    assert cgroups.members(group) == {int((running.directory / "server.pid").read_text())}


def test_what_is_killed_comes_again_and_what_was_switched_off_does_not(
    running: Settings, tmp_path: Path
) -> None:
    """A host, alone; then every process the sandbox has, after which somebody starts its server."""
    site = found(running, new_key(tmp_path))
    [host] = site.hosts

    def state() -> str:
        return str(Control(running).host(host.id)["state"])

    kill(names.cgroup(running, host.id))
    assert state() == "Stopped"
    wait_until(lambda: state() == "Running", BOOT_LIMIT_S, "the host runs again")
    wait_until(host.answers, BOOT_LIMIT_S, "it answers again")

    host.run("systemctl", "poweroff")
    wait_until(lambda: state() == "Stopped", BOOT_LIMIT_S, "the host is off")
    time.sleep(4 * TEND_S)
    assert state() == "Stopped", "it switched itself off, and on the cloud it would stay so"

    site.sdk.ecs.start_instance(ecs.StartInstanceRequest(instance_id=host.id))
    wait_until(host.answers, BOOT_LIMIT_S, "it answers again")
    kill(running.prefix)
    before = Settings.load(running.name)
    assert before is not None
    lifecycle.up(before, to_console)
    wait_until(host.answers, BOOT_LIMIT_S, "it answers again")
    assert [shown["id"] for shown in site.content["hosts"]] == [host.id]


def test_a_server_of_another_revision_is_restarted_and_hosts_run_on(
    running: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = found(running, new_key(tmp_path))
    [host] = site.hosts
    wait_until(host.answers, BOOT_LIMIT_S, "it answers")
    server, machine = names.cgroup(running, "server"), names.cgroup(running, host.id)
    at_first, processes = cgroups.members(server), cgroups.members(machine)
    lifecycle.up(running, to_console)
    assert cgroups.members(server) == at_first, "it is this checkout's"
    monkeypatch.setattr(lifecycle, "revision", lambda: "a later one")
    status = lifecycle.up(running, to_console)
    assert not cgroups.members(server) & at_first
    assert [shown["id"] for shown in status.content["hosts"]] == [host.id]
    assert min(processes) in cgroups.members(machine), "the host was booted anew"
    assert host.answers()


def kill(group: str) -> None:
    """SIGKILL to every process in a cgroup."""
    for pid in cgroups.members(group):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not cgroups.members(group), 10, "the end of them")
