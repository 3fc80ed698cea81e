"""Every text and number of the arguments: another value is in each line that it belongs to, and changes no other."""

import dataclasses
from collections import Counter
from typing import Any

import pytest

from components.planning import settings
from components.rendering import render
from tests.unit.components import examples

pytestmark = pytest.mark.unit

VALUES: dict[str, tuple[str | int, *tuple[str, ...]]] = {
    "haproxy.monitor_bind": ("0.0.0.0", "bind 0.0.0.0:33305"),  # noqa: S104 - a text
    "haproxy.monitor_uri": (
        "/alive",
        "monitor-uri /alive",
        "==== probe http://127.0.0.1:33305/alive",
        '"http://127.0.0.1:$1/alive"',
        '"http://$1:33305/alive"',
        "http://127.0.0.1:33305/alive ||",
    ),
    "haproxy.stats_uri": ("/figures", "stats uri /figures", '"GET /figures;csv'),
    "haproxy.frontend_name": ("front", "frontend front"),
    "haproxy.backend_name": (
        "back",
        "backend back",
        "default_backend back",
        "nbsrv(back)",
        'proxy == "back"',
        'backends["back"]',
    ),
    "haproxy.maxconn": (4321, "maxconn 4321", "maxconn 4271"),
    "haproxy.ulimit_n": (123456, "ulimit-n 123456", "LimitNOFILE=123456", "==== descriptors 123456 "),
    "haproxy.user": ("other", "user other"),
    "haproxy.group": ("others", "group others"),
    "haproxy.chroot": ("/srv/jail", "chroot /srv/jail"),
    "haproxy.log_target": ("127.0.0.1:514", "log 127.0.0.1:514 format raw local0 notice"),
    "haproxy.log_format": ("rfc5424", "log stdout format rfc5424 local0 notice"),
    "haproxy.log_facility": ("local7", "log stdout format raw local7 notice"),
    "haproxy.log_level": ("info", "log stdout format raw local0 info"),
    "haproxy.stats_timeout": ("41s", "stats timeout 41s"),
    "haproxy.hard_stop_after": ("7h", "hard-stop-after 7h"),
    "haproxy.defaults_mode": ("http", "mode http"),
    "haproxy.defaults_option": ("httplog", "option httplog"),
    "haproxy.timeout_client": ("7h", "timeout client 7h"),
    "haproxy.timeout_server": ("7h", "timeout server 7h"),
    "haproxy.timeout_tunnel": ("7h", "timeout tunnel 7h"),
    "haproxy.timeout_client_fin": ("41s", "timeout client-fin 41s"),
    "haproxy.timeout_server_fin": ("41s", "timeout server-fin 41s"),
    "haproxy.timeout_queue": ("41s", "timeout queue 41s"),
    "haproxy.timeout_http_request": ("41s", "timeout http-request 41s"),
    "haproxy.timeout_http_keep_alive": ("41s", "timeout http-keep-alive 41s"),
    "haproxy.tcp_keepalive_idle": ("41s", "clitcpka-idle 41s", "srvtcpka-idle 41s"),
    "haproxy.tcp_keepalive_interval": ("7s", "clitcpka-intvl 7s", "srvtcpka-intvl 7s"),
    "haproxy.tcp_keepalive_count": (7, "clitcpka-cnt 7", "srvtcpka-cnt 7"),
    "haproxy.retries": (7, "retries 7"),
    "haproxy.inspect_delay": ("41s", "tcp-request inspect-delay 41s"),
    "haproxy.balance": ("first", "balance first"),
    "haproxy.slowstart": ("41s", " slowstart 41s"),
    "haproxy.server_maxconn": (4321, " maxconn 4321"),
    "haproxy.server_maxqueue": (4321, " maxqueue 4321"),
    "haproxy.server_weight": (41, " weight 41"),
    "keepalived.router_id": ("other", "router_id other"),
    "keepalived.virtual_router_id": (41, "virtual_router_id 41", "router_id 41"),
    "keepalived.vrrp_version": (2, "version 2", "version 2"),
    "keepalived.instance_name": ("VI_7", "vrrp_instance VI_7 {", 'instance_name=\\"VI_7\\"'),
    "keepalived.check_name": ("chk", "vrrp_script chk {", "chk"),
    "keepalived.check_script": (
        "/etc/keepalived/ask.sh",
        'script "/etc/keepalived/ask.sh"',
        "==== file /etc/keepalived/ask.sh 0755",
    ),
    "keepalived.check_weight": (41, "weight 41"),
    "keepalived.notify_script": ("/srv/told", '/srv/told "${told[@]}"'),
    "keepalived.textfile_directory": ("/srv/metrics", "metric=/srv/metrics/kube_apiserver_havip.prom"),
    "keepalived.garp_master_delay_s": (7, "garp_master_delay 7"),
    "keepalived.garp_master_repeat": (7, "garp_master_repeat 7"),
    "keepalived.garp_master_refresh_s": (41, "garp_master_refresh 41"),
    "failover.advert_interval_ms": (410, "advert_int 0.41", "advert_ms 410"),
    "failover.connect_timeout": ("410ms", "timeout connect 410ms", "GRACE_MS = 510"),
    "failover.check_inter": ("410ms", " inter 410ms"),
    "failover.check_fastinter": ("41ms", " fastinter 41ms"),
    "failover.check_downinter": ("410ms", " downinter 410ms"),
    "failover.check_timeout": ("41s", "timeout check 41s"),
    "failover.check_fall": (7, " fall 7"),
    "failover.check_rise": (7, " rise 7"),
    "failover.probe_interval_s": (7, "interval 7", "timeout 9", "+ 7000)", "WATCHDOG_USEC=9000000"),
    "failover.probe_tries": (7, "tries=7", "timeout 5"),
    "failover.probe_timeout_ms": (410, "answers 0.410 && well", "timeout 4"),
    "failover.probe_delay_ms": (41, "sleep 0.041"),
    "failover.probe_fall": (7, "fall 7"),
    "failover.probe_rise": (7, "rise 7"),
    "failover.peer_timeout_ms": (41, 'answers "$peer" 0.041 &', 'answers "$peer" 0.041 &'),
    "failover.restart_after_s": (7, "--max-time 3.5", "for 7 s: killed"),
    "health_check.path": ("/healthz", " uri /healthz "),
    "health_check.expect_status": ("200,401", "expect status 200,401 error-status", "expect status 200,401"),
    "health_check.ca_file": ("/etc/ca.crt", "check-ssl verify required ca-file /etc/ca.crt"),
    "health_check.host": ("api.example", " hdr Host api.example"),
}
"""A value of each that is not its default, and what every line that says it has in it."""
NEEDED: dict[str, dict[str, dict[str, Any]]] = {
    "keepalived.check_weight": {"keepalived": {"nopreempt": False}},
    "keepalived.vrrp_version": {"failover": {"preset": "tolerant"}},
    "keepalived.notify_script": {"keepalived": {"notify_script": "/srv/other"}},
    "keepalived.textfile_directory": {"keepalived": {"textfile_directory": "/srv/other"}},
}
"""What must be given beside some."""


