"""What is noticed, by whom, how soon, and what becomes of requests and open streams meanwhile (``standard`` preset)."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from ipaddress import IPv4Interface

import pytest

from sandbox.faults.kinds import CutOff, Fault, Rebooted, ServiceHung, ServiceKilled, ServiceStopped, injected
from sandbox.names import HOST_LINK, host_namespace
from sandbox.network import namespaces
from tests.e2e import traffic
from tests.e2e.lab import Lab
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(600)]

BALANCERS = ("k8s-master01", "k8s-master02")
VICTIM = "k8s-master03"
"""A master with nothing but a kube-apiserver."""
BUSY_S = 1.5
"""What a busy machine adds to any promise: it runs every host, every client and other tests."""


@pytest.fixture(scope="module", autouse=True)
def stack(dev: Lab) -> Iterator[None]:
    """The dev stack is up."""
    up = dev.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    yield
    destroy = dev.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr


@pytest.fixture(autouse=True)
def whole(dev: Lab) -> None:
    """Every test begins with all of it healthy."""
    eventually("all is well", lambda: is_whole(dev), within_s=30)


def is_whole(dev: Lab) -> bool:
    """One holder, every HAProxy runs and sees every kube-apiserver, every keepalived takes part."""
    count = f"echo 'show stat' | socat stdio {SOCKET} | grep -c '^kube-apiserver,k8s.*,UP,'"
    look = f"{count}; systemctl is-active haproxy keepalived; cat /run/kube-apiserver-havip/vrrp-state"
    said = sorted(dev.ssh(host, look, check=False).split() for host in BALANCERS)
    return said == [["3", "active", "active", state] for state in ("BACKUP", "MASTER")]


SOCKET = "/run/kube-apiserver-havip/haproxy.sock"


@cache
def client(dev: Lab) -> traffic.Endpoint:
    """The VIP as somebody outside the vSwitch sees it."""
    return traffic.from_outside(dev)


@cache
def namespace(dev: Lab, name: str) -> str:
    """The network namespace of a host."""
    return host_namespace(dev.settings, dev.hosts()[name]["id"])


def holders(dev: Lab) -> list[str]:
    """Names of the hosts that have the VIP on their interface."""
    vip = IPv4Interface(client(dev).address)
    return [name for name in BALANCERS if vip in namespaces.addresses(namespace(dev, name), HOST_LINK)]


def answers(dev: Lab) -> bool:
    """Whether the endpoint answers now."""
    return traffic.answers(client(dev))


def roles(dev: Lab) -> tuple[str, str]:
    """The holder and the other one."""
    [holder] = holders(dev)
    return holder, next(name for name in BALANCERS if name != holder)


def fault(dev: Lab, kind: type[Fault], host: str, **more: str) -> AbstractContextManager[None]:
    """A fault of a host by name, healed when the block ends."""
    return injected(dev.settings, kind.model_validate({"host": dev.hosts()[host]["id"], **more}))


def signal(dev: Lab, host: str, name: str, whom: str) -> None:
    """Send HAProxy's ``master``, ``worker`` or ``both`` a signal, past everything that would notice."""
    master = "$(systemctl show -p MainPID --value haproxy)"
    pids = {"master": master, "worker": f"$(pgrep -P {master})", "both": f"{master} $(pgrep -P {master})"}
    dev.ssh(host, f"kill -{name} {pids[whom]}")


# --- HAProxy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", ["worker", "both"])
def test_a_hung_haproxy_loses_the_vip_and_comes_back_by_itself(dev: Lab, whom: str) -> None:
    holder, other = roles(dev)
    signal(dev, holder, "STOP", whom)
    budget = dev.outputs()["budget"]["process_hang"] / 1000
    eventually("the VIP moves", lambda: holders(dev) == [other], budget + BUSY_S)
    eventually("redundancy is back", lambda: is_whole(dev), within_s=10 + BUSY_S)
    time.sleep(2)  # whoever preempts does it within three adverts
    assert holders(dev) == [other], "the return moved the VIP"


def test_a_hung_haproxy_that_does_not_hold_the_vip_comes_back_too(dev: Lab) -> None:
    holder, other = roles(dev)
    with traffic.Prober(client(dev)).running() as prober:
        signal(dev, other, "STOP", "both")
        time.sleep(3)  # until it has been noticed
        eventually("redundancy is back", lambda: is_whole(dev), within_s=10 + BUSY_S)
    assert not prober.failures, prober.report()
    assert holders(dev) == [holder]


def test_when_every_haproxy_hangs_the_endpoint_comes_back_by_itself(dev: Lab) -> None:
    holder, other = roles(dev)
    for host in (other, holder):
        signal(dev, host, "STOP", "both")
    assert not answers(dev)
    eventually("the endpoint answers", lambda: answers(dev), within_s=10 + BUSY_S)
    eventually("redundancy is back", lambda: is_whole(dev), within_s=10 + BUSY_S)


def test_a_reload_that_a_hung_master_process_ignores_is_a_failed_one(dev: Lab) -> None:
    _, other = roles(dev)
    signal(dev, other, "STOP", "master")
    reload = dev.ssh(
        other, "systemctl reload haproxy 2>&1 || echo failed; journalctl -u haproxy -n 20", check=False
    )
    assert "failed" in reload
    assert "no new worker" in reload
    # Nor does it keep a restart waiting.
    dev.ssh(other, "timeout 10 systemctl restart haproxy")


def test_a_holder_keeps_the_vip_while_no_peer_answers_and_gives_it_to_the_first_that_does(dev: Lab) -> None:
    holder, other = roles(dev)
    dev.ssh(other, "systemctl stop haproxy")
    with fault(dev, ServiceStopped, holder, service="haproxy"):
        for _ in range(20):
            assert holders(dev) == [holder]
            time.sleep(0.1)
        dev.ssh(other, "systemctl start haproxy")
        took = eventually("the endpoint answers", lambda: answers(dev), within_s=1 + BUSY_S)
        assert holders(dev) == [other], took


