"""Rendered files before the real judges: no error, and no warning either."""

from pathlib import Path
from typing import Any

import pytest

from components.planning.plan import Plan
from components.rendering import marks, paths, render
from tests.hosts.conftest import Judges, haproxy_cfg
from tests.unit.components import examples

pytestmark = pytest.mark.hosts


def many(count: int) -> dict[str, Any]:
    """Arguments with so many balancers."""
    hosts = [{"name": f"m{n}", "address": f"10.0.0.{20 + n}"} for n in range(count)]
    return examples.topology() | {"balancers": hosts}


OPTIONAL = [
    *["log_format", "stats_timeout", "chroot", "hard_stop_after", "defaults_mode", "defaults_option"],
    *["timeout_tunnel", "timeout_client_fin", "timeout_server_fin", "timeout_http_request"],
    *["timeout_http_keep_alive", "tcp_keepalive_idle", "tcp_keepalive_interval", "stats_uri"],
]
"""What may be left out by an empty text."""
CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "fast": {"failover": {"preset": "fast"}},
    "tolerant": {"failover": {"preset": "tolerant"}},
    "tcp check": {"health_check": {"kind": "tcp"}},
    "not ready is down": {"health_check": {"not_ready": "down", "expect_status": "200,401"}},
    "no admin socket": {"haproxy": {"stats_socket": False}},
    "no keepalive": {"haproxy": {"tcp_keepalive": False, "observe": False, "redispatch": False}},
    "keepalive in other units": {"haproxy": {"tcp_keepalive_idle": "2000ms", "tcp_keepalive_interval": "9h"}},
    "no texts": {"haproxy": dict.fromkeys(OPTIONAL, "")},
    "log elsewhere": {"haproxy": {"log_target": "127.0.0.1:514", "log_format": "", "log_level": "info"}},
    "binds": {"haproxy": {"binds": ["10.0.0.10", "127.0.0.1"], "monitor_bind": "0.0.0.0"}},  # noqa: S104
    "no observers": {"haproxy": {"metrics": False, "stats_uri": ""}},
    "observers": {"haproxy": {"observer_cidrs": ["192.0.2.0/24", "198.51.100.7"]}, "vswitch_cidr": ""},
    "a port changes": {"port": 17443, "additional_ports": [16443, 443]},
    "vrrp 2": {"keepalived": {"vrrp_version": 2}, "failover": {"preset": "tolerant"}},
    "vrrp 2 with password": {
        "keepalived": {"vrrp_version": 2, "auth": True},
        "failover": {"preset": "tolerant"},
    },
    "preempting": {"keepalived": {"nopreempt": False, "check_weight": -100}},
    "no track file": {"keepalived": {"track_file": False}},
    "three balancers": many(3),
    "ten balancers": many(10),
    "howto": examples.howto(),
}


def plan_of(case: str) -> Plan:
    args = examples.topology() | CASES[case]
    # This machine has no user haproxy, a host has one as soon as the package is installed.
    users = {"user": "nobody", "group": "nogroup"} if case != "howto" else {}
    return examples.planned(args | {"haproxy": args.get("haproxy", {}) | users})


@pytest.mark.parametrize("case", CASES)
def test_haproxy_takes_it(case: str, judges: Judges, tmp_path: Path) -> None:
    text = haproxy_cfg(plan_of(case), tmp_path)
    config = tmp_path / "haproxy.cfg"
    config.write_text(judges.lines_for("haproxy", text))
    done = judges.of_haproxy(config)
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr or case == "howto", done.stderr


@pytest.mark.parametrize("case", CASES)
def test_keepalived_takes_it(case: str, judges: Judges, tmp_path: Path) -> None:
    plan = plan_of(case)
    for balancer in plan.balancers:
        config = staged(plan, balancer.name, tmp_path)
        config.write_text(judges.lines_for("keepalived", config.read_text()))
        done = judges.of_keepalived(config)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "missing" not in done.stdout + done.stderr
        assert "Unknown keyword" not in done.stdout + done.stderr


def staged(plan: Plan, name: str, directory: Path) -> Path:
    """Write the files of keepalived into `directory`, which they then name instead of the host's places."""
    balancer = plan.balancer(name)
    text = render.keepalived_conf(plan, balancer, examples.VIP)
    for host, here in (
        (paths.LIBRARY, directory),
        (paths.RUNTIME, directory),
        ("/etc/keepalived", directory),
    ):
        text = text.replace(host, str(here))
    # The judge wants an interface that exists; this machine's own is looked at, not touched.
    for interface in (marks.INTERFACE, "eth0"):
        text = text.replace(f"interface {interface}\n", f"interface {real_interface()}\n")
    for script in (Path(plan.settings.keepalived.check_script).name, Path(paths.NOTIFY).name):
        (directory / script).write_text(render.check_haproxy(plan))
        (directory / script).chmod(0o755)
    (directory / paths.LEAVERS_NAME).write_text("# Balancers that were removed.\n10.0.0.99\n")
    if plan.settings.keepalived.auth:
        (directory / paths.AUTH_NAME).write_text("auth_pass k8s_auth\n")
    config = directory / "keepalived.conf"
    config.write_text(text)
    return config


def real_interface() -> str:
    """Return any interface of this machine but the loopback."""
    names = sorted(path.name for path in Path("/sys/class/net").iterdir() if path.name != "lo")
    assert names, "this machine has no network interface besides lo"
    return names[0]


@pytest.mark.parametrize(
    ("broken", "said"),
    [("frontend x\n    bind nowhere:\n", "bind"), ("backend y\n    balance fairly\n", "balance")],
)
def test_the_judge_refuses_what_is_wrong(broken: str, said: str, judges: Judges, tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(haproxy_cfg(plan_of("default"), tmp_path) + broken)
    done = judges.of_haproxy(config)
    assert done.returncode != 0
    assert said in done.stderr
