"""What ``hostctl`` leaves on a host whose first change failed: nothing, as if it had never been there."""

from pathlib import Path
from typing import Any

import pytest

from components.rendering import paths, render
from tests.hosts.fake_host import PROGRAMS, SHIPPED, STATE, Host, bundle, shipped
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

CFG = paths.HAPROXY_CFG


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that has HAProxy and nothing of ours."""
    return shipped(tmp_path)


def fails(host: Host, text: str) -> str:
    """Apply it where HAProxy does not take it; what the tool said."""
    host.write("broken", "")
    done = host.hostctl("apply", "haproxy", stdin=text, patience_s=0)
    host.path("broken").unlink()
    assert done.returncode == 1
    assert "the old files are back" in done.stdout, done.stdout
    return done.stdout


def applied(host: Host, text: str) -> None:
    done = host.hostctl("apply", "haproxy", stdin=text)
    assert done.returncode == 0, done.stdout


def test_a_hand_edit_after_a_first_change_that_failed_is_respected(host: Host) -> None:
    fails(host, bundle())
    assert host.path(CFG).read_text() == SHIPPED
    host.write(CFG, "# edited by hand\n")
    refused = host.hostctl("apply", "haproxy", stdin=bundle())
    assert refused.returncode == 1
    assert "somebody else made" in refused.stdout
    assert host.path(CFG).read_text() == "# edited by hand\n"


def test_it_is_not_undone_when_the_stack_goes(host: Host) -> None:
    fails(host, bundle())
    host.write(CFG, "# edited by hand\n")
    assert host.hostctl("retire", "cp").returncode == 0
    assert host.path(CFG).read_text() == "# edited by hand\n"


def test_the_host_is_free_for_another_endpoint(host: Host) -> None:
    fails(host, bundle())
    assert not [file for file in host.path(STATE).rglob("*") if file.name in ("owner", "before-haproxy")]
    applied(host, bundle("other"))
    assert host.path(f"{STATE}/owner").read_text() == "other\n"


def test_so_it_is_if_the_run_was_killed_in_between(host: Host) -> None:
    host.program("systemctl", "[ $1 != daemon-reload ] || kill -KILL $PPID; echo active")
    assert host.hostctl("apply", "haproxy", stdin=bundle()).returncode < 0
    assert host.path(CFG).read_text() != SHIPPED
    host.program("systemctl", PROGRAMS["systemctl"])
    fails(host, bundle())
    assert host.path(CFG).read_text() == SHIPPED
    assert not host.path(f"{STATE}/owner").exists()


def test_what_an_earlier_version_left_unfinished_costs_no_original(host: Host) -> None:
    applied(host, bundle())
    host.write(f"{STATE}/unfinished-haproxy", "")
    host.write(f"{STATE}/undo/haproxy{CFG}", host.path(CFG).read_text())
    fails(host, bundle(timeout="12h"))
    assert host.hostctl("retire", "cp").returncode == 0
    assert host.path(CFG).read_text() == SHIPPED


def test_a_later_change_that_fails_leaves_the_host_to_its_stack(host: Host) -> None:
    applied(host, bundle())
    before = host.path(CFG).read_text()
    fails(host, bundle(timeout="12h"))
    assert host.path(CFG).read_text() == before
    assert host.path(f"{STATE}/owner").read_text() == "cp\n"
    refused = host.hostctl("apply", "haproxy", stdin=bundle("other"))
    assert "serves the endpoint 'cp' already" in refused.stdout
    assert "take it out of 'cp' first, in an update of its own" in refused.stdout
    assert host.hostctl("retire", "cp").returncode == 0
    assert host.path(CFG).read_text() == SHIPPED


@pytest.mark.parametrize("service", ["haproxy", "keepalived"])
def test_an_interface_without_the_address_is_refused(host: Host, service: str) -> None:
    refused = host.hostctl("apply", service, stdin=bundle(service=service, interface="eth1"))
    assert refused.returncode == 1
    assert "interface eth1 does not have the balancer's address 10.0.0.11, eth0 has it" in refused.stdout
    assert "Give eth0" in refused.stdout
    assert host.path(CFG).read_text() == SHIPPED
    assert not host.path(f"{STATE}/owner").exists()


def test_the_interface_that_has_the_address_is_taken(host: Host) -> None:
    applied(host, bundle(interface="eth0"))


def boots(host: Host, how: str) -> None:
    """Have systemd know, beside all else, whether a boot starts the services."""
    host.write("boot", f"{how}\n")
    host.program(
        "systemctl",
        f"""{PROGRAMS["systemctl"]}
        case $1 in
        is-enabled) grep -v ^disabled "$ROOT/boot" ;;
        enable) echo enabled >"$ROOT/boot" ;;
        disable) echo disabled >"$ROOT/boot" ;;
        esac""",
    )


STARTS = f"""{PROGRAMS["systemctl"]}
[ "$1" != restart ] || echo active >"$ROOT/active\""""


