"""Every rule: a broken one is named with its place, a kept one is not mentioned."""

import re
from typing import Any

import pytest

from components.enums import Preset
from components.planning import failover, plan
from components.planning.settings import Failover, Settings
from components.rules import identity, members, reader
from tests.unit.components import examples

pytestmark = pytest.mark.unit


def balancers(*addresses: str, **more: object) -> dict[str, Any]:
    return {"balancers": [{"name": f"m{n}", "address": a, **more} for n, a in enumerate(addresses)]}


BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("one balancer", balancers("10.0.0.11"), "balancers", "at least 2"),
    ("eleven balancers", balancers(*[f"10.0.0.{n}" for n in range(20, 31)]), "balancers", "at most 10"),
    ("no backend", {"backends": []}, "backends", "at least one"),
    ("wrong address", balancers("10.0.0.11", "10.0.0.256"), "balancers[1].address", "not an IPv4"),
    ("no address", balancers("10.0.0.11", ""), "balancers[1].address", "not an IPv4"),
    ("loopback", balancers("10.0.0.11", "127.0.0.1"), "balancers[1].address", "not an address of a host"),
    ("one address twice", balancers("10.0.0.11", "10.0.0.11"), "balancers[1].address", "balancers[0]"),
    (
        "one name, two hosts",
        {"backends": [{"name": "k8s-master02", "address": "10.0.0.13"}]},
        "backends[0].address",
        "is not that of balancers[1], which has the same name",
    ),
    ("outside", balancers("10.0.0.11", "10.0.1.12"), "balancers[1].address", "outside the vSwitch"),
    ("VIP outside", {"vip": "10.0.1.10"}, "vip", "outside the vSwitch"),
    ("VIP is the network's", {"vip": "10.0.0.0"}, "vip", "reserved"),
    ("VIP is the gateway's", {"vip": "10.0.0.253"}, "vip", "reserved"),
    ("VIP is a host's", {"vip": "10.0.0.12"}, "vip", "balancers[1]"),
    ("VIP is a backend's", {"vip": "10.0.0.13"}, "vip", "backends[2]"),
    ("VIP is no address", {"vip": "ten"}, "vip", "not an IPv4"),
    ("no network", {"vswitch_cidr": "fd00::/64"}, "vswitch_cidr", "not an IPv4 network"),
    ("host bits", {"vswitch_cidr": "10.0.0.1/24"}, "vswitch_cidr", "not how the network"),
    ("no prefix", {"vswitch_cidr": "10.0.0.0"}, "vswitch_cidr", "not how the network"),
    ("ports clash", {"monitor_port": 16443}, "monitor_port", "also the port of the endpoint"),
    ("apiserver's port", {"port": 6443}, "port", "kube-apiserver"),
    ("observers", {"haproxy": {"observer_cidrs": ["all"]}}, "haproxy.observer_cidrs[0]", "not a network"),
    ("stats are the monitor", {"haproxy": {"stats_uri": "/monitor"}}, "haproxy.stats_uri", "monitor_uri"),
    ("stats are the metrics", {"haproxy": {"stats_uri": "/metrics"}}, "haproxy.stats_uri", "haproxy.metrics"),
    ("monitor is the metrics", {"haproxy": {"monitor_uri": "/metrics"}}, "haproxy.monitor_uri", "metrics"),
    ("hook", {"keepalived": {"notify_script": "on-vrrp"}}, "keepalived.notify_script", "absolute path"),
    (
        "directory",
        {"keepalived": {"textfile_directory": "metrics"}},
        "keepalived.textfile_directory",
        "absolute",
    ),
    ("another port", {"additional_ports": [0]}, "additional_ports[0]", "not a TCP port"),
    (
        "the same port",
        {"additional_ports": [443, 16443]},
        "additional_ports[1]",
        "already the endpoint's (port)",
    ),
    ("another port twice", {"additional_ports": [443, 443]}, "additional_ports[1]", "(additional_ports[0])"),
    ("another port is the monitor's", {"additional_ports": [33305]}, "monitor_port", "also a port"),
    ("another port is apiserver's", {"additional_ports": [6443]}, "additional_ports[0]", "kube-apiserver"),
    ("monitor takes apiserver's", {"monitor_port": 6443}, "monitor_port", "kube-apiserver"),
    ("one check", {"failover": {"check_fall": 1}}, "failover.check_fall", "cut its streams"),
    ("equal priority", balancers("10.0.0.11", "10.0.0.12", priority=9), "balancers[1].priority", "already"),
    ("v2 advert", {"keepalived": {"vrrp_version": 2}}, "failover.advert_interval_ms", "whole seconds"),
    (
        "v2 advert of no whole second",
        {"keepalived": {"vrrp_version": 2}, "failover": {"advert_interval_ms": 1500}},
        "failover.advert_interval_ms",
        "whole seconds",
    ),
    ("v3 advert", {"failover": {"advert_interval_ms": 15}}, "failover.advert_interval_ms", "hundredths"),
    ("v3 password", {"keepalived": {"auth": True}}, "keepalived.auth_pass", "no authentication"),
    ("version", {"keepalived": {"vrrp_version": 4}}, "keepalived.vrrp_version", "no version"),
    (
        "MASTER and nopreempt",
        balancers("10.0.0.11", "10.0.0.12", state="MASTER"),
        "balancers[0].state",
        "ignores nopreempt",
    ),
    ("weight", {"keepalived": {"check_weight": -5}}, "keepalived.check_weight", "never moves"),
    (
        "weight below the gap",
        {"keepalived": {"check_weight": -1, "nopreempt": False}},
        "keepalived.check_weight",
        "up to 1 apart",
    ),
    ("script user", {"keepalived": {"script_user": "nobody"}}, "keepalived.script_user", "the rights"),
    ("fds", {"haproxy": {"maxconn": 2000, "ulimit_n": 4000}}, "haproxy.ulimit_n", "too few"),
    ("duration", {"haproxy": {"timeout_client": "1 hour"}}, "haproxy.timeout_client", "not a duration"),
    ("check inter", {"failover": {"check_inter": "x"}}, "failover.check_inter", "not a duration"),
    ("preset", {"failover": {"preset": "faster"}}, "failover.preset", "not a known value"),
    ("type", {"port": "16443"}, "port", "whole number"),
    ("bool for int", {"port": True}, "port", "whole number"),
    ("unknown key", {"haproxy": {"maxcon": 1}}, "haproxy.maxcon", "not an argument"),
    ("list", {"backends": "x"}, "backends", "must be a list"),
    ("directive smuggled in", {"haproxy": {"balance": "x\n  stats"}}, "haproxy.balance", "one word"),
    ("path", {"health_check": {"path": "readyz"}}, "health_check.path", "not a path"),
    ("path with a space", {"health_check": {"path": "/a b"}}, "health_check.path", "one word"),
    ("script", {"keepalived": {"check_script": "/tmp/x.sh"}}, "keepalived.check_script", "/etc/keepalived"),
    (
        "keepalived's own",
        {"keepalived": {"check_script": "/etc/keepalived/auth.conf"}},
        "keepalived.check_script",
        "file of its own",
    ),
    ("frontend taken", {"haproxy": {"frontend_name": "monitor-in"}}, "haproxy.frontend_name", "no name"),
    ("monitor that is no path", {"haproxy": {"monitor_uri": "monitor"}}, "haproxy.monitor_uri", "not a path"),
    ("monitor no peer reaches", {"haproxy": {"monitor_bind": "127.0.0.1"}}, "haproxy.monitor_bind", "peers"),
    ("bind", {"haproxy": {"binds": ["eth0"]}}, "haproxy.binds[0]", "not an IP address"),
    ("status", {"health_check": {"expect_status": "ok"}}, "health_check.expect_status", "HTTP statuses"),
    ("CA file", {"health_check": {"ca_file": "ca.crt"}}, "health_check.ca_file", "not an absolute path"),
    (
        "nothing where something must be",
        {"keepalived": {"instance_name": ""}},
        "keepalived.instance_name",
        "is empty",
    ),
    ("no timeout", {"failover": {"connect_timeout": ""}}, "failover.connect_timeout", "is empty"),
    ("no time", {"failover": {"check_inter": "0"}}, "failover.check_inter", "no time at all"),
    (
        "interface",
        balancers("10.0.0.11", "10.0.0.12", interface="eth0;id"),
        "balancers[0].interface",
        "interface",
    ),
    ("bind twice", {"haproxy": {"binds": ["*", "*"]}}, "haproxy.binds", "twice"),
    ("binds loopback", {"haproxy": {"binds": ["127.0.0.1"]}}, "haproxy.binds", "the VIP 10.0.0.10"),
    ("binds IPv6 loopback", {"haproxy": {"binds": ["::1"]}}, "haproxy.binds", "the VIP 10.0.0.10"),
    ("binds a balancer", {"haproxy": {"binds": ["10.0.0.11"]}}, "haproxy.binds", "the VIP 10.0.0.10"),
    (
        "binds the VIP there was",
        {"vip": "10.0.0.20", "haproxy": {"binds": ["10.0.0.10", "127.0.0.1"]}},
        "haproxy.binds",
        "the VIP 10.0.0.20",
    ),
    (
        "keepalive below a second",
        {"haproxy": {"tcp_keepalive_idle": "500ms"}},
        "haproxy.tcp_keepalive_idle",
        "whole seconds",
    ),
    (
        "keepalive between seconds",
        {"haproxy": {"tcp_keepalive_interval": "1500ms"}},
        "haproxy.tcp_keepalive_interval",
        "whole seconds",
    ),
    (
        "keepalive without a unit",
        {"haproxy": {"tcp_keepalive_idle": "30000"}},
        "haproxy.tcp_keepalive_idle",
        "whole seconds",
    ),
    (
        "keepalive that the kernel refuses",
        {"haproxy": {"tcp_keepalive_idle": "10h"}},
        "haproxy.tcp_keepalive_idle",
        "32767",
    ),
    ("package", {"packages": {"names": ["a; b"]}}, "packages.names[0]", "package name"),
    ("package version", {"packages": {"names": ["haproxy=1 2"]}}, "packages.names[0]", "package name"),
    ("host name", {"backends": [{"name": "a b", "address": "10.0.0.13"}]}, "backends[0].name", "letters"),
]


