"""Rules on ports, timers and numbers of HAProxy and keepalived; part of `members.violations`."""

from collections.abc import Iterator

from components.enums import NotReady, VrrpState
from components.planning import connections
from components.planning.durations import is_duration, is_seconds, milliseconds
from components.planning.failover import VRRP2, VRRP3
from components.planning.plan import Plan
from components.rules.violations import Violation, not_a_port

_ADVERTS_MS = {VRRP2: range(1_000, 255_001, 1_000), VRRP3: range(10, 40_951, 10)}
"""Whole seconds in one byte (RFC 3768 5.3.7), or centiseconds in twelve bits (RFC 5798 5.2.7)."""
_SECONDS = ("tcp_keepalive_idle", "tcp_keepalive_interval")
_MOST_SECONDS = 32_767
"""What Linux takes (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL)."""
_ADVERT = ("keepalived.vrrp_version", "failover.preset")


def violations(plan: Plan) -> Iterator[Violation]:
    """All violations in what the two services are told."""
    yield from _ports(plan)
    yield from _durations(plan)
    yield from _ranges(plan)
    yield from _haproxy(plan)
    yield from _vrrp(plan)


def _ports(plan: Plan) -> Iterator[Violation]:
    settings = plan.settings
    own = [("port", settings.port)]
    own += [(f"additional_ports[{i}]", port) for i, port in enumerate(settings.additional_ports)]
    ports = [*own, ("monitor_port", settings.monitor_port)]
    ports += [(f"backends[{i}].port", backend.port) for i, backend in enumerate(settings.backends)]
    for where, port in ports:
        yield from not_a_port(where, port)
    for where, port in own:
        if port == settings.monitor_port:
            rule = f"is also {'the' if where == 'port' else 'a'} port of the endpoint"
            yield Violation("monitor_port", port, rule, "give the monitor its own port", (where,))
    for where, port in own:
        first = next(other for other, known in own if known == port)
        if where != first:
            rule = f"is already the endpoint's ({first})"
            yield Violation(where, port, rule, "keep it once", (first,))
    balancers = {balancer.address: balancer.name for balancer in settings.balancers if balancer.address}
    for index, backend in enumerate(settings.backends):
        for where, port in (*own, ("monitor_port", settings.monitor_port)):
            if backend.address in balancers and backend.port == port:
                rule = f"is already what kube-apiserver (backends[{index}]) listens on at {backend.address}"
                depends = (f"backends[{index}].port", "backend_port")
                yield Violation(where, port, rule, "HAProxy shares that host: use another port", depends)


def _durations(plan: Plan) -> Iterator[Violation]:
    haproxy = plan.settings.haproxy
    values = {f"haproxy.{key}": value for key, value in vars(haproxy).items() if key.startswith("timeout_")}
    for key in ("stats_timeout", "hard_stop_after", "inspect_delay", "slowstart", *_SECONDS):
        values[f"haproxy.{key}"] = getattr(haproxy, key)
    for key, value in vars(plan.timers).items():
        if isinstance(value, str):
            values[f"failover.{key}"] = value
    for where, value in values.items():
        if value and not is_duration(value):
            rule = "is not a duration of HAProxy's"
            yield Violation(where, value, rule, "write it such as 500ms, 5s or 1h, at most 24 days")
        elif value and where.rpartition(".")[2] in _SECONDS and not is_seconds(value, _MOST_SECONDS):
            # Without a unit it would be seconds there, and milliseconds everywhere else.
            rule = f"is not 1 to {_MOST_SECONDS} whole seconds, in which TCP keepalive is counted"
            yield Violation(where, value, rule, "write it with its unit, such as 30s or 5m")
        elif value and where.startswith("failover.") and milliseconds(value) < 1:
            yield Violation(where, value, "is no time at all", "use 1ms or more")