@pytest.mark.parametrize(
    ("was", "programs", "last"),
    [
        ("active", {"curl": "exit 7"}, "reload haproxy"),
        ("inactive", {"curl": "exit 7", "systemctl": STARTS}, "stop haproxy"),
        ("inactive", {}, "stop haproxy"),
    ],
)
def test_a_haproxy_that_takes_it_and_is_not_well_has_the_old_files_back(
    host: Host, was: str, programs: dict[str, str], last: str
) -> None:
    host.write("active", f"{was}\n")
    for name, script in programs.items():
        host.program(name, script)
    done = host.hostctl("apply", "haproxy", stdin=bundle(), patience_s=0)
    assert done.returncode == 1
    assert "the old files are back" in done.stdout, done.stdout
    assert host.path(CFG).read_text() == SHIPPED
    asked = [line for line in host.asked().splitlines() if line.endswith(" haproxy") and "is-" not in line]
    assert asked[-1] == f"systemctl {last}"


def test_a_reload_that_brings_no_new_worker_is_none(host: Host) -> None:
    applied(host, bundle())
    before = host.path(CFG).read_text()
    host.program("pgrep", "echo 11")
    done = host.hostctl("apply", "haproxy", stdin=bundle(timeout="12h"), patience_s=0)
    assert "the old files are back" in done.stdout, done.stdout
    assert host.path(CFG).read_text() == before


@pytest.mark.parametrize(
    ("state", "well"), [("BACKUP", True), ("FAULT", False), ("STOP", False), ("", False)]
)
def test_a_keepalived_that_runs_must_take_part(host: Host, state: str, well: bool) -> None:
    plan = examples.planned(examples.topology())
    # It has spoken alike before: what is new takes effect at once.
    host.write(f"{STATE}/joined", render.vrrp_group(plan, examples.VIP))
    host.write(paths.VRRP_STATE, f"{state}\n")
    done = host.hostctl("apply", "keepalived", stdin=bundle(service="keepalived"), patience_s=0)
    assert (done.returncode == 0) == well, done.stdout
    assert ("the old files are back" in done.stdout) != well
    assert host.path(paths.KEEPALIVED_CONF).exists() == well
    if well:
        assert host.hostctl("join", "m1", patience_s=0).returncode == 0
        host.write(paths.VRRP_STATE, "FAULT\n")
        done = host.hostctl("join", "m1", patience_s=0)
        assert done.returncode == 1
        assert "keepalived did not become healthy" in done.stdout


def test_a_holder_of_version_2_is_restarted_without_telling_its_peers_to_wait(host: Host) -> None:
    """They would not: how long they wait is a setting of their own there."""
    change: dict[str, Any] = {"keepalived": {"vrrp_version": 2}, "failover": {"preset": "tolerant"}}
    plan = examples.planned(examples.topology() | change)
    host.write(f"{STATE}/joined", render.vrrp_group(plan, examples.VIP))
    host.write(paths.VRRP_STATE, "MASTER\n")
    done = host.hostctl("apply", "keepalived", stdin=bundle(service="keepalived", **change))
    assert done.returncode == 0, done.stdout
    asked = [line for line in host.asked().splitlines() if "load keep" in line or "start keep" in line]
    assert asked == ["systemctl restart keepalived"]
    assert "pkill" not in host.asked()