@pytest.mark.parametrize(
    ("change", "where", "rule"), [case[1:] for case in BROKEN], ids=[c[0] for c in BROKEN]
)
def test_a_broken_rule_is_named(change: dict[str, Any], where: str, rule: str) -> None:
    _, violations = examples.judged(examples.topology() | change)
    found = [violation for violation in violations if violation.where == where]
    assert found, [str(violation) for violation in violations]
    assert any(rule in violation.rule for violation in found)
    assert all(violation.remedy for violation in violations)


KEPT: list[tuple[str, dict[str, Any]]] = [
    ("defaults", {}),
    ("VIP picked by the cloud", {"vip": ""}),
    ("binds the VIP", {"haproxy": {"binds": ["127.0.0.1", "10.0.0.10"]}}),
    ("binds what the cloud picks", {"vip": "", "haproxy": {"binds": ["10.0.0.10"]}}),
    ("binds everything", {"haproxy": {"binds": [".".join("0000")]}}),
    ("binds everything of both kinds", {"haproxy": {"binds": ["::"]}}),
    ("keepalive", {"haproxy": {"tcp_keepalive_idle": "2000ms", "tcp_keepalive_interval": "1m"}}),
    ("fast", {"failover": {"preset": "fast"}}),
    (
        "tolerant with v2",
        {"failover": {"preset": "tolerant"}, "keepalived": {"vrrp_version": 2, "auth": True}},
    ),
    ("balancers that are no backends", {"backends": [{"name": "b", "address": "10.0.9.9"}]}),
    ("apiserver's port elsewhere", {"port": 6443, "backends": [{"name": "b", "address": "10.0.9.9"}]}),
    ("numbers of another language", {"port": 16443.0}),
    ("first and last usable", {"vip": "10.0.0.1", **balancers("10.0.0.252", "10.0.0.2")}),
    (
        "packages of a version",
        {"packages": {"names": ["haproxy=2.6.*", "keepalived=1:2.2.7-1+b2", "libmnl_x"]}},
    ),
    ("ten balancers", balancers(*[f"10.0.0.{n}" for n in range(20, 30)])),
    (
        "a small vSwitch elsewhere",
        {"vswitch_cidr": "172.16.9.16/28", "vip": "172.16.9.17", **balancers("172.16.9.18", "172.16.9.28")},
    ),
]


