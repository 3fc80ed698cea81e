"""What people change on a running endpoint, under load: nobody notices, and the VIP never has two holders."""

import dataclasses
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from sandbox.control import CloudObject, Control
from tests.e2e.holders import Holders
from tests.e2e.lab import Lab
from tests.e2e.later import later_version
from tests.e2e.traffic import Prober, Streams, from_anywhere, from_outside
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(600)]

VIP = "10.0.0.10"
ATTACHMENT = "alicloud:vpc/hAVipAttachment:HAVipAttachment"
ADMIN_SOCKET = "/run/kube-apiserver-havip/haproxy.sock"
BUSY_S = 1.0
"""What a busy machine adds to an outage."""
EIP_S = 20.0
"""How long an EIP leads nowhere while it is given to another HaVip; the provider waits for 5 s in it."""
SYN_S = 1.0
"""After which a SYN that was lost in it is sent again."""
FIRST, SECOND, THIRD, FOURTH = "k8s-master01", "k8s-master02", "k8s-master03", "k8s-master04"


@pytest.fixture(autouse=True)
def whole(standing: Lab) -> None:
    """Every balancer takes part before a change begins."""
    eventually("one holds the VIP", lambda: standing.holder() is not None, within_s=30)


@contextmanager
def unnoticed(lab: Lab, *, cut: str = "") -> Iterator[Holders]:
    """Requests at a fixed rate and idle streams through the VIP while the block changes something.

    `cut` names the master whose host the change ends, and with it the streams that its apiserver serves and, at
    this rate, at most one request that it had accepted and not yet answered.
    """
    endpoint = from_outside(lab)
    prober, holders = Prober(endpoint, rate=20), Holders(lab, VIP)
    with Streams(endpoint, 30) as streams:
        with prober.running(), holders.watched():
            yield holders
        said = f"{prober.report()}; holders: {holders.moves()}"
        assert len(prober.failures) <= (1 if cut else 0), said
        assert set(streams.lost()) <= {cut}, said
    assert holders.longest_s(2) == 0, f"two had the VIP: {said}"
    assert len(holders.moves()) == 1, said


def up(lab: Lab, **changes: Any) -> str:
    """Change the configuration and bring it about; nothing is left to change then."""
    lab.configure(**changes)
    done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
    assert done.returncode == 0, done.stdout + done.stderr
    left = lab.pulumi("preview", "--expect-no-changes", "--color=never")
    assert left.returncode == 0, left.stdout + left.stderr
    return done.stdout


def masters(lab: Lab) -> list[dict[str, Any]]:
    """The masters as the stack's configuration has them."""
    found: list[dict[str, Any]] = lab.configuration()["masters"]
    return found


def serves(lab: Lab, master: str) -> bool:
    """Whether requests through the VIP get to the apiserver of a master."""
    prober = Prober(from_outside(lab), rate=20)
    with prober.running():
        eventually("requests", lambda: len(prober.requests) >= 20, within_s=10)
    return master in {request.server for request in prober.requests}


def state(lab: Lab, host: str) -> str:
    return lab.ssh(host, "cat /run/kube-apiserver-havip/vrrp-state 2>/dev/null", check=False).strip()


def test_a_third_balancer_is_added_and_removed(standing: Lab) -> None:
    with unnoticed(standing):
        up(standing, balancers=[FIRST, SECOND, THIRD])
    assert state(standing, THIRD) == "BACKUP"
    with unnoticed(standing):
        up(standing, balancers=[FIRST, SECOND])
    assert standing.ssh(THIRD, "systemctl is-active keepalived", check=False) != "active"
    told = "cat /etc/keepalived/leavers.conf"
    eventually(
        "the removed one is forgotten", lambda: "10.0.0.13" not in standing.ssh(FIRST, told), within_s=90
    )


def test_a_balancer_that_leaves_is_told_on_though_the_monitor_gets_another_port(standing: Lab) -> None:
    up(standing, balancers=[FIRST, SECOND, THIRD])
    holders = Holders(standing, VIP)
    try:
        with holders.watched():
            up(standing, balancers=[FIRST, SECOND], monitorPort=33306)
        assert not any(THIRD in have for _, have in holders.samples), "it took the VIP as well"
    finally:
        with unnoticed(standing):
            up(standing, balancers=[FIRST, SECOND], monitorPort=33305)


