"""Every fault on whole hosts: what it breaks, and that nothing is broken after it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import cgroups, leftovers, names
from sandbox.errors import SandboxError
from sandbox.faults import fault, kinds
from sandbox.faults.kinds import (
    CutOff,
    DiskFull,
    Frozen,
    Killed,
    Limited,
    PackageLock,
    Partitioned,
    Rebooted,
    ServiceHung,
    ServiceKilled,
    ServiceStopped,
    SshCut,
    SshRefused,
    injected,
)
from sandbox.hosts.machine import init_of, wait_until
from sandbox.hosts.spec import HostState
from sandbox.settings import Settings
from sandbox.shell import CommandError
from tests.sandbox.fleet import BOOT_LIMIT_S, PORTS, Fleet, booted

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ADDRESS = {each.instance_id: str(each.address) for each in PORTS}
ROOT = Path(__file__).resolve().parents[2]
LISTEN = """
import socket, sys
stream = socket.create_connection((sys.argv[1], 22), 3)
stream.recv(100)
print("open", flush=True)
stream.settimeout(float(sys.argv[2]))
try:
    print("ended" if stream.recv(100) == b"" else "data")
except TimeoutError:
    print("silent")
except OSError as error:
    print("ended", error)
"""


@pytest.fixture(scope="module")
def fleet(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three booted hosts."""
    settings.save()
    yield from booted(settings, tmp_path_factory.mktemp("fleet"))


@pytest.fixture(autouse=True)
def none_left(fleet: Fleet) -> Iterator[None]:
    """No fault outlives its test, and all hosts answer."""
    yield
    assert fault.records(fleet.settings) == []
    for each in PORTS:
        wait_until(fleet.answers(each.instance_id), BOOT_LIMIT_S, f"SSH to {each.instance_id}")


def pings(fleet: Fleet, one: str, other: str) -> bool:
    """Whether a host reaches another by ICMP."""
    try:
        fleet.machines.run(one, ["ping", "-c1", "-W1", ADDRESS[other]])
    except CommandError:
        return False
    return True


def reach(fleet: Fleet, one: str, other: str) -> None:
    """Wait until a host reaches another: who did not answer ARP is asked again after a second."""
    wait_until(lambda: pings(fleet, one, other), 5, f"ping from {one} to {other}")


def greeting(fleet: Fleet, host: str) -> str:
    """What sshd of a host says first to another host, or why it says nothing."""
    text = "import socket,sys; s=socket.create_connection((sys.argv[1],22),1); print(s.recv(4).decode())"
    asker = next(each.instance_id for each in PORTS if each.instance_id != host)
    try:
        return fleet.machines.run(asker, ["python3", "-c", text, ADDRESS[host]]).strip()
    except CommandError as error:
        return error.words.splitlines()[-1]


def boot_of(fleet: Fleet, host: str) -> int | None:
    """Which process is the host's init: another one after every boot."""
    return init_of(names.cgroup(fleet.settings, host))