@pytest.mark.parametrize("change", [case[1] for case in KEPT], ids=[case[0] for case in KEPT])
def test_what_is_right_is_let_through(change: dict[str, Any]) -> None:
    _, violations = examples.judged(examples.topology() | change)
    assert [str(violation) for violation in violations] == []


LIMITS: list[tuple[str, str | int, str | int, str | int, str | int]] = [
    ("port", 0, 1, 65535, 65536),
    ("additional_ports[0]", 0, 1, 65535, 65536),
    ("monitor_port", 0, 1, 65535, 65536),
    ("backends[0].port", 0, 1, 65535, 65536),
    ("balancers[0].priority", 0, 1, 254, 255),
    ("verify_timeout_s", 0, 1, 3600, 3601),
    ("packages.timeout_s", 9, 10, 3600, 3601),
    ("failover.advert_interval_ms", 0, 10, 40950, 40960),
    ("failover.check_inter", "999us", "1ms", "24d", "25d"),
    ("failover.check_fall", 1, 2, 255, 256),
    ("failover.check_rise", 0, 1, 255, 256),
    ("failover.probe_interval_s", 0, 1, 3600, 3601),
    ("failover.probe_tries", 0, 1, 20, 21),
    ("failover.probe_timeout_ms", 9, 10, 60_000, 60_001),
    ("failover.probe_delay_ms", -1, 0, 60_000, 60_001),
    ("failover.probe_fall", 0, 1, 255, 256),
    ("failover.probe_rise", 0, 1, 255, 256),
    ("failover.peer_timeout_ms", 9, 10, 10_000, 10_001),
    ("failover.restart_after_s", -1, 0, 3600, 3601),
    ("haproxy.maxconn", 99, 100, 1_000_000, 1_000_001),
    ("haproxy.ulimit_n", -1, 0, 10_000_000, 10_000_001),
    ("haproxy.timeout_tunnel", "-1", "0", "2147483647", "2147483648"),
    ("haproxy.tcp_keepalive_idle", "999ms", "1s", "32767s", "32768s"),
    ("haproxy.tcp_keepalive_interval", "0s", "1000ms", "9h", "10h"),
    ("haproxy.tcp_keepalive_count", 0, 1, 127, 128),
    ("haproxy.retries", -1, 0, 100, 101),
    ("haproxy.server_maxconn", -1, 0, 1_000_000, 1_000_001),
    ("haproxy.server_maxqueue", -1, 0, 1_000_000, 1_000_001),
    ("haproxy.server_weight", -1, 0, 256, 257),
    ("keepalived.virtual_router_id", 0, 1, 255, 256),
    ("keepalived.garp_master_delay_s", -1, 0, 3600, 3601),
    ("keepalived.garp_master_repeat", 0, 1, 100, 101),
    ("keepalived.garp_master_refresh_s", -1, 0, 3600, 3601),
    ("vswitch_cidr", "10.0.0.0/15", "10.0.0.0/16", "10.0.0.8/29", "10.0.0.8/30"),
]
"""What is one too little, the least and the most that there may be, and what is one too much."""
VRRP_2 = ("failover.advert_interval_ms", 0, 1000, 255_000, 256_000)
PREEMPTING = ("keepalived.check_weight", -254, -253, 253, 254)


