"""The texts: golden files, and every script judged by shellcheck."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.planning import settings
from components.planning.plan import Plan
from components.rendering import bundle, paths, render
from tests.unit.components import examples

pytestmark = pytest.mark.unit
GOLDEN = Path(__file__).parent / "golden"
PRESETS = ("fast", "standard", "tolerant")


def texts(plan: Plan) -> dict[str, str]:
    """All files of the first balancer."""
    first = plan.balancers[0]
    return {
        "haproxy.cfg": render.haproxy_cfg(plan),
        "haproxy.service.conf": render.haproxy_drop_in(plan),
        "haproxy-events.sh": render.haproxy_events(plan, first),
        "cut-dead-backends.lua": render.cut_dead_backends(plan),
        "keepalived.conf": render.keepalived_conf(plan, first, examples.VIP),
        "keepalived.bundle": render.keepalived_bundle(plan, first, examples.VIP),
        "check.sh": render.check_haproxy(plan),
    }


@pytest.mark.parametrize("name", ["default", "howto"])
def test_golden(name: str) -> None:
    plan = examples.planned(examples.howto() if name == "howto" else examples.topology())
    for file, text in texts(plan).items():
        assert text == (GOLDEN / name / file).read_text(), f"{name}/{file}"


def directives(text: str) -> set[str]:
    """The lines of a file without comments, indentation and repeated blanks."""
    lines = (re.sub(r"\s+", " ", line.partition("#")[0]).strip() for line in text.splitlines())
    return {line for line in lines if line}


TEXTS = [key for key, value in vars(settings.Haproxy()).items() if isinstance(value, str)]


@pytest.mark.parametrize("key", TEXTS)
def test_an_empty_text_leaves_its_directive_out_or_is_refused(key: str) -> None:
    plan, violations = examples.judged(examples.topology() | {"haproxy": {key: ""}})
    if not violations:
        left = directives(render.haproxy_cfg(plan))
        default = directives(render.haproxy_cfg(examples.planned(examples.topology())))
        shorter = {line.replace("format raw ", "") for line in default}
        assert left <= default | shorter, "no line is cut short"


def test_every_value_of_the_howto_can_be_had() -> None:
    plan = examples.planned(examples.howto())
    assert {
        "maxconn 2000",
        "ulimit-n 16384",
        "log 127.0.0.1 local0 err",
        "stats timeout 30s",
        "log global",
        "mode http",
        "option httplog",
        "timeout connect 5000",
        "timeout client 50000",
        "timeout server 50000",
        "timeout http-request 15s",
        "timeout http-keep-alive 15s",
        "bind *:33305",
        "monitor-uri /monitor",
        "bind 0.0.0.0:16443",
        "bind 127.0.0.1:16443",
        "mode tcp",
        "option tcplog",
        "tcp-request inspect-delay 5s",
        "default_backend k8s-master",
        "option tcp-check",
        "balance roundrobin",
        "default-server inter 10s downinter 5s rise 2 fall 2 slowstart 60s maxconn 250 maxqueue 256 weight 100",
        "server k8s-master03 10.0.0.13:6443 check",
    } <= directives(render.haproxy_cfg(plan))
    common = {
        "router_id LVS_DEVEL",
        "script_user root",
        "enable_script_security",
        'script "/etc/keepalived/check_apiserver.sh"',
        "interval 5",
        "weight -5",
        "fall 2",
        "rise 1",
        "interface eth0",
        "virtual_router_id 52",
        "advert_int 1",
        "auth_type PASS",
        "10.0.0.10",
        "chk_apiserver",
    }
    master, backup = (
        directives(render.keepalived_conf(plan, balancer, examples.VIP)) for balancer in plan.balancers
    )
    assert common | {"state MASTER", "priority 100", "unicast_src_ip 10.0.0.11", "10.0.0.12"} <= master
    assert common | {"state BACKUP", "priority 99", "unicast_src_ip 10.0.0.12", "10.0.0.11"} <= backup
    check = directives(render.check_haproxy(plan))
    assert {"sleep 1.000", "systemctl stop keepalived", "exit 1"} <= check
    assert any("try <= 3" in line for line in check)


@pytest.mark.parametrize("preset", PRESETS)
def test_texts_are_tidy(preset: str) -> None:
    plan = examples.planned(examples.topology() | {"failover": {"preset": preset}})
    for file, text in [
        *texts(plan).items(),
        ("tool", render.tool()),
        ("verify_host", render.host_script()),
    ]:
        assert text.endswith("\n"), file
        assert not text.endswith("\n\n"), file
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), file
        assert "{{" not in text, file
        assert "{%" not in text, file


@pytest.mark.parametrize("arguments", [examples.topology, examples.howto])
def test_shellcheck_finds_nothing(arguments: object, tmp_path: Path) -> None:
    assert shutil.which("shellcheck"), "shellcheck is missing: apt-get install shellcheck"
    args = examples.howto() if arguments is examples.howto else examples.topology()
    metric = {"textfile_directory": "/var/lib/prometheus/node-exporter"}
    plan = examples.planned(args | {"keepalived": args.get("keepalived", {}) | metric})
    scripts = {name: text for name, text in texts(plan).items() if name.endswith(".sh")}
    scripts |= {"hostctl.sh": render.tool(), "verify.sh": "#!/bin/bash\n" + render.host_script()}
    keepalived = bundle.split(render.keepalived_bundle(plan, plan.balancers[0], examples.VIP))
    of_vrrp = {path: text for path, _, text in keepalived if path in (paths.NOTIFY, paths.METRIC)}
    scripts |= {f"{Path(path).name}.sh": text for path, text in of_vrrp.items()}
    assert len(of_vrrp) == 2
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        done = subprocess.run(["shellcheck", tmp_path / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_changed_timer_changes_only_its_file() -> None:
    before = examples.planned(examples.topology())
    after = examples.planned(examples.topology() | {"failover": {"check_inter": "700ms"}})
    old, new = texts(before), texts(after)
    assert {file for file, text in old.items() if text != new[file]} == {"haproxy.cfg"}


def test_peers_are_complete_and_never_oneself() -> None:
    args = examples.topology()
    args["balancers"] = [{"name": f"m{n}", "address": f"10.0.0.{n}"} for n in range(20, 30)]
    plan = examples.planned(args)
    for balancer in plan.balancers:
        others = {other.address for other in plan.balancers} - {balancer.address}
        assert set(plan.peers(balancer)) == others
        events = render.haproxy_events(plan, balancer)
        assert f"PEERS=({' '.join(plan.peers(balancer))})" in events.splitlines()
        conf = render.keepalived_conf(plan, balancer, examples.VIP)
        assert f"unicast_src_ip {balancer.address}\n" in conf
        assert set(re.findall(r"^        (10\.0\.0\.\d+)$", conf, re.MULTILINE)) == others | {examples.VIP}


@pytest.mark.parametrize(
    ("haproxy", "observers"),
    [
        ({"metrics": False}, "127.0.0.0/8 10.0.0.0/24"),
        ({"stats_uri": ""}, "127.0.0.0/8 10.0.0.0/24"),
        ({"observer_cidrs": ["192.0.2.0/24"]}, "127.0.0.0/8 192.0.2.0/24"),
        ({"metrics": False, "stats_uri": ""}, ""),
    ],
)
def test_metrics_and_statistics_each_are_for_observers_alone(haproxy: dict[str, Any], observers: str) -> None:
    text = render.haproxy_cfg(examples.planned(examples.topology() | {"haproxy": haproxy}))
    denied = [line for line in directives(text) if line.startswith("http-request deny")]
    assert denied == ([f"http-request deny unless {{ src {observers} }}"] if observers else [])


def test_a_backend_that_is_not_ready_is_down_if_one_says_so() -> None:
    health = {"not_ready": "down", "expect_status": "200,401"}
    text = render.haproxy_cfg(examples.planned(examples.topology() | {"health_check": health}))
    expected = [line for line in directives(text) if line.startswith("http-check expect")]
    assert expected == ["http-check expect status 200,401"]


@pytest.mark.parametrize("track_file", [True, False])
@pytest.mark.parametrize("nopreempt", [True, False])
def test_keepalived_looks_at_the_files_that_it_is_told(track_file: bool, nopreempt: bool) -> None:
    keepalived = {"track_file": track_file, "nopreempt": nopreempt}
    plan = examples.planned(examples.topology() | {"keepalived": keepalived})
    conf = render.keepalived_conf(plan, plan.balancers[0], examples.VIP)
    defined = re.findall(r"^track_file (\w+) \{", conf, re.MULTILINE)
    looked_at = re.findall(r"^    track_file \{\n([^}]*)\}", conf, re.MULTILINE)
    wanted = ["haproxy_down"] * track_file + ["seniority"] * nopreempt
    assert defined == wanted
    assert [words.split() for words in looked_at] == ([wanted] if wanted else [])


def test_no_proxy_answers_in_place_of_a_balancer() -> None:
    args = examples.topology() | {"keepalived": {"textfile_directory": "/var/lib/node-exporter"}}
    plan = examples.planned(args)
    first = plan.balancers[0]
    scripts = render.tool() + render.host_script() + render.haproxy_bundle(plan, first)
    scripts += render.keepalived_bundle(plan, first, examples.VIP)
    questions = re.findall(r"\bcurl -.*", scripts.replace("\\\n", " "))
    assert len(questions) == 6
    assert [line for line in questions if not re.search(r"--noproxy '\*'|--unix-socket", line)] == []


def test_a_new_holder_ranks_above_every_other_and_below_an_owner() -> None:
    args = examples.topology()
    for count in range(2, 11):
        args["balancers"] = [{"name": f"m{n}", "address": f"10.0.0.{20 + n}"} for n in range(count)]
        plan = examples.planned(args)
        priorities = [balancer.priority for balancer in plan.balancers]
        assert min(priorities) + plan.seniority > max(priorities)
        assert max(priorities) + plan.seniority == 254


@pytest.mark.parametrize(
    ("priorities", "nopreempt", "seniority"),
    [((101, 100), True, 2), ((253, 252), True, 0), ((200, 100), True, 0), ((101, 100), False, 0)],
)
def test_seniority_needs_room_and_no_preemption(
    priorities: tuple[int, int], nopreempt: bool, seniority: int
) -> None:
    args = examples.topology() | {"keepalived": {"nopreempt": nopreempt}}
    args["balancers"] = [
        {**balancer, "priority": priority}
        for balancer, priority in zip(args["balancers"], priorities, strict=True)
    ]
    plan = examples.planned(args)
    assert plan.seniority == seniority
    conf = render.keepalived_conf(plan, plan.balancers[0], examples.VIP)
    assert ("seniority" in conf) == (seniority > 0)


def test_priorities_fall_from_252_of_two() -> None:
    plan = examples.planned(examples.topology())
    assert [balancer.priority for balancer in plan.balancers] == [252, 251]
    assert [balancer.name for balancer in plan.rollout] == ["k8s-master02", "k8s-master01"]


def test_the_host_decides_how_many_connections_there_may_be() -> None:
    plan = examples.planned(examples.topology())
    assert "LimitNOFILE=101000" in render.haproxy_drop_in(plan)
    assert "==== descriptors 101000 1000 50\n" in render.haproxy_bundle(plan, plan.balancers[0])
    assert {"maxconn @MAXCONN@", "maxconn @MAXCONN_ENDPOINT@"} <= directives(render.haproxy_cfg(plan))


def test_a_full_endpoint_leaves_connections_for_the_monitor() -> None:
    plan = examples.planned(examples.topology() | {"haproxy": {"maxconn": 5000}})
    assert {"maxconn 5000", "maxconn 4950"} <= directives(render.haproxy_cfg(plan))
    assert "LimitNOFILE=101000" in render.haproxy_drop_in(plan), "a reload cannot raise it later"
    assert "==== descriptors" not in render.haproxy_bundle(plan, plan.balancers[0])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_keepalived_that_hangs_is_ended_within_five_seconds(preset: str) -> None:
    plan = examples.planned(examples.topology() | {"failover": {"preset": preset}})
    assert "WATCHDOG_USEC=4000000\n" in render.check_haproxy(plan)
    assert plan.budget["two_holders_hang"] == 5150


def test_a_check_that_takes_its_time_is_no_hang() -> None:
    slow = {"failover": {"probe_interval_s": 5, "probe_timeout_ms": 3000}}
    assert "WATCHDOG_USEC=7000000\n" in render.check_haproxy(examples.planned(examples.topology() | slow))
    slow = {"failover": {"probe_interval_s": 1, "probe_timeout_ms": 3000}}
    assert "WATCHDOG_USEC=6000000\n" in render.check_haproxy(examples.planned(examples.topology() | slow))


def test_no_line_of_a_backend_is_cut_short_in_a_preview() -> None:
    limit = 140  # columns after which the engine writes "..." instead of what changed
    assert all(len(line) < limit for line in render.default_servers(examples.planned(examples.topology())))


def test_taking_over_is_said_to_the_host() -> None:
    taken = examples.planned(examples.topology() | {"take_over": True})
    refused = examples.planned(examples.topology())
    first = taken.balancers[0]
    assert "==== take-over yes\n" in render.haproxy_bundle(taken, first)
    assert "==== take-over yes\n" in render.keepalived_bundle(taken, first, examples.VIP)
    assert "take-over" not in render.haproxy_bundle(refused, first)


def test_every_host_knows_its_place_in_a_change() -> None:
    args = examples.topology()
    args["balancers"] = [{"name": f"m{n}", "address": f"10.0.0.{20 + n}"} for n in range(3)]
    plan = examples.planned(args)
    last, middle, first = (render.haproxy_bundle(plan, balancer) for balancer in plan.balancers)
    assert "==== lead yes\n==== done m2, m1\n==== descriptors" in last
    assert "==== done m2\n==== next m0\n" in middle
    assert "==== next m1, m0\n" in first
    assert "lead" not in middle + first
    turns = [render.keepalived_drop_in(plan, balancer, examples.VIP) for balancer in plan.balancers]
    listens = [re.findall(r" await-turn.*", text) for text in turns]
    assert listens == [[" await-turn lead"], [" await-turn"], [" await-turn"]]


@pytest.mark.parametrize("interface", ["", "eth1"])
def test_the_host_is_told_which_address_its_interface_must_have(interface: str) -> None:
    args = examples.topology()
    args["balancers"] = [{**args["balancers"][0], "interface": interface}, *args["balancers"][1:]]
    plan = examples.planned(args)
    first = plan.balancers[0]
    header = f"==== interface 10.0.0.11 {interface}".rstrip()
    for text in (render.haproxy_bundle(plan, first), render.keepalived_bundle(plan, first, examples.VIP)):
        assert header in text.splitlines()


def test_what_peers_must_say_alike_is_one_file() -> None:
    def group(change: dict[str, Any]) -> str:
        return render.vrrp_group(examples.planned(examples.topology() | change), examples.VIP)

    plain = group({})
    assert plain == group({"failover": {"check_inter": "700ms", "probe_tries": 3}}), (
        "no reason to stand aside"
    )
    version_2 = {"keepalived": {"vrrp_version": 2}, "failover": {"preset": "tolerant"}}
    changes: list[dict[str, Any]] = [{"failover": {"preset": "fast"}}, version_2]
    changes += [{"keepalived": {"virtual_router_id": 77}}]
    assert all(group(change) != plain for change in changes)


def test_a_pinned_package_is_named_where_its_service_is_changed() -> None:
    names = ["haproxy=2.6.12-1+deb12u2", "keepalived-2.2.8", "socat", "curl"]
    plan = examples.planned(examples.topology() | {"packages": {"names": names}})
    first = plan.balancers[0]
    assert "==== package haproxy=2.6.12-1+deb12u2\n" in render.haproxy_bundle(plan, first)
    assert "==== package keepalived-2.2.8\n" in render.keepalived_bundle(plan, first, examples.VIP)
    unpinned = examples.planned(examples.topology())
    assert "==== package" not in render.haproxy_bundle(unpinned, first)


def test_an_address_that_only_the_holder_has_is_bound_everywhere() -> None:
    binds = {"haproxy": {"binds": ["10.0.0.10", "127.0.0.1"]}, "additional_ports": [443]}
    found = directives(render.haproxy_cfg(examples.planned(examples.topology() | binds)))
    for port in (16443, 443):
        assert {f"bind 10.0.0.10:{port} transparent", f"bind 127.0.0.1:{port}"} <= found


def test_the_vip_is_let_go_only_if_a_peer_answers_with_and_without_a_track_file() -> None:
    for track_file in (True, False):
        plan = examples.planned(examples.topology() | {"keepalived": {"track_file": track_file}})
        asked = "/usr/local/lib/kube-apiserver-havip/haproxy-events peer-answers || peer=$?"
        assert asked in render.check_haproxy(plan)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("haproxy=2.6.*",), ("haproxy=2.6.*", "socat", "curl")),
        (("curl-minimal", "socat=1.7.*"), ("curl-minimal", "socat=1.7.*")),
    ],
)
def test_what_the_scripts_work_with_is_installed(names: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    assert settings.Packages(names=names).every_name == wanted