def test_streams_outlive_reloads_and_none_of_them_costs_a_request(dev: Lab) -> None:
    holder, _ = roles(dev)
    with traffic.Streams(client(dev), 9) as streams:
        for service in ("none", "apiserver"):
            with traffic.Prober(client(dev)).running() as prober:
                for _ in range(3):
                    dev.ssh(holder, "systemctl reload haproxy")
                    time.sleep(0.5)
            assert not prober.failures, prober.report()
            if service == "none":
                # Once more, with a dead backend: it must stay dead in each new worker.
                assert streams.lost() == []
                dev.ssh(VICTIM, "systemctl stop apiserver")
                time.sleep(2)
        dev.ssh(VICTIM, "systemctl start apiserver")
        assert set(streams.lost()) == {VICTIM}


def test_haproxy_is_unprivileged_confined_and_has_descriptors_enough(dev: Lab) -> None:
    script = f"""
        worker=$(pgrep -P $(systemctl show -p MainPID --value haproxy))
        stat -c %U /proc/$worker; readlink /proc/$worker/root
        awk '/open files/ {{ print $4, $5 }}' /proc/$worker/limits
        echo 'show info' | socat stdio {SOCKET} | awk -F': ' '/^Maxconn/ {{ print $2 }}'
    """
    user, root, limit, permitted, maxconn = dev.ssh(BALANCERS[0], script).split()
    assert (user, root) == ("haproxy", "/var/lib/haproxy")
    assert int(limit) > 2 * int(maxconn)
    # As many as the machine that tests run on permits, without a word in the configuration.
    assert int(maxconn) == (int(permitted) - 1000) // 2


# --- keepalived --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "within_s"), [(ServiceKilled, 2.0), (ServiceHung, 5.0)])
def test_a_keepalived_that_dies_or_hangs_leaves_one_holder(
    dev: Lab, kind: type[Fault], within_s: float
) -> None:
    holder, _ = roles(dev)
    with fault(dev, kind, holder, service="keepalived"):
        time.sleep(0.8)  # three adverts: by then the other one has it, too
        eventually("one holder", lambda: len(holders(dev)) == 1, within_s - 0.8 + BUSY_S)
        eventually("redundancy is back", lambda: is_whole(dev), within_s=10)


def test_after_a_boot_nobody_has_the_vip_before_haproxy_answers(dev: Lab) -> None:
    holder, other = roles(dev)
    dev.ssh(holder, "systemctl disable haproxy")
    dev.ssh(other, "systemctl stop keepalived")
    try:
        with fault(dev, Rebooted, holder):
            up = "systemctl is-active keepalived"
            eventually("boot", lambda: dev.ssh(holder, up, check=False).strip() == "active", within_s=60)
            time.sleep(2)
            assert holders(dev) == []
            dev.ssh(holder, "systemctl enable --now haproxy")
            eventually("the VIP is back", lambda: holders(dev) == [holder], within_s=1 + BUSY_S)
    finally:
        dev.ssh(holder, "systemctl enable --now haproxy")
        dev.ssh(other, "systemctl start keepalived")


# --- kube-apiservers ---------------------------------------------------------------------------------------

SAYS_NO = ("touch /run/apiserver/not-ready", "rm /run/apiserver/not-ready")
IS_SLOW = ("echo 8 >/run/apiserver/slow", "rm /run/apiserver/slow")


@pytest.mark.parametrize(("begin", "end"), [SAYS_NO, IS_SLOW], ids=["not ready", "slow"])
def test_an_apiserver_that_answers_whatever_it_says_keeps_its_streams(dev: Lab, begin: str, end: str) -> None:
    with traffic.Streams(client(dev), 9) as streams, traffic.Prober(client(dev)).running() as prober:
        assert VICTIM in {stream.server for stream in streams.open}
        dev.ssh(VICTIM, begin)
        try:
            time.sleep(12 if "slow" in begin else 3)
            settled = time.monotonic() - 1
            assert streams.lost() == []
        finally:
            dev.ssh(VICTIM, end)
    assert not prober.failures, prober.report()
    asked = {request.server for request in prober.requests if request.start > settled}
    assert (VICTIM in asked) == ("slow" in begin), (
        "who is not ready gets no new connections, who is slow does"
    )


@pytest.mark.parametrize(
    ("kind", "more", "none_after_s"),
    [
        (ServiceStopped, {"service": "apiserver"}, 0.0),
        (ServiceHung, {"service": "apiserver"}, 4.0),
        (CutOff, {}, 4.0),
    ],
    ids=["refused", "hung", "cut off"],
)
def test_an_apiserver_that_is_gone_has_its_streams_cut(
    dev: Lab, kind: type[Fault], more: dict[str, str], none_after_s: float
) -> None:
    with traffic.Streams(client(dev), 9) as streams, traffic.Prober(client(dev)).running() as prober:
        on_it = [stream.server for stream in streams.open if stream.server == VICTIM]
        before = time.monotonic()
        with fault(dev, kind, VICTIM, **more):
            # One that is stopped in order must cost nothing at all. Until when others may is counted from the fault,
            # not from the command that brings it about: that takes its time on a busy machine.
            began = time.monotonic() if none_after_s else before
            eventually("its streams are cut", lambda: streams.closed() == on_it, within_s=5 + BUSY_S)
            time.sleep(max(0.0, began + none_after_s + 1 - time.monotonic()))
            assert streams.lost() == on_it, "others were cut as well"
    assert on_it
    assert not prober.since(began + none_after_s), prober.report(began)
