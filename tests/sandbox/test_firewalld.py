"""A balancer with firewalld, as Red Hat's have it (here Debian's): hostctl opens what it needs, and closes it again."""

import subprocess
from collections.abc import Iterator

import pytest

from components.rendering import paths, render
from sandbox.hosts import images, mirror
from sandbox.hosts.machine import wait_until
from sandbox.settings import Settings
from tests.sandbox.fleet import PORTS, Fleet, booted
from tests.unit.components import examples

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOST, PEER = "i-1", "i-2"
HEAR = (
    "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112); s.settimeout(4);"
    "print(s.recv(99) and 'heard')"
)
SAY = "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 112).sendto(b'vrrp', ('10.0.0.11', 0))"


@pytest.fixture(scope="module")
def fleet(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two hosts; one runs firewalld, HAProxy and keepalived."""
    settings.save()
    firewalld = mirror.ensure_mirror(images.DEFAULT.id, lambda _: None, ("firewalld", "netbase"))
    for fleet in booted(settings, tmp_path_factory.mktemp("fleet"), PORTS[:2]):
        fleet.machines.run(HOST, ["cloud-init", "status", "--wait"])
        fleet.copy(firewalld, HOST, "/srv/firewalld")
        fleet.ssh(
            HOST, "echo 'deb [trusted=yes] file:/srv/firewalld ./' >/etc/apt/sources.list.d/firewalld.list"
        )
        fleet.give_tool(HOST)
        fleet.ssh(HOST, f"{paths.TOOL} packages 120 netbase firewalld haproxy keepalived curl socat")
        fleet.ssh(HOST, "systemctl start firewalld")
        yield fleet


def monitor_answers(fleet: Fleet) -> bool:
    """Whether the peer reaches the host's monitor."""
    asked = (
        f"curl -s -o /dev/null --max-time 2 http://{PORTS[0].address}:33305/monitor && echo yes || echo no"
    )
    return "yes" in fleet.machines.run(PEER, ["sh", "-c", asked])


def vrrp_is_heard(fleet: Fleet) -> bool:
    """Whether the host hears VRRP of its peer."""
    listener = subprocess.Popen(fleet.command(HOST, "python3", "-c", HEAR), stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(6):
            fleet.machines.run(PEER, ["python3", "-c", SAY])
            try:
                return listener.communicate(timeout=0.5)[0].strip() == "heard"
            except subprocess.TimeoutExpired:
                continue
        return listener.communicate(timeout=10)[0].strip() == "heard"
    finally:
        listener.kill()


def rules(fleet: Fleet, where: str = "") -> str:
    """Return what firewalld lets in."""
    return fleet.ssh(HOST, f"firewall-cmd {where} --list-ports; firewall-cmd {where} --list-rich-rules")


def test_what_a_balancer_needs_is_opened_and_closed_again(fleet: Fleet) -> None:
    plan = examples.planned(examples.topology())
    balancer = plan.balancers[0]
    fleet.ssh(HOST, "firewall-cmd --permanent --add-port=16443/tcp && firewall-cmd --reload")
    before = rules(fleet), rules(fleet, "--permanent")
    haproxy = render.haproxy_bundle(plan, balancer)
    assert "applied" in fleet.ssh(HOST, f"{paths.TOOL} apply haproxy", stdin=haproxy)
    assert monitor_answers(fleet)
    fleet.ssh(HOST, "firewall-cmd --remove-port=33305/tcp")
    assert not monitor_answers(fleet), "firewalld is what kept it closed"
    fleet.ssh(HOST, "firewall-cmd --reload")
    assert monitor_answers(fleet), "it is open after a boot, too"

    assert not vrrp_is_heard(fleet)
    keepalived = render.keepalived_bundle(plan, balancer, examples.VIP)
    fleet.ssh(HOST, f"{paths.TOOL} apply keepalived", stdin=keepalived)
    wait_until(lambda: vrrp_is_heard(fleet), 20, "VRRP of the peer")
    opened = rules(fleet)
    assert '10.0.0.12" protocol value="vrrp" accept' in opened
    fleet.ssh(HOST, f"{paths.TOOL} apply haproxy", stdin=haproxy)
    assert rules(fleet) == opened == rules(fleet, "--permanent")

    fleet.ssh(HOST, f"{paths.TOOL} retire {plan.name}")
    assert (rules(fleet), rules(fleet, "--permanent")) == before, "what others had opened stays"