@pytest.mark.parametrize(
    ("beside", "limits"),
    [
        *(({}, limits) for limits in LIMITS),
        ({"keepalived": {"vrrp_version": 2}}, VRRP_2),
        ({"keepalived": {"nopreempt": False}}, PREEMPTING),
        ({"health_check": {"not_ready": "down"}}, ("failover.check_fall", 0, 1, 255, 256)),
        ({}, ("haproxy.ulimit_n", 1199, 1200, 10_000_000, 10_000_001)),
        ({"haproxy": {"maxconn": 2000}}, ("haproxy.ulimit_n", 4099, 4100, 10_000_000, 10_000_001)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_just_within_limits_is_let_through_and_no_more(
    beside: dict[str, Any], limits: tuple[str, str | int, str | int, str | int, str | int]
) -> None:
    where, *values = limits
    assert [bool(said_of(where, value, beside)) for value in values] == [True, False, False, True]


def said_of(where: str, value: object, beside: dict[str, Any]) -> list[str]:
    """What is wrong with `value` at `where`, a path as messages have it."""
    args = {**examples.topology(), **beside, "additional_ports": [443]}
    parts = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", where)]
    place: Any = args
    for part in parts[:-1]:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[int(part)]
    place[parts[-1]] = value
    _, violations = examples.judged(args)
    return [str(violation) for violation in violations if violation.where == where]


@pytest.mark.parametrize("password", ["k8s_auth", "a", "-_.,:+=/", "%"])
def test_a_password_that_vrrp_carries_is_let_through(password: str) -> None:
    assert identity.password_rule(password) is None


@pytest.mark.parametrize("password", ["", "k8s_auth1", *(f"a{mark}b" for mark in " #!\"'{}\\$@\t\né")])
def test_a_password_that_means_something_else_to_keepalived_is_refused_and_not_shown(password: str) -> None:
    refused = identity.password_rule(password)
    assert refused
    assert not password or password not in str(refused)


def test_a_remedy_keeps_the_rule() -> None:
    change = {"keepalived": {"vrrp_version": 2}, "failover": {"advert_interval_ms": 1500}}
    _, [violation] = examples.judged(examples.topology() | change)
    assert violation.remedy == "use whole thousands, such as 1000 or 2000, or vrrp_version 3"


@pytest.mark.parametrize("name", ["", "a b", "x;id", "$(id)", "a\n", "-a", "a" * 64])
def test_a_name_that_a_shell_could_take_for_more_is_refused(name: str) -> None:
    made = plan.make(name, reader.read(Settings, examples.topology(), []))
    assert "name of the component" in {violation.where for violation in members.violations(made)}


def test_the_howto_is_let_through() -> None:
    assert examples.planned(examples.howto()).router_id == 52


def test_all_violations_come_at_once() -> None:
    change = {"port": 0, "vip": "10.0.0.12", "failover": {"advert_interval_ms": 15}}
    _, violations = examples.judged(examples.topology() | change)
    assert {"port", "vip", "failover.advert_interval_ms"} <= {violation.where for violation in violations}


def test_router_ids_are_stable_and_differ() -> None:
    ids = {name: plan.derived_router_id(name) for name in ("blue", "green", "cp")}
    assert ids == {name: plan.derived_router_id(name) for name in ids}
    assert len(set(ids.values())) == 3
    assert all(1 <= plan.derived_router_id(f"name{n}") <= 255 for n in range(2000))


def test_explicit_timers_win_over_the_preset() -> None:
    chosen = failover.timers(Failover(preset=Preset.FAST, advert_interval_ms=400))
    assert chosen.advert_interval_ms == 400
    assert chosen.check_inter == failover.PRESETS[Preset.FAST].check_inter


def test_a_weighted_check_waits_for_the_holders_adverts_to_count_for_nothing() -> None:
    plain = examples.planned(examples.topology()).budget["process_hang"]
    weighted = {"keepalived": {"check_weight": -5, "nopreempt": False}}
    assert examples.planned(examples.topology() | weighted).budget["process_hang"] == plain + 3 * 200


def test_refused_connections_that_bring_no_check_forward_wait_for_it() -> None:
    plain = examples.planned(examples.topology()).budget["backends_death"]
    unobserved = examples.planned(examples.topology() | {"haproxy": {"observe": False}})
    assert unobserved.budget["backends_death"] == plain + 400


def test_budgets_grow_from_fast_to_tolerant() -> None:
    budgets = [
        examples.planned(examples.topology() | {"failover": {"preset": preset}}).budget
        for preset in ("fast", "standard", "tolerant")
    ]
    for fault in budgets[0]:
        values = [budget[fault] for budget in budgets]
        assert values == sorted(values), fault
    assert all(budget["process_return"] <= 1000 for budget in budgets)
    twice = examples.planned(examples.topology() | {"failover": {"probe_fall": 2}}).budget
    assert twice["process_return"] == budgets[1]["process_return"] + 1000


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "fast": {"failover": {"preset": "fast"}},
    "standard": {},
    "tolerant": {"failover": {"preset": "tolerant"}},
    "howto": examples.howto(),
    "VRRP 2": {"keepalived": {"vrrp_version": 2}, "failover": {"advert_interval_ms": 2000}},
    "three": {
        "balancers": [
            {"name": f"m{priority}", "address": f"10.0.0.{priority}", "priority": priority}
            for priority in (200, 150, 100)
        ]
    },
    "unwatched": {
        "keepalived": {"track_file": False},
        "failover": {"restart_after_s": 0},
        "haproxy": {"observe": False},
    },
    "process": {"keepalived": {"check_kind": "process"}},
}
BUDGETS = {
    "process_death": (252, 254, 470, 17613, 270, 333, 1854, 254),
    "process_hang": (1652, 1854, 4270, -1, 1870, 1933, 1854, -1),
    "handover": (152, 154, 170, 763, 170, 233, 154, 154),
    "host_loss": (452, 754, 3170, 3763, 6170, 833, 754, 754),
    "backend_loss": (5400, 11200, 20000, 30000, 11200, 11200, 11200, 11200),
    "backend_hang": (5400, 11200, 20000, -1, 11200, 11200, 11200, 11200),
    "backend_silence": (11000, 32200, 54000, -1, 32200, 32200, 32200, 32200),
    "last_process_death": (850, 850, 1050, 850, 850, 850, 850, 850),
    "last_process_hang": (4550, 5750, 15150, -1, 5750, 5750, -1, -1),
    "process_return": (552, 554, 970, 6163, 570, 633, 554, 554),
    "backends_death": (350, 450, 1650, 20150, 450, 450, 850, 450),
    "backend_return": (1150, 1750, 5650, 25150, 1750, 1750, 1750, 1750),
    "two_holders": (150, 150, 150, 150, 150, 150, 150, 150),
    "two_holders_return": (250, 350, 1150, 1150, 2150, 350, 350, 350),
    "two_holders_hang": (5150, 5150, 5150, 8150, 5150, 5150, 5150, 5150),
}
"""Milliseconds of every fault, in each of the configurations."""


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_each_fault_may_cost(name: str) -> None:
    column = list(CONFIGURATIONS).index(name)
    budget = examples.planned(examples.topology() | CONFIGURATIONS[name]).budget
    assert budget == {fault: values[column] for fault, values in BUDGETS.items()}