def listening(fleet: Fleet, host: str, seconds: float) -> "subprocess.Popen[str]":
    """Open a connection from i-2 to a host's sshd; it tells in the end whether it was told of its end."""
    init = init_of(names.cgroup(fleet.settings, "i-2"))
    command = ["nsenter", "-t", str(init), "-a", "python3", "-c", LISTEN, ADDRESS[host], str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_a_frozen_host_is_silent_and_goes_on_where_it_was(fleet: Fleet) -> None:
    before = boot_of(fleet, "i-1")
    with injected(fleet.settings, Frozen(host="i-1")):
        assert not pings(fleet, "i-2", "i-1")
        assert greeting(fleet, "i-1") in ("TimeoutError: timed out", "OSError: [Errno 113] No route to host")
        assert cgroups.frozen(names.cgroup(fleet.settings, "i-1"))
        assert fleet.machines.state("i-1") is HostState.RUNNING
        reach(fleet, "i-2", "i-3")
    reach(fleet, "i-2", "i-1")
    assert greeting(fleet, "i-1") == "SSH-"
    assert boot_of(fleet, "i-1") == before


def test_a_killed_host_tells_nobody(fleet: Fleet) -> None:
    stream = listening(fleet, "i-1", 3)
    with injected(fleet.settings, Killed(host="i-1")):
        assert fleet.machines.state("i-1") is HostState.STOPPED
        assert not pings(fleet, "i-2", "i-1")
        assert stream.communicate(timeout=20)[0].strip() == "silent"
    wait_until(fleet.answers("i-1"), BOOT_LIMIT_S, "SSH to i-1")


def test_a_reboot_is_another_boot(fleet: Fleet) -> None:
    before = boot_of(fleet, "i-1")
    with injected(fleet.settings, Rebooted(host="i-1")):
        pass
    wait_until(fleet.answers("i-1"), BOOT_LIMIT_S, "SSH to i-1")
    assert boot_of(fleet, "i-1") != before


def test_a_host_that_is_cut_off_runs_and_keeps_its_link(fleet: Fleet) -> None:
    with injected(fleet.settings, CutOff(host="i-1")):
        assert not pings(fleet, "i-1", "i-2")
        assert not pings(fleet, "i-2", "i-1")
        assert not fleet.answers("i-1")()
        assert fleet.machines.run("i-1", ["cat", "/sys/class/net/eth0/carrier"]).strip() == "1"
        fleet.network.apply(fleet.topology)
        assert not pings(fleet, "i-2", "i-1"), "a change of the network must not heal it"
    reach(fleet, "i-1", "i-2")


def test_a_partition_is_between_two(fleet: Fleet) -> None:
    with injected(fleet.settings, Partitioned(host="i-1", peer="i-2")):
        assert not pings(fleet, "i-1", "i-2")
        assert not pings(fleet, "i-2", "i-1")
        reach(fleet, "i-1", "i-3")
        reach(fleet, "i-3", "i-2")
        assert fleet.answers("i-1")()
    reach(fleet, "i-1", "i-2")
    with (
        pytest.raises(SandboxError, match="two hosts"),
        injected(fleet.settings, Partitioned(host="i-1", peer="i-1")),
    ):
        pass


def test_bandwidth_is_short_both_ways(fleet: Fleet) -> None:
    def seconds(command: str) -> float:
        began = time.monotonic()
        fleet.ssh("i-1", command)
        return time.monotonic() - began

    def back() -> float:
        began = time.monotonic()
        fleet.ssh("i-1", "cat >/dev/null", stdin="x" * 10**6)
        return time.monotonic() - began

    assert seconds("head -c 1000000 /dev/urandom | base64") < 2
    with injected(fleet.settings, Limited(host="i-1", kbit=4000)):
        assert 1.5 < seconds("head -c 1000000 /dev/urandom | base64") < 15
        assert 1.2 < back() < 15
    assert seconds("head -c 1000000 /dev/urandom | base64") < 2
    assert back() < 2


def test_a_service_that_is_stopped_refuses(fleet: Fleet) -> None:
    with injected(fleet.settings, ServiceStopped(host="i-1", service="ssh")):
        assert "Connection refused" in greeting(fleet, "i-1")
    assert greeting(fleet, "i-1") == "SSH-"


def test_a_service_that_hangs_accepts_and_says_nothing(fleet: Fleet) -> None:
    with injected(fleet.settings, ServiceHung(host="i-1", service="ssh")):
        assert greeting(fleet, "i-1") == "TimeoutError: timed out"
    assert greeting(fleet, "i-1") == "SSH-"


def test_a_service_that_is_killed_runs_in_the_end(fleet: Fleet) -> None:
    def main_pid() -> str:
        return fleet.machines.run("i-1", ["systemctl", "show", "-p", "MainPID", "--value", "ssh"]).strip()

    before = main_pid()
    with injected(fleet.settings, ServiceKilled(host="i-1", service="ssh")):
        assert main_pid() != before
    assert greeting(fleet, "i-1") == "SSH-"


def test_a_service_nobody_knows_is_refused(fleet: Fleet) -> None:
    with (
        pytest.raises(SandboxError, match="service 'nope': i-1 has none"),
        injected(fleet.settings, ServiceHung(host="i-1", service="nope")),
    ):
        pass


def test_the_package_manager_waits_for_a_lock(fleet: Fleet) -> None:
    fleet.ssh("i-1", "apt-get update")
    with (
        injected(fleet.settings, PackageLock(host="i-1")),
        pytest.raises(OSError, match="Could not get lock /var/lib/dpkg/lock-frontend"),
    ):
        fleet.ssh("i-1", "apt-get install -y jq")
    fleet.ssh("i-1", "apt-get install -y jq")


def test_a_full_disk_takes_nothing(fleet: Fleet) -> None:
    fleet.ssh("i-3", "apt-get update; echo old >/etc/kept; echo old >/root/emptied; echo old >/var/removed")
    with injected(fleet.settings, DiskFull(host="i-3")):
        for file in ("/etc/new", "/root/emptied", "/usr/local/bin/new", "/var/lib/new", "/tmp/new"):
            with pytest.raises(OSError, match="No space left on device"):
                fleet.ssh("i-3", f"echo text >{file}")
        fleet.ssh("i-3", "rm /var/removed")
        assert fleet.ssh("i-3", "cat /etc/kept") == "old"
        assert "100%" in fleet.ssh("i-3", "df /var")
        with pytest.raises(OSError, match="space"):
            fleet.ssh("i-3", "apt-get install -y jq")
        assert fleet.ssh("i-3", "ls /var/lib/package-mirror | grep -c deb$") != "0"
    assert fleet.ssh("i-3", "cat /root/emptied; ls /var/removed 2>/dev/null || echo gone") == "gone"
    assert "disk-full" not in fleet.ssh("i-3", "cat /proc/self/mountinfo")
    fleet.ssh("i-3", "echo text >/etc/new && apt-get install -y jq && jq --version")
    assert fleet.ssh("i-3", "systemctl is-system-running") == "running"


def test_ssh_is_refused_to_newcomers(fleet: Fleet) -> None:
    with injected(fleet.settings, SshRefused(host="i-1")):
        assert "Connection refused" in greeting(fleet, "i-1")
        assert not fleet.answers("i-1")()
        reach(fleet, "i-2", "i-1")
    assert greeting(fleet, "i-1") == "SSH-"


def test_ssh_is_cut_in_the_middle(fleet: Fleet) -> None:
    with injected(fleet.settings, SshCut(host="i-1")):
        assert fleet.ssh("i-1", "echo short") == "short"
        with pytest.raises(OSError, match="255"):
            fleet.ssh("i-1", "head -c 100000 /dev/urandom | base64; sleep 5; touch /root/not-cut")
        with pytest.raises(OSError, match="255"):
            fleet.ssh("i-1", "cat >/root/half", stdin="x" * 100000)
    assert fleet.ssh("i-1", "ls /root/not-cut 2>/dev/null || echo cut") == "cut"
    assert int(fleet.ssh("i-1", "stat -c %s /root/half")) < 100000


KILLED = {
    "hosts and their network": (
        "Killed(host='i-3'), Limited(host='i-1', kbit=100), PackageLock(host='i-2'), Frozen(host='i-1'),"
        "Partitioned(host='i-2', peer='i-1')"
    ),
    "what runs on them": (
        "ServiceStopped(host='i-1', service='systemd-logind'), ServiceHung(host='i-2', service='ssh'),"
        "DiskFull(host='i-2'),"
        "SshRefused(host='i-1'), SshCut(host='i-3', after=0), CutOff(host='i-3')"
    ),
}


@pytest.mark.parametrize("faults", KILLED.values(), ids=KILLED)
def test_faults_of_a_killed_process_are_healed_by_another(fleet: Fleet, faults: str) -> None:
    text = (
        "import os, signal\n"
        "from sandbox.faults.kinds import *\n"
        "from sandbox.settings import Settings\n"
        f"settings = Settings.load({fleet.settings.name!r})\n"
        f"with injected(settings, {faults}):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    left = subprocess.run([sys.executable, "-c", text], check=False, cwd=ROOT)
    assert left.returncode == -signal.SIGKILL
    count = faults.count("(")
    assert [record.orphaned for record in fault.records(fleet.settings)] == [True] * count
    assert not any(fleet.answers(each.instance_id)() for each in PORTS[::2])
    assert len(kinds.heal(fleet.settings)) == count
    for each in PORTS:
        wait_until(fleet.answers(each.instance_id), BOOT_LIMIT_S, f"SSH to {each.instance_id}")
    reach(fleet, "i-2", "i-1")
    reach(fleet, "i-2", "i-3")
    assert kinds.heal(fleet.settings) == []


def test_teardown_ends_what_is_frozen(tmp_path: Path, settings: Settings) -> None:
    other = Settings(name=f"y{settings.name[1:]}", eip_range=settings.eip_range)
    other.save()
    fleet = Fleet(other, tmp_path)
    fleet.eips = ()
    try:
        fleet.build()
        fleet.machines.start("i-1")
        wait_until(lambda: fleet.machines.state("i-1") is HostState.RUNNING, BOOT_LIMIT_S, "i-1")
        injected(other, DiskFull(host="i-1"), Frozen(host="i-1")).__enter__()
    finally:
        leftovers.teardown(other)
    assert leftovers.find(other) == ()
