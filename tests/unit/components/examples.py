"""Arguments that several tests share: the how-to's topology, and the how-to's directive values."""

from typing import Any

from components.planning import plan
from components.planning.plan import Plan
from components.planning.settings import Settings
from components.rules import members, reader
from components.rules.violations import Violation

VIP = "10.0.0.10"


def pem(label: str, body: str = "QQ==") -> str:
    """Return a text that looks like a key in PEM."""
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


KEY = pem("PRIVATE KEY")
LOCKED_KEY = pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nQQ==")
"""One with a passphrase."""


def topology() -> dict[str, Any]:
    """Three masters, the first two of them balancers; everything else by default."""
    return {
        "vip": VIP,
        "vswitch_cidr": "10.0.0.0/24",
        "balancers": [
            {"name": "k8s-master01", "address": "10.0.0.11"},
            {"name": "k8s-master02", "address": "10.0.0.12"},
        ],
        "backends": [{"name": f"k8s-master0{n}", "address": f"10.0.0.1{n}"} for n in (1, 2, 3)],
    }


def howto() -> dict[str, Any]:
    """Arguments with which the rendered files hold the how-to's value of every directive it sets."""
    args = topology()
    args["balancers"] = [
        {**args["balancers"][0], "interface": "eth0", "state": "MASTER", "priority": 100},
        {**args["balancers"][1], "interface": "eth0", "state": "BACKUP", "priority": 99},
    ]
    args["health_check"] = {"kind": "tcp"}
    args["failover"] = {
        "advert_interval_ms": 1000,
        "connect_timeout": "5000",
        "check_inter": "10s",
        "check_fastinter": "",
        "check_downinter": "5s",
        "check_timeout": "",
        "check_rise": 2,
        "check_fall": 2,
        "probe_interval_s": 5,
        "probe_tries": 3,
        "probe_delay_ms": 1000,
        "probe_fall": 2,
        "probe_rise": 1,
        "restart_after_s": 0,
    }
    args["haproxy"] = {
        "binds": [".".join("0000"), "127.0.0.1"],
        "monitor_needs_backend": False,
        "metrics": False,
        "stats_uri": "",
        "frontend_name": "k8s-master",
        "backend_name": "k8s-master",
        "maxconn": 2000,
        "ulimit_n": 16384,
        "user": "",
        "group": "",
        "chroot": "",
        "log_target": "127.0.0.1",
        "log_format": "",
        "log_level": "err",
        "stats_socket": False,
        "hard_stop_after": "",
        "defaults_mode": "http",
        "defaults_option": "httplog",
        "timeout_client": "50000",
        "timeout_server": "50000",
        "timeout_tunnel": "",
        "timeout_client_fin": "",
        "timeout_server_fin": "",
        "timeout_http_request": "15s",
        "timeout_http_keep_alive": "15s",
        "tcp_keepalive": False,
        "redispatch": False,
        "inspect_delay": "5s",
        "balance": "roundrobin",
        "observe": False,
        "cut_streams_of_dead_backends": False,
        "slowstart": "60s",
        "server_maxconn": 250,
        "server_maxqueue": 256,
        "server_weight": 100,
    }
    args["keepalived"] = {
        "router_id": "LVS_DEVEL",
        "virtual_router_id": 52,
        "vrrp_version": 2,
        "nopreempt": False,
        "check_name": "chk_apiserver",
        "check_script": "/etc/keepalived/check_apiserver.sh",
        "check_kind": "process",
        "check_weight": -5,
        "on_failure": "stop-keepalived",
        "track_file": False,
        "auth": True,
    }
    return args


def judged(args: dict[str, Any], name: str = "cp") -> tuple[Plan, list[Violation]]:
    """Return the plan of `args` and everything that is wrong with it."""
    found: list[Violation] = []
    made = plan.make(name, reader.read(Settings, args, found))
    return made, [*found, *members.violations(made)]


def planned(args: dict[str, Any], name: str = "cp") -> Plan:
    """Return the plan of `args`, which break no rule."""
    made, violations = judged(args, name)
    assert not violations, [str(violation) for violation in violations]
    return made
