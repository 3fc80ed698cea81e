"""Whole hosts: booted, reached by SSH through an EIP, rebooted, taken up again, gone without a trace."""

import contextlib
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from sandbox import cgroups, leftovers, lifecycle, names
from sandbox.dataplane import LocalDataPlane
from sandbox.errors import SandboxError
from sandbox.hosts.machine import init_of, wait_until
from sandbox.hosts.plan import Plan
from sandbox.hosts.spec import HostSpec, HostState
from sandbox.settings import Settings
from tests.ports import free_port
from tests.sandbox.conftest import VIP, VPC
from tests.sandbox.fleet import BOOT_LIMIT_S, MEMORY, MULTIPART, PORTS, Fleet, booted

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def fleet(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three booted hosts."""
    yield from booted(settings, tmp_path_factory.mktemp("fleet"))


def test_cloud_init_made_the_host_its_own(fleet: Fleet) -> None:
    assert fleet.ssh("i-1", "hostname") == "master-1"
    fleet.ssh("i-1", "cloud-init status --wait")
    assert fleet.ssh("i-1", "cat /root/user-data-ran") == "master-1"
    assert fleet.ssh("i-1", "systemctl is-system-running") == "running"
    host_keys = {fleet.ssh(each.instance_id, "cat /etc/ssh/ssh_host_ed25519_key.pub") for each in PORTS}
    assert len(host_keys) == len(PORTS)
    identities = {fleet.ssh(each.instance_id, "cat /etc/machine-id") for each in PORTS}
    assert len(identities) == len(PORTS)


def test_every_kind_of_user_data_that_people_use_runs(fleet: Fleet) -> None:
    for each in PORTS:
        fleet.machines.run(each.instance_id, ["cloud-init", "status", "--wait"])
    assert fleet.ssh("i-2", "cat /root/user-data-ran").startswith("jq-")
    assert fleet.ssh("i-2", "cat /root/written; stat -c %a /root/written").split("\n") == ["by cloud-init640"]
    assert fleet.ssh("i-3", "cat /root/user-data-ran") == "/root/booted"


def test_a_host_gets_no_more_than_its_type_has(fleet: Fleet) -> None:
    fill = "python3 -c 'import sys; x = bytearray(int(sys.argv[1])); print(len(x))'"
    assert fleet.ssh("i-2", f"{fill} {MEMORY // 4}") == str(MEMORY // 4)
    assert "Killed" in fleet.ssh("i-2", f"{fill} {2 * MEMORY} 2>&1 || echo Killed by $?")
    assert fleet.answers("i-2")(), "the host itself lives"
    used = cgroups.usage(names.cgroup(fleet.settings, "i-2"))
    assert 0 < used.memory < MEMORY
    assert used.cpu_s > 0
    quotas = {
        int(file.read_text().split()[0])
        for tree in cgroups.hierarchies()
        for name in ("cpu.max", "cpu.cfs_quota_us")
        if (file := tree.root / names.cgroup(fleet.settings, "i-2") / name).exists()
    }
    assert quotas == {fleet.spec("i-2").cores * cgroups.PERIOD_US}


def test_packages_install_from_the_mirror(fleet: Fleet) -> None:
    fleet.ssh("i-3", "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y haproxy keepalived")
    assert fleet.ssh("i-3", "systemctl is-active haproxy") == "active"
    assert "2.2.7" in fleet.ssh("i-3", "keepalived --version 2>&1")


def test_stopping_one_host_leaves_the_others_alone(fleet: Fleet) -> None:
    before = init_of(names.cgroup(fleet.settings, "i-2"))
    fleet.machines.stop("i-1")
    assert fleet.machines.state("i-1") is HostState.STOPPED
    assert init_of(names.cgroup(fleet.settings, "i-2")) == before
    fleet.machines.start("i-1")
    wait_until(fleet.answers("i-1"), BOOT_LIMIT_S, "SSH to i-1")


@pytest.mark.parametrize("how", ["orderly", "forced", "from inside"])
def test_a_reboot_keeps_the_disk_and_drops_a_havip(fleet: Fleet, how: str) -> None:
    fleet.ssh("i-2", f"echo '{how}' >/root/kept; sync; ip address add {VIP}/32 dev eth0")
    assert fleet.network.holder(VPC, VIP) == "i-2"
    boot = fleet.machines.run("i-2", ["cat", "/proc/1/stat"]).split()[21]
    if how == "from inside":
        fleet.machines.run("i-2", ["systemctl", "reboot"])
    else:
        fleet.machines.reboot("i-2", force=how == "forced")

    def is_new() -> bool:
        return fleet.answers("i-2")() and fleet.ssh("i-2", "cat /proc/1/stat").split()[21] != boot

    wait_until(is_new, BOOT_LIMIT_S, "a new boot of i-2")
    assert fleet.ssh("i-2", "cat /root/kept") == how
    assert str(VIP) not in fleet.ssh("i-2", "ip -4 address")
    assert fleet.network.holder(VPC, VIP) is None


def test_what_is_changed_counts_from_the_next_boot_and_no_script_runs_twice(
    fleet: Fleet, tmp_path: Path
) -> None:
    """Keys, the host's name, user data: the new one is there to be read, what it has for every boot is done."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    added = (tmp_path / "other.pub").read_text().strip()
    fleet.machines.run("i-1", ["cloud-init", "status", "--wait"])
    host_key = fleet.ssh("i-1", "cat /etc/ssh/ssh_host_ed25519_key.pub")
    fleet.ssh("i-1", "rm /root/user-data-ran")
    spec = fleet.spec("i-1")
    changes = {
        "authorized_keys": (*spec.authorized_keys, added),
        "hostname": "renamed",
        "user_data": MULTIPART.replace(b"/root/booted", b"/root/booted-anew"),
    }
    changed = HostSpec(**{**vars(spec), **changes})
    fleet.machines.stop("i-1")
    fleet.machines.create(changed)
    fleet.machines.start("i-1")
    wait_until(fleet.answers("i-1"), BOOT_LIMIT_S, "SSH to i-1")
    assert added.split()[1] in fleet.ssh("i-1", "cat /root/.ssh/authorized_keys")
    assert fleet.ssh("i-1", "cat /etc/ssh/ssh_host_ed25519_key.pub") == host_key
    fleet.ssh("i-1", "cloud-init status --wait")
    assert fleet.ssh("i-1", "ls /root/user-data-ran || echo once") == "once"
    assert "/root/booted-anew" in fleet.ssh("i-1", "cat /var/lib/cloud/instance/user-data.txt")
    assert fleet.ssh("i-1", "ls /root/booted-anew") == "/root/booted-anew", "bootcmd is for every boot"
    assert fleet.ssh("i-1", "hostname") == "renamed"


def test_a_dead_host_answers_for_nothing(fleet: Fleet) -> None:
    fleet.ssh("i-3", f"ip address add {VIP}/32 dev eth0")
    fleet.machines.stop("i-3", force=True)
    assert fleet.machines.state("i-3") is HostState.STOPPED
    assert fleet.network.holder(VPC, VIP) is None
    assert not fleet.answers("i-3")()
    assert "systemd" in fleet.machines.journal("i-3")
    assert fleet.machines.console("i-3").exists()
    fleet.machines.start("i-3")
    wait_until(fleet.answers("i-3"), BOOT_LIMIT_S, "SSH to i-3")


def test_hosts_outlive_who_started_them(fleet: Fleet) -> None:
    """Another process starts a host and is killed: this one takes it up."""
    fleet.machines.stop("i-3")
    text = (
        "import os, signal\n"
        "from sandbox.settings import Settings\n"
        "from sandbox.hosts.machine import Machines\n"
        f"Machines(Settings(name={fleet.settings.name!r})).start('i-3'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    starter = subprocess.run([sys.executable, "-c", text], check=False)
    assert starter.returncode == -signal.SIGKILL
    wait_until(fleet.answers("i-3"), BOOT_LIMIT_S, "SSH to i-3")
    assert fleet.machines.state("i-3") is HostState.RUNNING


def test_a_host_that_ends_while_it_boots_says_so_at_once(fleet: Fleet) -> None:
    """Not one that somebody stops meanwhile: that is no failure."""
    plane = LocalDataPlane(fleet.settings, lambda _: None)
    fleet.machines.stop("i-3", force=True)
    disk = Plan.load(fleet.settings.hosts / "i-3").upper
    systemd, init = disk / "usr/lib/systemd/systemd", disk / "usr/sbin/init"
    for file in (systemd, init):
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.mknod(systemd, stat.S_IFCHR)  # overlayfs's word for a file that is gone
        init.write_text("#!/bin/sh\necho the disk is broken\nsleep 1\nexit 1\n")
        init.chmod(0o755)
        began = time.monotonic()
        with pytest.raises(SandboxError, match=r"ended while it booted(.|\n)*the disk is broken"):
            plane.start("i-3")
        assert time.monotonic() - began < 10
        init.write_text("#!/bin/sh\nsleep 60\n")
        with ThreadPoolExecutor() as pool:
            starting = pool.submit(plane.start, "i-3")
            wait_until(lambda: fleet.machines.state("i-3") is HostState.STARTING, 10, "a boot")
            fleet.machines.stop("i-3", force=True)
            starting.result(timeout=10)
    finally:
        systemd.unlink()
        init.unlink()
        plane.start("i-3")
    wait_until(fleet.answers("i-3"), BOOT_LIMIT_S, "SSH to i-3")


def test_whatever_is_killed_teardown_leaves_nothing(tmp_path: Path) -> None:
    """The server, supervisors, nspawns, hosts' own processes, forwarders: SIGKILL at random, over and over."""
    eip_range = IPv4Network(f"127.64.{os.getpid() % 200}.0/24")
    settings = Settings(f"z{os.getpid() % 10**5}", free_port(), eip_range)
    before = traces()
    try:
        lifecycle.up(settings, lambda _: None)
        fleet = Fleet(settings, tmp_path, PORTS[:2])
        fleet.build()
        forwarders = [cgroup for cgroup in cgroups.children(settings.prefix) if cgroup.startswith("eip-")]
        assert len(forwarders) == len(fleet.eips)
        for each in fleet.ports:
            fleet.machines.start(each.instance_id)
        seed = int(time.time())
        sys.stdout.write(f"killing at random, seed {seed}\n")
        chance = random.Random(seed)  # noqa: S311 - not a secret
        for _ in range(10):
            for pid in sorted(cgroups.members(settings.prefix)):
                if chance.random() < 0.3:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)
    finally:
        lifecycle.down(settings, lambda _: None)
    assert leftovers.find(settings) == ()
    assert {trace for trace in traces() - before if settings.name in trace} == set()
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert settings.prefix not in tables


def test_teardown_leaves_nothing(tmp_path: Path) -> None:
    """Compare the machine before and after a sandbox whose host was running when its owner vanished."""
    settings = Settings(name=f"x{os.getpid() % 10**5}", eip_range=Settings().eip_range)
    before = traces()
    fleet = Fleet(settings, tmp_path)
    fleet.eips = ()
    fleet.build()
    fleet.machines.start("i-1")
    wait_until(lambda: fleet.machines.state("i-1") is HostState.RUNNING, BOOT_LIMIT_S, "i-1")
    assert cgroups.members(settings.prefix)
    assert leftovers.find(settings)
    leftovers.teardown(settings)
    assert leftovers.find(settings) == ()
    leftovers.teardown(settings)
    assert {trace for trace in traces() - before if settings.name in trace} == set()
    assert not any("nspawn" in trace or "overlay" in trace for trace in traces() - before)


def traces() -> set[str]:
    """Return namespaces, mounts, cgroups, and what nspawn keeps in /run."""
    mounts = {line.split(maxsplit=4)[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    groups = {str(path) for hierarchy in cgroups.hierarchies() for path in hierarchy.root.glob("havip-*")}
    state = {str(path) for path in Path("/run/systemd/nspawn").rglob("*")}
    return mounts | groups | state | {str(path) for path in Path("/run/netns").glob("*")}