def give_vip_to(lab: Lab, host: str, *others: str) -> None:
    """Have the others, which are all balancers but `host`, out of the way for a moment."""
    for other in others:
        lab.ssh(other, "systemctl stop keepalived")
    eventually(f"{host} holds the VIP", lambda: lab.holder() == host, within_s=10)
    for other in others:
        lab.ssh(other, "systemctl start keepalived")
    eventually("all take part", lambda: {state(lab, one) for one in others} == {"BACKUP"}, within_s=15)


@contextmanager
def handed_over(lab: Lab, leaver: str) -> Iterator[None]:
    """Requests through the VIP while the block takes its holder away: it is handed over once, in order."""
    prober, holders, budget = Prober(from_outside(lab)), Holders(lab, VIP), lab.outputs()["budget"]
    with prober.running(), holders.watched():
        yield
    said = f"{prober.report()}; holders: {holders.moves()}"
    assert holders.longest_s(0) < budget["handover"] / 1000 + BUSY_S, said
    assert prober.gap_s() < budget["handover"] / 1000 + BUSY_S + SYN_S, said
    assert holders.longest_s(2) < budget["two_holders"] / 1000 + BUSY_S, said
    assert [holders.moves()[0], len(holders.moves())] == [leaver, 2], said
    assert holders.moves()[1] in (FIRST, SECOND), said
    assert lab.verified()[lab.component]["holds"], "the endpoint without it"


def test_the_holder_leaves_and_stays_a_master(standing: Lab) -> None:
    up(standing, balancers=[FIRST, SECOND, THIRD])
    give_vip_to(standing, THIRD, FIRST, SECOND)
    with handed_over(standing, THIRD):
        said = up(standing, balancers=[FIRST, SECOND])
    assert f"the balancer that leaves, {THIRD}, has the VIP" in said, said


def test_the_holder_leaves_with_its_instance(standing: Lab) -> None:
    """The verification does not ask it: it is nothing any more that the program knows of."""
    three = masters(standing)
    four = [*three, {"name": FOURTH, "address": "10.0.0.14"}]
    up(standing, masters=four, balancers=[FIRST, SECOND, FOURTH])
    give_vip_to(standing, FOURTH, FIRST, SECOND)
    with handed_over(standing, FOURTH):
        said = up(standing, masters=three, balancers=[FIRST, SECOND])
    assert "the balancer that leaves, 10.0.0.14, has the VIP" in said, said


def test_the_holder_makes_room_for_a_new_balancer(standing: Lab) -> None:
    """The new one never hears it: it tells those alone that it has known."""
    give_vip_to(standing, SECOND, FIRST)
    with handed_over(standing, SECOND):
        said = up(standing, balancers=[FIRST, THIRD])
    assert f"the balancer that leaves, {SECOND}, has the VIP" in said, said
    eventually("the new one has joined", lambda: state(standing, THIRD) == "BACKUP", within_s=10)
    with unnoticed(standing):
        up(standing, balancers=[FIRST, SECOND])


