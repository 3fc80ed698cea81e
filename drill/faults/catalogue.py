"""Every fault of the drill, with what the component promises for it."""

from collections.abc import Iterable

from drill.errors import DrillError
from drill.faults import changes, injections
from drill.faults.fault import NOTHING_FAILS, Fault, Who, nothing
from drill.faults.injections import APISERVER, machine, service
from drill.faults.needs import (
    DRAINS,
    NOTICES_NOT_READY,
    ONE_APART,
    ONE_ELSEWHERE,
    OUR_PROGRAM,
    able,
    apiservers,
    balancers_with,
)

_HAPROXY = "process_death"
_LAST_HAPROXY = "last_process_death"
_HOST = "host_loss"
_HANDOVER = "handover"
"""A holder that leaves in order says so: nobody has to miss its adverts first."""
_ITS_APISERVER = "backend_loss"
"""A balancer that vanishes takes the apiserver beside it along: the VIP has moved before its peers notice that."""
_BACK = "two_holders_return"
"""A holder that others were deaf to has the VIP beside its successor until it hears that one."""
_CUT_OFF = able("cut_off", "hosts that can be cut off the network ([below](#on-a-real-cloud))")

_ALL = (
    Fault("nothing", "nothing at all: what the drill itself costs", nothing, NOTHING_FAILS, hold_s=5),
    Fault(
        "two-minutes-idle",
        "nothing at all for two minutes: streams that say nothing are used again",
        nothing,
        NOTHING_FAILS,
        hold_s=120,
    ),
    # --- HAProxy -----------------------------------------------------------------------------------------------
    Fault(
        "haproxy-stopped",
        "HAProxy stopped on the holder",
        service("stop", "haproxy", Who.HOLDER),
        _HAPROXY,
        path="vip",
        hold_s=10,
    ),
    Fault(
        "haproxy-killed",
        "HAProxy killed on the holder",
        service("kill", "haproxy", Who.HOLDER),
        _HAPROXY,
        path="vip",
        whole_from="inject",
    ),
    Fault(
        "haproxy-hung",
        "HAProxy hung on the holder",
        service("hang", "haproxy", Who.HOLDER),
        "process_hang",
        path="vip",
        hold_s=8,
    ),
    Fault(
        "survivor-haproxy-stopped",
        "HAProxy stopped on the holder while the peer's is down, then back",
        service("stop", "haproxy", Who.HOLDER),
        "process_return",
        prepare=service("stop", "haproxy", Who.PEERS),
        must_be_whole=False,
        path="vip",
        anchor="heal",
        hold_s=4,
        sandbox_only=True,
    ),
    Fault(
        "survivor-haproxy-killed",
        "HAProxy killed on the holder while the peer's is down",
        service("kill", "haproxy", Who.HOLDER),
        _LAST_HAPROXY,
        prepare=service("stop", "haproxy", Who.PEERS),
        must_be_whole=False,
        path="vip",
        sandbox_only=True,
    ),
    Fault(
        "survivor-haproxy-hung",
        "HAProxy hung on the holder while the peer's is down",
        service("hang", "haproxy", Who.HOLDER),
        "last_process_hang",
        prepare=service("stop", "haproxy", Who.PEERS),
        must_be_whole=False,
        path="vip",
        hold_s=10,
        sandbox_only=True,
    ),
    Fault(
        "both-haproxy-stopped",
        "HAProxy stopped on every balancer, then back",
        service("stop", "haproxy", Who.BALANCERS),
        "process_return",
        path="vip",
        anchor="heal",
        hold_s=4,
        sandbox_only=True,
    ),
    Fault(
        "both-haproxy-killed",
        "HAProxy killed on every balancer at once",
        service("kill", "haproxy", Who.BALANCERS),
        _LAST_HAPROXY,
        path="vip",
        whole_from="inject",
        sandbox_only=True,
    ),
    Fault(
        "both-haproxy-hung",
        "HAProxy hung on every balancer; each is killed and started anew",
        service("hang", "haproxy", Who.BALANCERS),
        "last_process_hang",
        path="vip",
        hold_s=10,
        sandbox_only=True,
    ),
    # --- keepalived --------------------------------------------------------------------------------------------
    Fault(
        "keepalived-stopped",
        "keepalived stopped on the holder",
        service("stop", "keepalived", Who.HOLDER),
        _HANDOVER,
        path="vip",
    ),
    Fault(
        "keepalived-killed",
        "keepalived killed on the holder",
        service("kill", "keepalived", Who.HOLDER),
        _HOST,
        path="vip",
        whole_from="inject",
    ),
    Fault(
        "keepalived-hung",
        "keepalived hung on the holder",
        service("hang", "keepalived", Who.HOLDER),
        _HOST,
        two_holders="two_holders_hang",
        path="vip",
        hold_s=10,
    ),
    # --- the holder's host ---------------------------------------------------------------------------------------
    Fault(
        "holder-killed",
        "power of the holder cut",
        machine("off", Who.HOLDER),
        _HOST,
        _ITS_APISERVER,
        path="vip",
        silences=Who.HOLDER,
        hold_s=8,
        whole_limit_s=60,
        sandbox_only=True,
        needs=(ONE_ELSEWHERE,),
    ),
    Fault(
        "holder-frozen",
        "the holder frozen",
        machine("frozen", Who.HOLDER),
        _HOST,
        _ITS_APISERVER,
        two_holders=_BACK,
        path="vip",
        silences=Who.HOLDER,
        hold_s=8,
        whole_limit_s=30,
        sandbox_only=True,
        needs=(ONE_ELSEWHERE,),
    ),
    Fault(
        "holder-rebooted",
        "the holder rebooted in order",
        machine("rebooted", Who.HOLDER),
        _HANDOVER,
        _ITS_APISERVER,
        path="vip",
        silences=Who.HOLDER,
        hold_s=2,
        whole_from="inject",
        whole_limit_s=60,
        boots=True,
        needs=(ONE_ELSEWHERE,),
    ),
    Fault(
        "holder-cut-off",
        "the holder cut off the network",
        machine("cut_off", Who.HOLDER),
        _HOST,
        _ITS_APISERVER,
        two_holders=_BACK,
        path="vip",
        silences=Who.HOLDER,
        hold_s=8,
        whole_limit_s=30,
        needs=(ONE_ELSEWHERE, _CUT_OFF),
    ),
    Fault(
        "holder-partitioned",
        "the holder and its peers do not reach each other, everybody else reaches all",
        machine("partitioned", Who.HOLDER),
        _HOST,
        two_holders=_BACK,
        path="vip",
        parts=True,  # two have no majority
        hold_s=8,
        sandbox_only=True,
    ),
    Fault(
        "host-returns",
        "the repaired former holder comes back",
        injections.host_returns,
        NOTHING_FAILS,
        prepare=injections.holder_gone,
        silences=Who.HOLDER,
        hold_s=6,
        returns=True,
        tail_s=8,
        whole_from="inject",
        whole_limit_s=60,
        sandbox_only=True,
        needs=(ONE_ELSEWHERE,),
    ),
    # These two are promised nothing: what counts is that redundancy comes back by itself.
    Fault(
        "both-rebooted",
        "every balancer rebooted in order at once",
        machine("rebooted", Who.BALANCERS),
        path="vip",
        silences=Who.BALANCERS,
        hold_s=1,
        whole_from="inject",
        whole_limit_s=90,
        boots=True,
        sandbox_only=True,
    ),
    Fault(
        "both-power-cut",
        "every balancer switched off and on at once",
        machine("off", Who.BALANCERS),
        path="vip",
        silences=Who.BALANCERS,
        anchor="heal",
        hold_s=1,
        whole_limit_s=90,
        sandbox_only=True,
    ),
    # --- kube-apiservers -----------------------------------------------------------------------------------------
    Fault(
        "apiserver-killed",
        "one of the apiservers killed, for 20 s",
        service("kill", APISERVER, Who.VICTIM, stays_dead=True),
        NOTHING_FAILS,
        path=Who.VICTIM,
        hold_s=20,
        sandbox_only=True,
        needs=(apiservers(2),),
    ),
    Fault(
        "apiserver-hung",
        "one of the apiservers hung",
        service("hang", APISERVER, Who.VICTIM),
        "backend_hang",
        path=Who.VICTIM,
        cuts=True,
        hold_s=20,
        sandbox_only=True,
        needs=(apiservers(2),),
    ),
    Fault(
        "apiserver-not-ready",
        "one of the apiservers not ready, for 8 s",
        injections.not_ready,
        NOTHING_FAILS,
        hold_s=8,
        sandbox_only=True,
        needs=(apiservers(2), NOTICES_NOT_READY, DRAINS),
    ),
    Fault(
        "apiserver-draining",
        "one of the apiservers ended in order, for 10 s",
        injections.draining,
        NOTHING_FAILS,
        path=Who.VICTIM,
        hold_s=10,
        sandbox_only=True,
        needs=(apiservers(2),),
    ),
    Fault(
        "apiserver-cut-off",
        "the host of one apiserver cut off the network",
        machine("cut_off", Who.VICTIM),
        "backend_loss",
        path=Who.VICTIM,
        cuts=True,
        silences=Who.VICTIM,
        hold_s=15,
        needs=(apiservers(2), ONE_APART, _CUT_OFF),
    ),
    Fault(
        "apiservers-two-killed",
        "two of the apiservers killed",
        service("kill", APISERVER, Who.TWO_VICTIMS, stays_dead=True),
        "backends_death",
        path=Who.TWO_VICTIMS,
        hold_s=8,
        sandbox_only=True,
        needs=(apiservers(3),),
    ),
    Fault(
        "apiservers-all-killed",
        "all apiservers killed, for 5 s, then back",
        service("kill", APISERVER, Who.BACKENDS, stays_dead=True),
        "backend_return",
        path=Who.BACKENDS,
        anchor="heal",
        hold_s=5,
        sandbox_only=True,
    ),
    Fault(
        "apiservers-fewer-and-fewer",
        "two of the apiservers killed, then all, then back",
        injections.fewer_and_fewer,
        "backend_return",
        path=Who.BACKENDS,
        anchor="heal",
        hold_s=5,
        sandbox_only=True,
        needs=(apiservers(3),),
    ),
    # --- changes -------------------------------------------------------------------------------------------------
    Fault(
        "reload-storm",
        "HAProxy reloaded twenty times on every balancer, one apiserver hanging",
        injections.reload_storm,
        NOTHING_FAILS,
        prepare=injections.apiserver_gone,
        must_be_whole=False,
        hold_s=3,
        sandbox_only=True,
        needs=(apiservers(2),),
    ),
    Fault(
        "change-timer",
        "a timeout changed through pulumi up, and changed back",
        changes.changed({"haproxy.timeout_client": "11h"}, {"haproxy.timeout_client": "10h"}),
        NOTHING_FAILS,
        prepare=changes.applied(),
        hold_s=2,
        needs=(OUR_PROGRAM,),
    ),
    Fault(
        "change-preset",
        "the preset changed through pulumi up, and changed back",
        changes.changed({"failover.preset": "tolerant"}, {"failover.preset": "standard"}),
        NOTHING_FAILS,
        prepare=changes.applied(),
        hold_s=2,
        needs=(OUR_PROGRAM,),
    ),
    Fault(
        "change-monitor-port",
        "the monitor's port changed through pulumi up, and changed back",
        changes.changed({"monitorPort": "33306"}, {"monitorPort": "33307"}),
        NOTHING_FAILS,
        prepare=changes.applied(),
        hold_s=2,
        needs=(OUR_PROGRAM,),
    ),
    Fault(
        "change-port",
        "the endpoint's port changed through pulumi up, the old one kept beside it, and changed back",
        changes.other_port,
        NOTHING_FAILS,
        prepare=changes.applied(),
        hold_s=2,
        needs=(OUR_PROGRAM,),
    ),
    Fault(
        "change-password",
        "the VRRP password changed through pulumi up (VRRP version 2)",
        changes.changed({"keepalived.auth_pass": "second"}),
        NOTHING_FAILS,
        prepare=changes.applied(
            changes.changed(
                {
                    "keepalived.vrrp_version": "2",
                    "keepalived.auth_pass": "first",
                    "failover.advert_interval_ms": "1000",
                }
            )
        ),
        hold_s=2,
        needs=(OUR_PROGRAM,),
    ),
    Fault(
        "change-ssh-key",
        "the key by which the hosts are reached replaced through pulumi up",
        changes.other_key,
        NOTHING_FAILS,
        prepare=changes.applied(),
        hold_s=2,
        sandbox_only=True,
        needs=(OUR_PROGRAM,),
    ),
    Fault(
        "change-packages",
        "haproxy and keepalived upgraded through pulumi up",
        changes.newest_packages,
        NOTHING_FAILS,
        prepare=changes.applied(changes.later_packages_offered),
        hold_s=2,
        sandbox_only=True,
        needs=(OUR_PROGRAM, balancers_with("apt-get")),
    ),
    Fault(
        "packages-installed-anew",
        "haproxy and keepalived installed anew on the holder, as an upgrade of the distribution does it",
        changes.packages,
        _HAPROXY,
        path="vip",
        hold_s=2,
        needs=(balancers_with("apt-get"),),
    ),
)

CATALOGUE = {fault.name: fault for fault in _ALL}

CHANGED = frozenset[str]().union(
    *(one.keys for fault in _ALL for one in (fault.prepare, fault.inject) if isinstance(one, changes.Change))
)
"""Keys of this project's configuration that faults change."""

SHORT = (
    "nothing",
    "haproxy-stopped",
    "haproxy-killed",
    "haproxy-hung",
    "keepalived-killed",
    "holder-cut-off",
    "host-returns",
    "apiserver-killed",
    "apiserver-hung",
    "apiserver-not-ready",
    "reload-storm",
)
"""What ``make drill`` injects."""

SIDE_BY_SIDE = (
    "haproxy-stopped",
    "haproxy-killed",
    "holder-cut-off",
    "host-returns",
    "apiserver-killed",
    "apiserver-hung",
)
"""What is measured for other configurations too."""


def named(names: Iterable[str]) -> list[Fault]:
    """Return the faults of these names, each once. Raises :class:`DrillError` naming the ones there are."""
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in CATALOGUE:
            raise DrillError(f"fault {name!r}: there is none of that name; there are: {', '.join(CATALOGUE)}")
    return [CATALOGUE[name] for name in wanted]