@pytest.mark.parametrize("how", ["enabled", "disabled"])
def test_a_boot_starts_it_once_it_is_changed(host: Host, how: str) -> None:
    boots(host, how)
    applied(host, bundle())
    assert host.path("boot").read_text() == "enabled\n"


@pytest.mark.parametrize("how", ["enabled", "disabled"])
def test_a_boot_starts_it_afterwards_if_one_did(host: Host, how: str) -> None:
    host.write("active", "inactive\n")
    boots(host, how)
    fails(host, bundle())
    assert host.path("boot").read_text() == f"{how}\n"


def test_what_a_package_enabled_was_not_there_before(host: Host) -> None:
    """Between two attempts the first of which failed."""
    host.write("active", "inactive\n")
    host.write(f"{STATE}/enabled-haproxy", "")
    boots(host, "enabled")
    fails(host, bundle())
    host.program("systemctl", PROGRAMS["systemctl"])
    host.write("active", "active\n")
    applied(host, bundle())
    assert host.path(f"{STATE}/enabled-haproxy").read_text() == ""


def test_a_firewall_that_does_not_open_leaves_the_host_to_nobody(host: Host) -> None:
    host.program(
        "firewall-cmd",
        """case "$*" in
        *--state*) echo running ;;
        *--get-*) echo public ;;
        *--query-port=*) exit 1 ;;
        *--add-port=33305/tcp*) echo 'INVALID_ZONE'; exit 1 ;;
        *) echo "firewall-cmd $*" >>"$ROOT/asked" ;;
        esac""",
    )
    done = host.hostctl("apply", "haproxy", stdin=bundle())
    assert done.returncode == 1
    assert "firewalld does not open port=33305/tcp: INVALID_ZONE" in done.stdout
    assert "the old files are back" in done.stdout
    assert host.path(CFG).read_text() == SHIPPED
    assert not host.path(f"{STATE}/owner").exists()
    asked = host.asked().splitlines()
    opened = [line for line in asked if "--add-port" in line]
    assert opened
    assert {line.replace("--add-", "--remove-") for line in opened} <= set(asked), "nothing is left open"


def test_a_password_there_was_comes_back_with_the_mode_it_had(host: Host) -> None:
    secret = f"/etc/keepalived/{paths.AUTH_NAME}"
    host.write(secret, "auth_pass theirs\n", 0o660)
    assert host.hostctl("secret", stdin="k8s_auth\n").returncode == 0
    assert host.path(secret).read_text() == "auth_pass k8s_auth\n"
    assert host.path(secret).stat().st_mode & 0o777 == 0o600
    assert host.hostctl("retire", "cp").returncode == 0
    assert host.path(secret).read_text() == "auth_pass theirs\n"
    assert host.path(secret).stat().st_mode & 0o777 == 0o660


def test_a_firewall_closes_what_is_needed_no_more(host: Host) -> None:
    host.program(
        "firewall-cmd",
        """echo "firewall-cmd $*" >>"$ROOT/asked"
        case "$*" in
        *--state*) echo running ;;
        *--get-*) echo public ;;
        *--query-port=*) exit 1 ;;
        esac""",
    )
    applied(host, bundle())
    assert "remove" not in host.asked()
    applied(host, bundle(port=17443))
    closed = {line for line in host.asked().splitlines() if "--remove" in line}
    assert closed == {
        f"firewall-cmd --zone=public --remove-port=16443/tcp{when}" for when in ("", " --permanent")
    }


def test_a_clock_that_is_set_meanwhile_ends_no_wait(host: Host) -> None:
    host.program(
        "date",
        'exec /bin/date --date "+$((SECONDS + $(cat "$ROOT/hours" 2>/dev/null || echo 0))) hours" "$@"',
    )
    host.program(
        "curl",
        """echo 8 >"$ROOT/hours"
        tries=$(cat "$ROOT/tries" 2>/dev/null || echo 0)
        echo $((tries + 1)) >"$ROOT/tries"
        [ "$tries" -ge 3 ]""",
    )
    applied(host, bundle())
