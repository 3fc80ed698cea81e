"""The dev stack's life, in order: preview, up, use, change, failover, crash, destroy."""

import json
import subprocess
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e import traffic
from tests.e2e.lab import Lab
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(600)]

MASTERS = ("k8s-master01", "k8s-master02", "k8s-master03")
BALANCERS = MASTERS[:2]
VIP = "10.0.0.10"


def test_preview_says_what_up_will_do_and_does_nothing(dev: Lab) -> None:
    before = dev.cloud()
    preview = dev.pulumi("preview", "--json")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    steps = json.loads(preview.stdout)["steps"]
    assert {step["op"] for step in steps} == {"create"}
    kinds = [step["newState"]["type"] for step in steps]
    assert kinds.count("alicloud:vpc/haVipv2:HaVipv2") == 1
    assert kinds.count("alicloud:vpc/hAVipAttachment:HAVipAttachment") == len(BALANCERS)
    assert kinds.count("alicloud:ecs/instance:Instance") == len(MASTERS)
    assert dev.cloud() == before


def test_up_ends_with_a_vip_that_answers_from_outside(dev: Lab) -> None:
    up = dev.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    outputs = dev.outputs()
    assert outputs["vip"] == VIP
    assert outputs["control_plane_endpoint"] == f"{VIP}:16443"
    assert outputs["ha_vip_id"].startswith("havip-")
    assert dev.answers()


@pytest.mark.parametrize("master", MASTERS)
def test_the_vip_answers_from_every_master_the_holder_included(dev: Lab, master: str) -> None:
    assert dev.holder() in BALANCERS
    assert dev.ssh(master, f"curl -sk --max-time 2 https://{VIP}:16443/readyz") == "ok"


def test_connections_are_spread_over_every_apiserver(dev: Lab) -> None:
    script = f"for i in $(seq 12); do curl -sk --max-time 2 https://{VIP}:16443/version; echo; done"
    answers = dev.ssh("k8s-master03", script).splitlines()
    assert {json.loads(answer)["server"] for answer in answers} == set(MASTERS)


def logins(dev: Lab, host: str) -> int:
    """How many SSH sessions the host has accepted."""
    return int(dev.ssh(host, "journalctl -u ssh --no-pager | grep -c 'Accepted publickey'"))


def test_a_second_up_changes_nothing_and_runs_no_remote_command(dev: Lab) -> None:
    before = {host: logins(dev, host) for host in MASTERS}
    up = dev.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert up.returncode == 0, up.stdout + up.stderr
    # The one login more is the look itself.
    assert {host: logins(dev, host) for host in MASTERS} == {
        host: count + 1 for host, count in before.items()
    }


def verified(lab: Lab, *arguments: str) -> dict[str, Any]:
    """What ``python -m components verify`` says of the stack's one endpoint, the cloud left aside."""
    [endpoint] = lab.verified("--no-cloud", *arguments).values()
    return endpoint


def test_drift_and_a_stopped_service_are_named_and_repaired(dev: Lab) -> None:
    backup = next(host for host in BALANCERS if host != dev.holder())
    dev.ssh(backup, "sed -i 's/timeout client 24h/timeout client 1h/' /etc/haproxy/haproxy.cfg")
    dev.ssh(backup, "systemctl stop haproxy")
    found = verified(dev)
    wrong = {(one["layer"], one["host"]) for one in found["failures"]}
    assert {("files", backup), ("service", backup), ("HAProxy", backup)} <= wrong
    [drift] = [one["said"] for one in found["failures"] if one["layer"] == "files"]
    assert [line.split(None, 1) for line in drift.splitlines()[1:]] == [
        ["-", "timeout client 24h"],
        ["+", "timeout client 1h"],
    ]
    assert "Stopped haproxy" in found["logs"][f"{backup} haproxy"]
    assert verified(dev, "--repair")["failures"] == []
    assert dev.ssh(backup, "systemctl is-active haproxy").strip() == "active"


def test_a_second_holder_is_named(dev: Lab) -> None:
    holder = dev.holder()
    backup = next(host for host in BALANCERS if host != holder)
    interface = dev.ssh(backup, "ip -o -4 route show default | awk '{ print $5 }'").strip()
    dev.ssh(backup, f"ip address add {VIP}/32 dev {interface}")
    try:
        said = [one for one in verified(dev)["failures"] if one["layer"] == "VRRP"]
    finally:
        dev.ssh(backup, f"ip address delete {VIP}/32 dev {interface}")
    assert len(said) == 1
    assert set(said[0]["host"].split(", ")) == {holder, backup}


def test_refresh_finds_no_drift(dev: Lab) -> None:
    refresh = dev.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert refresh.returncode == 0, refresh.stdout + refresh.stderr