def test_the_holder_is_replaced_at_the_same_address(standing: Lab) -> None:
    holder = str(standing.holder())
    with handed_over(standing, holder):
        done = standing.pulumi(
            "up", "--yes", "--skip-preview", "--color=never", f"--replace=**Instance::k8s-standing-{holder}"
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert state(standing, holder) == "BACKUP"


@pytest.mark.parametrize("holder", [FIRST, SECOND])
def test_the_preset_is_changed_whoever_holds_the_vip(standing: Lab, holder: str) -> None:
    if standing.holder() != holder:
        standing.ssh(str(standing.holder()), "systemctl restart keepalived")
        eventually(f"{holder} holds the VIP", lambda: standing.holder() == holder, within_s=10)
    preset = "fast" if holder == FIRST else "standard"
    with unnoticed(standing) as holders:
        up(standing, failover={"preset": preset})
    assert holders.longest_s(0) < 0.3
    assert {state(standing, host) for host in (FIRST, SECOND)} == {"MASTER", "BACKUP"}


def test_haproxy_takes_more_connections(standing: Lab) -> None:
    """Fewer, and again as many as the hosts permit; no process is started anew for it."""

    def most() -> list[int]:
        ask = f"echo show info | socat stdio {ADMIN_SOCKET} | awk '/^Maxconn:/ {{ print $2 }}'"
        return [int(standing.ssh(host, ask)) for host in (FIRST, SECOND)]

    before = most()
    assert min(before) > 5000, "the machine that tests run on permits no more than the test takes away"
    try:
        with unnoticed(standing):
            up(standing, haproxy={"maxconn": 5000})
        assert most() == [5000, 5000]
    finally:
        with unnoticed(standing):
            up(standing, haproxy={})
    assert most() == before


def test_the_router_id_is_changed(standing: Lab) -> None:
    with unnoticed(standing) as holders:
        up(standing, keepalived={"virtual_router_id": 77})
    assert holders.longest_s(0) < 0.3
    assert {state(standing, host) for host in (FIRST, SECOND)} == {"MASTER", "BACKUP"}


def test_version_and_password_are_changed(standing: Lab) -> None:
    version_2 = {"virtual_router_id": 77, "vrrp_version": 2}
    passwords: list[dict[str, str]] = [{"auth_pass": "first1"}, {"auth_pass": "second2"}, {}]
    for keepalived in passwords:
        with unnoticed(standing) as holders:
            up(standing, keepalived=version_2 | keepalived, failover={"preset": "tolerant"})
        assert holders.longest_s(0) < 0.3
        assert {state(standing, host) for host in (FIRST, SECOND)} == {"MASTER", "BACKUP"}
    # The password that is no more has no say in how the hosts find together after the next change.
    with unnoticed(standing):
        slower = {"preset": "tolerant", "advert_interval_ms": 2000}
        up(standing, keepalived=version_2, failover=slower)
    assert standing.ssh(FIRST, "ls /etc/keepalived").split().count("auth.conf") == 0
    with unnoticed(standing):
        up(standing, keepalived={"virtual_router_id": 52}, failover={})


def test_vrrp_is_changed_before_or_after_a_balancer_leaves_and_not_meanwhile(standing: Lab) -> None:
    def files() -> list[str]:
        """What keepalived has on those that stay; who is told is in another file."""
        paths = "/usr/local/lib/kube-apiserver-havip/vrrp-group /etc/keepalived/keepalived.conf"
        return [standing.ssh(host, f"cat {paths}") for host in (FIRST, SECOND)]

    kept, other = standing.configuration().get("keepalived", {}), {"virtual_router_id": 78}
    try:
        up(standing, balancers=[FIRST, SECOND, THIRD])
        before = files()
        with unnoticed(standing):
            standing.configure(keepalived=other, balancers=[FIRST, SECOND])
            refused = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0, said
        assert "-> 78) while a balancer leaves that still runs (10.0.0.13)" in said, said
        assert files() == before
        assert state(standing, THIRD) == "BACKUP"
        for step in ({"keepalived": kept}, {"keepalived": other}):
            with unnoticed(standing):
                up(standing, **step)
    finally:
        up(standing, keepalived=kept, balancers=[FIRST, SECOND])


def test_a_master_is_added_moved_to_another_address_and_removed(standing: Lab) -> None:
    three = masters(standing)
    with unnoticed(standing):
        up(standing, masters=[*three, {"name": FOURTH, "address": "10.0.0.14"}])
        eventually("it serves clients", lambda: serves(standing, FOURTH), within_s=60)
    with unnoticed(standing, cut=FOURTH):
        up(standing, masters=[*three, {"name": FOURTH, "address": "10.0.0.15"}])
        eventually("it serves clients there", lambda: serves(standing, FOURTH), within_s=60)
    with unnoticed(standing, cut=FOURTH):
        up(standing, masters=three)


def test_a_kube_apiserver_moves_to_another_port_and_back(standing: Lab) -> None:
    unit = "/etc/systemd/system/apiserver.service"
    for before, after in ((6443, 6444), (6444, 6443)):
        with unnoticed(standing, cut=THIRD):
            standing.ssh(THIRD, f"sed -i 's/ {before}$/ {after}/' {unit} && systemctl daemon-reload")
            standing.ssh(THIRD, "systemctl restart apiserver")
            assert not serves(standing, THIRD)
            moved = [one | ({"port": after} if one["name"] == THIRD else {}) for one in masters(standing)]
            up(standing, masters=moved)
            eventually("it serves clients there", lambda: serves(standing, THIRD), within_s=30)


def test_a_master_is_replaced_at_the_same_address(standing: Lab) -> None:
    [backup] = {FIRST, SECOND} - {standing.holder()}
    before = standing.hosts()[backup]["id"]
    instance = f"**Instance::k8s-standing-{backup}"
    with unnoticed(standing, cut=backup):
        done = standing.pulumi("up", "--yes", "--skip-preview", "--color=never", f"--replace={instance}")
        assert done.returncode == 0, done.stdout + done.stderr
    assert standing.hosts()[backup]["id"] != before
    assert state(standing, backup) == "BACKUP"


def test_another_balancer_is_planned_as_the_holder(standing: Lab) -> None:
    for order in ([SECOND, FIRST], [FIRST, SECOND]):
        with unnoticed(standing):
            up(standing, balancers=order)
        lines = [standing.ssh(host, "grep ' priority ' /etc/keepalived/keepalived.conf") for host in order]
        assert [int(line.split()[-1]) for line in lines] == [252, 251]


def test_the_stack_gets_another_name_and_its_own_back(standing: Lab) -> None:
    """Nothing is made anew for it: not the network, no master, not the HaVip."""
    own, before = standing.component, {host["id"] for host in standing.hosts().values()}
    try:
        standing.configure(name="other")
        other = standing.component
        refused = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0, said
        assert f"set formerName to {own}" in said
    finally:
        standing.configure(name="k8s")
    for name, former in (("other", own), ("k8s", other)):
        with unnoticed(standing):
            standing.configure(name=name, formerName=former)
            steps = json.loads(standing.engine.must("preview", "--json"))["steps"]
            assert {step["op"] for step in steps} == {"same", "update"}
            up(standing)
        assert {host["id"] for host in standing.hosts().values()} == before
    up(standing, formerName="")


def test_the_eip_is_taken_away_and_given_back(standing: Lab) -> None:
    with unnoticed(standing):
        up(standing, publicEndpoint="false")
    assert standing.outputs()["endpoint"] == f"https://{VIP}:16443"
    with unnoticed(standing):
        up(standing, publicEndpoint="true")
    assert standing.answers()


def test_the_packages_are_upgraded(standing: Lab) -> None:
    """HAProxy reloads into its new program; keepalived restarts while its peers wait."""
    names = [later_version(standing, (FIRST, SECOND), name) for name in ("haproxy", "keepalived")]
    with unnoticed(standing):
        up(standing, packages={"names": [*names, "socat", "curl"]})
    for host in (FIRST, SECOND):
        for service in ("haproxy", "keepalived"):
            runs = f"readlink /proc/$(systemctl show -p MainPID --value {service})/exe"
            assert standing.ssh(host, runs).strip() == f"/usr/sbin/{service}", (
                "the program that was replaced still runs"
            )
    with unnoticed(standing):
        up(standing, packages={})


def test_the_vip_is_changed(standing: Lab) -> None:
    other = "10.0.0.20"
    old = from_outside(standing)
    new = dataclasses.replace(old, address=other)
    public = from_anywhere(standing)
    holders = Holders(standing, other)
    try:
        with (
            Prober(old, rate=20).running() as before,
            Prober(new, rate=20).running() as after,
            Prober(public, rate=20).running() as through_eip,
            holders.watched(),
        ):
            up(standing, vip=other)
        last, first = max(before.answered()), min(after.answered())
        assert first - last < 1, f"for {first - last:.2f} s neither address answered"
        assert not after.since(first), after.report(first)
        answered = through_eip.answered()
        dark_s = max(later - earlier for earlier, later in pairwise(answered))
        assert dark_s < EIP_S, f"for {dark_s:.1f} s the EIP did not answer"
        assert last - max(one for one in answered if one <= last) < BUSY_S, "it led to the old one to its end"
        assert holders.longest_s(2) == 0, holders.moves()
        assert standing.answers(), "the EIP leads to the new one"
    finally:
        up(standing, vip=VIP)
    assert standing.answers()


def test_a_change_of_the_vip_that_failed_leaves_the_eip_and_is_completed_before_it_is_taken_back(
    standing: Lab,
) -> None:
    other = "10.0.0.20"
    standing.ssh(FIRST, "chattr +i /etc/keepalived/keepalived.conf")
    try:
        standing.configure(vip=other)
        failed = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
        assert failed.returncode != 0, failed.stdout + failed.stderr
        assert standing.answers(), "the EIP leads to the old one"
        standing.configure(vip=VIP)
        refused = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0, said
        assert f"vip = '{VIP}': havip-" in said
        assert f"say '{other}' again and `pulumi up` until it succeeds" in said
    finally:
        standing.ssh(FIRST, "chattr -i /etc/keepalived/keepalived.conf")
        up(standing, vip=other)
        up(standing, vip=VIP)
    assert standing.answers()


def test_a_standby_that_somebody_detached_is_named_and_attached_again(standing: Lab) -> None:
    standby = SECOND if standing.holder() == FIRST else FIRST
    attachment = f"{standing.outputs()['ha_vip_id']}:{standing.hosts()[standby]['id']}"
    Control(standing.settings).remove(CloudObject(ATTACHMENT, attachment, {}))
    [found] = standing.verified()[standing.component]["failures"]
    assert (found["layer"], found["said"].split()[0]) == ("cloud", standby)
    try:
        with unnoticed(standing):
            standing.configure(haproxy={"timeout_client": "11h"})
            failed = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
        said = " ".join((failed.stdout + failed.stderr).split())
        assert failed.returncode != 0, said
        named = re.search(rf"{standby} .* is not attached .*?`(pulumi refresh [^`]+)`", said)
        assert named, said
        standing.engine.must(*shlex.split(named[1])[1:])
    finally:
        up(standing, haproxy={})
    assert standing.verified()[standing.component]["holds"]


def test_a_check_that_no_kube_apiserver_passes_reaches_no_balancer(standing: Lab) -> None:
    def files() -> list[str]:
        return [standing.ssh(host, "cat /etc/haproxy/haproxy.cfg") for host in (FIRST, SECOND)]

    before = files()
    try:
        with unnoticed(standing):
            standing.configure(healthCheck={"path": "/redyz"})
            failed = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
        assert failed.returncode != 0
        said = failed.stdout + failed.stderr
        assert f"{SECOND}: HAProxy would find no kube-apiserver ready" in said, said
        assert "L7OKC 404" in said, "each server's check says why"
        assert f"This host keeps the one before it, and so do: {FIRST}" in said
        assert files() == before
    finally:
        up(standing, healthCheck={})
    assert files() == before


def test_a_rollout_that_fails_says_where_it_stands_and_the_next_completes_it(standing: Lab) -> None:
    # The second host of the order cannot take the change: its disk refuses the file.
    standing.ssh(FIRST, "chattr +i /etc/haproxy/haproxy.cfg")
    try:
        with unnoticed(standing):
            standing.configure(haproxy={"timeout_client": "11h"})
            failed = standing.pulumi("up", "--yes", "--skip-preview", "--color=never")
    finally:
        standing.ssh(FIRST, "chattr -i /etc/haproxy/haproxy.cfg")
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert f"The new configuration is on: {SECOND}" in said, said
    assert "This host keeps the one before it" in said
    with unnoticed(standing):
        up(standing)
    for host in (FIRST, SECOND):
        assert "11h" in standing.ssh(host, "grep 'timeout client ' /etc/haproxy/haproxy.cfg")