def lines(change: dict[str, dict[str, Any]]) -> Counter[str]:
    """Every line of a balancer's files but comments, without indentation."""
    given = {"keepalived": {"textfile_directory": "/var/lib/node-exporter", **change.get("keepalived", {})}}
    plan = examples.planned(examples.topology() | change | given)
    first = plan.balancers[0]
    text = render.haproxy_bundle(plan, first) + render.keepalived_bundle(plan, first, examples.VIP)
    return Counter(line.partition(" # ")[0].strip() for line in text.splitlines() if line.strip()[:1] != "#")


@pytest.mark.parametrize("where", VALUES)
def test_a_value_is_in_every_line_that_it_belongs_to(where: str) -> None:
    value, *wanted = VALUES[where]
    part, _, key = where.partition(".")
    beside = NEEDED.get(where, {})
    changed = lines(beside | {part: beside.get(part, {}) | {key: value}}) - lines(beside)
    assert changed.total() == len(wanted), sorted(changed)
    left = [*changed.elements()]
    for said in sorted(wanted, key=len, reverse=True):
        found = [line for line in left if said in line]
        assert found, f"no line has {said!r} in it: {sorted(changed)}"
        left.remove(found[0])


def test_no_text_and_no_number_is_forgotten() -> None:
    parts = [settings.Haproxy, settings.Keepalived, settings.Failover, settings.HealthCheck]
    names = ["haproxy", "keepalived", "failover", "health_check"]
    plain = {str, int, str | None, int | None}
    every = {
        f"{name}.{field.name}"
        for name, part in zip(names, parts, strict=True)
        for field in dataclasses.fields(part)
        if field.type in plain
    }
    assert every - {"keepalived.script_user"} == set(VALUES), "that one is root"