def test_a_changed_timer_is_previewed_as_a_line_diff_of_exactly_the_files_concerned(dev: Lab) -> None:
    dev.configure(haproxy={"timeout_client": "12h"})
    preview = dev.pulumi("preview", "--diff", "--color=never")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    changed = [line.strip() for line in preview.stdout.splitlines() if "timeout client " in line]
    assert sum(line.startswith("+") and "12h" in line for line in changed) == len(BALANCERS), preview.stdout
    assert sum(line.startswith("-") for line in changed) == len(BALANCERS), preview.stdout
    steps = json.loads(dev.pulumi("preview", "--json").stdout)["steps"]
    touched = {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}
    expected = {f"k8s-dev-{host}-haproxy" for host in BALANCERS} | {"k8s-dev-verify"}
    assert touched == dict.fromkeys(expected, "update"), touched


def test_a_changed_timer_is_applied_by_a_reload(dev: Lab) -> None:
    pids = {host: dev.ssh(host, "systemctl show -p MainPID --value haproxy") for host in BALANCERS}
    up = dev.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    for host in BALANCERS:
        assert "12h" in dev.ssh(host, "grep 'timeout client ' /etc/haproxy/haproxy.cfg")
        assert dev.ssh(host, "systemctl show -p MainPID --value haproxy") == pids[host]
    assert dev.answers()


def test_a_changed_port_answers_beside_the_old_one_until_every_client_has_moved(dev: Lab) -> None:
    old = traffic.from_outside(dev)
    new = replace(old, port=17443)
    for changes, clients in (
        ({"port": new.port, "additionalPorts": [old.port]}, old),
        ({"port": new.port, "additionalPorts": []}, new),
        ({"port": old.port, "additionalPorts": [new.port]}, new),
        ({"port": old.port, "additionalPorts": []}, old),
    ):
        dev.configure(**changes)
        with traffic.Streams(clients, 6) as streams, traffic.Prober(clients, rate=20).running() as prober:
            up = dev.pulumi("up", "--yes", "--skip-preview")
            assert up.returncode == 0, up.stdout + up.stderr
            assert streams.lost() == []
        assert not prober.failures, prober.report()
        assert dev.outputs()["control_plane_endpoint"] == f"{VIP}:{changes['port']}"


def test_a_change_that_was_cut_off_before_its_reload_is_finished_by_the_next_run(dev: Lab) -> None:
    hostctl = "/usr/local/lib/kube-apiserver-havip/hostctl apply haproxy"
    resources = dev.engine.export()["resources"]
    [bundle] = [one["inputs"]["stdin"] for one in resources if one["urn"].endswith("k8s-master01-haproxy")]
    assert "unchanged" in dev.ssh("k8s-master01", hostctl, stdin=bundle)
    # What a run leaves that is killed after it swapped the files.
    dev.ssh("k8s-master01", "touch /var/lib/kube-apiserver-havip/unfinished-haproxy")
    assert "applied" in dev.ssh("k8s-master01", hostctl, stdin=bundle)
    assert "unchanged" in dev.ssh("k8s-master01", hostctl, stdin=bundle)


def test_haproxy_stopped_on_the_holder_moves_the_vip_and_its_return_does_not(dev: Lab) -> None:
    holder = dev.holder()
    assert holder in BALANCERS
    other = next(host for host in BALANCERS if host != holder)
    dev.ssh(holder, "systemctl stop haproxy")
    try:
        eventually(f"{other} holds the VIP", lambda: dev.holder() == other, within_s=5)
        eventually("the endpoint answers", dev.answers, within_s=5)
    finally:
        dev.ssh(holder, "systemctl start haproxy")
    time.sleep(5)
    assert dev.holder() == other, "a repaired host's return moved the VIP"
    assert dev.ssh(holder, "systemctl is-active haproxy keepalived").split() == ["active", "active"]
    # Redundancy is whole again: the VIP can go back.
    dev.ssh(other, "systemctl stop haproxy")
    try:
        eventually(f"{holder} holds the VIP", lambda: dev.holder() == holder, within_s=5)
        eventually("the endpoint answers", dev.answers, within_s=5)
    finally:
        dev.ssh(other, "systemctl start haproxy")


def test_an_apiserver_killed_costs_no_request(dev: Lab) -> None:
    dev.ssh("k8s-master03", "systemctl stop apiserver")
    try:
        assert all(dev.answers("/version") for _ in range(20))
    finally:
        dev.ssh("k8s-master03", "systemctl start apiserver")


def test_destroy_leaves_nothing_of_the_stack(dev: Lab) -> None:
    made = {resource["id"] for resource in dev.engine.export()["resources"] if resource.get("id")}
    assert any(one in str(dev.cloud()) for one in made)
    destroy = dev.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    left = str(dev.cloud())
    assert not [one for one in made if one in left]
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert not [one for one in made if one in listed]
