"""VRRP's state for the node exporter, on a host where keepalived runs: right although no transition says so."""

from collections.abc import Iterator

import pytest

from components.rendering import paths, render
from sandbox.hosts.machine import wait_until
from sandbox.settings import Settings
from tests.sandbox.fleet import PORTS, Fleet, booted
from tests.unit.components import examples

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOST = "i-1"
METRIC = "kube_apiserver_havip.prom"


@pytest.fixture(scope="module")
def fleet(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One balancer whose peers are silent, so that it holds the VIP."""
    settings.save()
    for fleet in booted(settings, tmp_path_factory.mktemp("fleet"), PORTS[:1]):
        fleet.machines.run(HOST, ["cloud-init", "status", "--wait"])
        fleet.give_tool(HOST)
        fleet.ssh(HOST, f"{paths.TOOL} packages 120 haproxy keepalived curl socat")
        plan = examples.planned(examples.topology())
        bundle = render.haproxy_bundle(plan, plan.balancers[0])
        fleet.ssh(HOST, f"{paths.TOOL} apply haproxy", stdin=bundle)
        apply(fleet)
        fleet.ssh(HOST, f"{paths.TOOL} join")
        fleet.ssh(HOST, f"timeout 20 sh -c 'until grep -x MASTER {paths.VRRP_STATE}; do sleep 0.2; done'")
        fleet.ssh(HOST, "mkdir /srv/one /srv/two")
        yield fleet


def apply(fleet: Fleet, directory: str = "", notify_script: str = "") -> None:
    """Give keepalived its files, with this directory of the node exporter and this hook."""
    keepalived = {"textfile_directory": directory, "notify_script": notify_script}
    plan = examples.planned(examples.topology() | {"keepalived": keepalived})
    bundle = render.keepalived_bundle(plan, plan.balancers[0], examples.VIP)
    fleet.ssh(HOST, f"{paths.TOOL} apply keepalived", stdin=bundle)


def exported(fleet: Fleet, directory: str) -> str:
    """The state that is 1; empty if there is no metric."""
    return fleet.ssh(
        HOST, f"sed -nE 's/.*state=\"(.*)\"}} 1$/\\1/p' {directory}/{METRIC} 2>/dev/null || true"
    )


def test_a_hook_has_its_time_though_keepalived_stops(fleet: Fleet) -> None:
    """It is told of just that."""
    hook = "/usr/local/bin/on-vrrp"
    fleet.ssh(HOST, f"install -m 755 /dev/stdin {hook}", stdin='#!/bin/sh\nsleep 3\necho "$*" >>/srv/told\n')
    apply(fleet, notify_script=hook)
    fleet.ssh(HOST, "systemctl stop keepalived")
    wait_until(lambda: "VI_1 STOP" in fleet.ssh(HOST, "cat /srv/told 2>/dev/null || true"), 20, "it is told")
    fleet.ssh(HOST, "systemctl start keepalived")
    wait_until(lambda: "VI_1 MASTER" in fleet.ssh(HOST, "tail -1 /srv/told"), 20, "and of what follows")
    apply(fleet)


def test_the_metric_follows_what_is_so(fleet: Fleet) -> None:
    started = fleet.ssh(HOST, "systemctl show -p MainPID keepalived")
    apply(fleet, "/srv/one")
    assert exported(fleet, "/srv/one") == "MASTER", "a reload makes no transition"
    apply(fleet, "/srv/two")
    assert (exported(fleet, "/srv/one"), exported(fleet, "/srv/two")) == ("", "MASTER")
    assert fleet.ssh(HOST, "systemctl show -p MainPID keepalived") == started

    fleet.ssh(HOST, "mv /usr/sbin/keepalived /root; systemctl kill --signal=KILL keepalived")
    wait_until(lambda: exported(fleet, "/srv/two") == "STOP", 10, "a dead keepalived does not hold the VIP")
    fleet.ssh(HOST, "mv /root/keepalived /usr/sbin")
    wait_until(lambda: exported(fleet, "/srv/two") == "MASTER", 20, "it holds the VIP again")

    apply(fleet)
    assert fleet.ssh(HOST, "ls /srv/one /srv/two") == "/srv/one:\n\n/srv/two:"
    apply(fleet, "/srv/one")
    assert exported(fleet, "/srv/one") == "MASTER"
    plan = examples.planned(examples.topology())
    assert "nothing of" in fleet.ssh(HOST, f"{paths.TOOL} retire {plan.name}")
    assert fleet.ssh(HOST, "ls /srv/one") == "", "a host that is no balancer has no metric"