def _ranges(plan: Plan) -> Iterator[Violation]:
    settings, timers = plan.settings, plan.timers
    limits = [
        ("failover.check_fall", timers.check_fall, 1, 255),
        ("failover.check_rise", timers.check_rise, 1, 255),
        ("failover.probe_interval_s", timers.probe_interval_s, 1, 3600),
        ("failover.probe_tries", timers.probe_tries, 1, 20),
        ("failover.probe_timeout_ms", timers.probe_timeout_ms, 10, 60_000),
        ("failover.probe_delay_ms", timers.probe_delay_ms, 0, 60_000),
        ("failover.probe_fall", timers.probe_fall, 1, 255),
        ("failover.probe_rise", timers.probe_rise, 1, 255),
        ("failover.peer_timeout_ms", timers.peer_timeout_ms, 10, 10_000),
        ("failover.restart_after_s", timers.restart_after_s, 0, 3600),
        ("haproxy.maxconn", settings.haproxy.maxconn or connections.MINIMUM, connections.MINIMUM, 1_000_000),
        ("haproxy.ulimit_n", settings.haproxy.ulimit_n, 0, 10_000_000),
        ("haproxy.tcp_keepalive_count", settings.haproxy.tcp_keepalive_count, 1, 127),
        ("haproxy.retries", settings.haproxy.retries, 0, 100),
        ("haproxy.server_maxconn", settings.haproxy.server_maxconn, 0, 1_000_000),
        ("haproxy.server_maxqueue", settings.haproxy.server_maxqueue, 0, 1_000_000),
        ("haproxy.server_weight", settings.haproxy.server_weight, 0, 256),
        ("keepalived.check_weight", settings.keepalived.check_weight, -253, 253),
        ("keepalived.garp_master_delay_s", settings.keepalived.garp_master_delay_s, 0, 3600),
        ("keepalived.garp_master_repeat", settings.keepalived.garp_master_repeat, 1, 100),
        ("keepalived.garp_master_refresh_s", settings.keepalived.garp_master_refresh_s, 0, 3600),
        ("keepalived.virtual_router_id", plan.router_id, 1, 255),
        ("verify_timeout_s", settings.verify_timeout_s, 1, 3600),
        ("packages.timeout_s", settings.packages.timeout_s, 10, 3600),
    ]
    limits += [
        (f"balancers[{index}].priority", balancer.priority, 1, 254)
        for index, balancer in enumerate(plan.balancers)
    ]
    for where, value, lowest, highest in limits:
        if not lowest <= value <= highest:
            yield Violation(where, value, "is out of range", f"use {lowest} to {highest}")


def _haproxy(plan: Plan) -> Iterator[Violation]:
    haproxy, drains = plan.settings.haproxy, plan.settings.health_check.not_ready is NotReady.DRAIN
    if plan.timers.check_fall == 1 and drains and haproxy.stats_socket:
        # With a fall of 1 HAProxy has no state between up and down to restore (server_state.c).
        rule = "makes a reload treat a not-ready kube-apiserver as dead and cut its streams"
        remedy = "use 2 or more, or health_check.not_ready down"
        yield Violation(
            "failover.check_fall", 1, rule, remedy, ("health_check.not_ready", "haproxy.stats_socket")
        )
    need = connections.fewest_descriptors(haproxy)
    if 0 < haproxy.ulimit_n < need:
        rule = f"is too few file descriptors for haproxy.maxconn {haproxy.maxconn}: HAProxy would not start"
        remedy = f"use at least {need}, or leave it out"
        yield Violation("haproxy.ulimit_n", haproxy.ulimit_n, rule, remedy, ("haproxy.maxconn",))


def _vrrp(plan: Plan) -> Iterator[Violation]:
    keepalived, advert = plan.settings.keepalived, plan.timers.advert_interval_ms
    if keepalived.vrrp_version not in _ADVERTS_MS:
        yield Violation(
            "keepalived.vrrp_version", keepalived.vrrp_version, "is no version of VRRP", "use 2 or 3"
        )
    elif advert not in _ADVERTS_MS[keepalived.vrrp_version] and keepalived.vrrp_version == VRRP2:
        rule = "VRRP version 2 counts whole seconds, 1 to 255"
        remedy = "use whole thousands, such as 1000 or 2000, or vrrp_version 3"
        yield Violation("failover.advert_interval_ms", advert, rule, remedy, _ADVERT)
    elif advert not in _ADVERTS_MS[keepalived.vrrp_version]:
        rule = "VRRP version 3 counts hundredths of a second, 10 to 40950 ms"
        remedy = "use a multiple of 10 in that range"
        yield Violation("failover.advert_interval_ms", advert, rule, remedy, _ADVERT)
    if keepalived.auth and keepalived.vrrp_version != VRRP2:
        rule = "VRRP version 3 has no authentication"
        remedy = "leave it out, or use vrrp_version 2"
        yield Violation("keepalived.auth_pass", "[secret]", rule, remedy, ("keepalived.vrrp_version",))
    for index, balancer in enumerate(plan.balancers):
        if balancer.state is VrrpState.MASTER and keepalived.nopreempt:
            rule = "keepalived ignores nopreempt in state MASTER"
            remedy = "use BACKUP, or keepalived.nopreempt false"
            yield Violation(f"balancers[{index}].state", "MASTER", rule, remedy, ("keepalived.nopreempt",))
    ranks = [balancer.priority for balancer in plan.balancers] or [0]
    apart = max(ranks) - min(ranks)
    if keepalived.check_weight and not keepalived.nopreempt and abs(keepalived.check_weight) <= apart:
        rule = f"never moves the VIP: the balancers' priorities are up to {apart} apart"
        remedy = f"use 0, or at least {apart + 1} in size"
        every = (f"balancers[{index}].priority" for index in range(len(plan.balancers)))
        depends = (*every, "keepalived.nopreempt")
        yield Violation("keepalived.check_weight", keepalived.check_weight, rule, remedy, depends)
    if keepalived.check_weight and keepalived.nopreempt:
        rule = "with nopreempt a weighted check never moves the VIP"
        yield Violation(
            "keepalived.check_weight",
            keepalived.check_weight,
            rule,
            "use 0, or nopreempt false",
            ("keepalived.nopreempt",),
        )
