"""Whom a balancer listens to before it takes part, and whom it goes on telling when they have left."""

from pathlib import Path

import pytest

from components.rendering import paths
from sandbox.hosts.mirror import ensure_tools
from tests.hosts.conftest import IMAGE
from tests.hosts.fake_host import STATE, Host, made

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

OWN, PEER, STRANGER, GONE = "10.0.0.11", "10.0.0.12", "10.0.0.99", "10.0.0.98"
GROUP = "version 3\nrouter_id 17\nadvert_ms 200\npassword no\nvip 10.0.0.10\n"
DEAF = "3163fc010014abcd0a000009"
"""An advert with another router id, for another VIP."""
ALIKE = "3111fc010014abcd0a00000a"
LEAVING = "311100010014abcd0a00000a"
VIP = "10.0.0.10"
WAITING_FOR_LEAVER = f"{paths.RUNTIME}/outwaits"
LEAVERS = "/etc/keepalived/leavers.conf"
SPEAKING = f"""
ip link set lo up
for address in {OWN} {PEER} {STRANGER}; do ip address add $address/32 dev lo; done
python3 -c '
import socket, sys, time
says = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
says.bind((sys.argv[1], 0))
for _ in range(100):
    says.sendto(bytes.fromhex(sys.argv[2]), ("{OWN}", 0))
    time.sleep(0.1)
' "$1" "$2" &
trap 'kill $!' EXIT
limit=$3
shift 3
timeout "$limit" "$@"
"""
"""Run a command in a network namespace in which somebody says something for ten seconds."""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A balancer with one peer whose group has changed."""
    host = made(tmp_path)
    host.write(paths.GROUP, GROUP)
    host.write(
        paths.KEEPALIVED_CONF, f"vrrp_instance V {{\n    unicast_peer {{\n        {PEER}\n    }}\n}}\n"
    )
    for name in ("ip", "socat"):
        host.path(f"bin/{name}").unlink()
    host.program("socat", f'exec {ensure_tools(IMAGE, lambda _: None)}/socat "$@"')
    return host


def turn_comes(host: Host, speaker: str, advert: str = DEAF, limit_s: int = 7) -> bool:
    """Whether the wait for its turn ends while somebody speaks, at the latest when all have been silent for long."""
    inside = ("unshare", "--net", "bash", "-c", SPEAKING, "bash", speaker, advert, str(limit_s))
    done = host.hostctl("await-turn", "lead", before=inside)
    assert done.returncode in (0, 124), done.stdout
    return done.returncode == 0


def test_a_peer_that_speaks_another_vrrp_is_waited_for(host: Host) -> None:
    assert not turn_comes(host, PEER)


def test_one_listener_that_fails_is_not_the_silence_of_all(host: Host) -> None:
    host.write(LEAVERS, "10.0.0.13\n")
    real = ensure_tools(IMAGE, lambda _: None) / "socat"
    host.program("socat", f'[[ $* != *range=10.0.0.13* ]] || exit 1\nexec {real} "$@"')
    assert not turn_comes(host, PEER)


def test_one_that_speaks_alike_is_joined(host: Host) -> None:
    assert turn_comes(host, PEER, ALIKE)


def test_one_that_takes_its_leave_is_no_holder_yet(host: Host) -> None:
    assert not turn_comes(host, PEER, LEAVING, limit_s=2)


@pytest.mark.parametrize(
    ("before", "now", "limits"),
    [
        (None, 200, ("3", "6")),
        (1000, 200, ("6", "12")),
        (200, 1000, ("6", "12")),
        (None, 2000, ("12", "24")),
    ],
)
def test_silence_is_as_long_as_the_slower_vrrp_needs(
    host: Host, before: int | None, now: int, limits: tuple[str, str]
) -> None:
    """The planned holder goes first where nobody speaks."""
    for lead, limit in zip((("lead",), ()), limits, strict=True):
        host.write(paths.GROUP, GROUP.replace("200", str(now)))
        host.path(f"{STATE}/joined").unlink(missing_ok=True)
        if before:
            host.write(f"{STATE}/joined", GROUP.replace("200", str(before)))
        host.program("timeout", 'echo "$1" >>"$ROOT/listened"')
        assert host.hostctl("await-turn", *lead).returncode == 0
        assert (host.root / "listened").read_text().split()[-1] == limit


def test_balancers_of_another_endpoint_keep_nobody_waiting(host: Host) -> None:
    assert turn_comes(host, STRANGER)


def test_a_leaver_is_a_peer_until_it_has_stopped(host: Host) -> None:
    host.write(LEAVERS, f"{STRANGER}\n")
    assert not turn_comes(host, STRANGER)


def events(*answered: str) -> str:
    """A haproxy-events that finds HAProxy on these hosts."""
    return f'#!/bin/bash\n[[ " {" ".join(answered)} " == *" $2 "* ]]\n'


def test_a_new_balancer_outwaits_a_holder_that_it_will_never_hear(host: Host) -> None:
    """One that leaves tells those alone that it has known; it hands over when it is removed, after everything else."""
    host.write(paths.EVENTS, events(VIP), 0o755)
    host.path(WAITING_FOR_LEAVER).parent.mkdir(parents=True, exist_ok=True)
    assert not turn_comes(host, STRANGER)
    assert host.path(WAITING_FOR_LEAVER).exists(), "the up does not wait for it"
    assert turn_comes(host, PEER, ALIKE), "who took over is heard"
    assert not host.path(WAITING_FOR_LEAVER).exists()


def test_whoever_has_been_one_of_them_takes_silence_for_its_turn(host: Host) -> None:
    """Its holder changes as the master, and is silent meanwhile."""
    host.write(paths.EVENTS, events(VIP), 0o755)
    host.write(f"{STATE}/joined", GROUP.replace("17", "18"))
    assert turn_comes(host, STRANGER)


def test_an_up_goes_on_while_a_new_balancer_waits(host: Host) -> None:
    host.program(
        "systemctl",
        f"""
        case $1 in
        start) touch {host.path(WAITING_FOR_LEAVER)}; exec sleep 50 ;;
        is-active) echo activating ;;
        esac""",
    )
    host.path(WAITING_FOR_LEAVER).parent.mkdir(parents=True, exist_ok=True)
    done = host.hostctl("join", "m3")
    assert done.returncode == 0, done.stdout
    assert "A balancer that leaves has the VIP" in done.stdout


def forget(host: Host) -> str:
    """What is told on after it has been asked who is still there."""
    if not host.path(f"{STATE}/joined").exists():
        host.write(f"{STATE}/joined", GROUP)
    done = host.hostctl("forget-leavers")
    assert done.returncode == 0, done.stdout
    return host.path(LEAVERS).read_text()


def test_a_leaver_whose_port_is_not_the_new_one_is_told_on(host: Host) -> None:
    host.write(LEAVERS, f"{PEER}\n{STRANGER}\n")
    host.write(paths.EVENTS, events(), 0o755)
    host.write(f"{STATE}/haproxy-events", events(PEER), 0o755)
    assert PEER in forget(host)
    assert STRANGER not in forget(host)
    host.write(f"{STATE}/haproxy-events", events(), 0o755)
    assert PEER not in forget(host)


def test_the_next_leaver_is_asked_on_the_port_of_now(host: Host) -> None:
    host.write(LEAVERS, f"{PEER}\n")
    host.write(paths.EVENTS, events(), 0o755)
    host.write(f"{STATE}/haproxy-events", "#!/bin/bash\nexit 1\n", 0o755)
    forget(host)
    assert host.path(f"{STATE}/haproxy-events").read_text() == events()


def test_the_firewall_lets_a_leaver_in_until_it_is_forgotten(host: Host) -> None:
    rule = "rich-rule=rule family=ipv4 source address={} protocol value=vrrp accept"
    noted = f"{STATE}/firewall-keepalived"
    host.program("firewall-cmd", 'echo "$*" >>"$ROOT/asked"; [ "$1" != --state ] || echo running')
    host.write(noted, "".join(f"--runtime public {rule.format(one)}\n" for one in (PEER, STRANGER)))
    host.write(LEAVERS, f"{STRANGER}\n{GONE}\n")
    host.write(paths.EVENTS, events(STRANGER), 0o755)
    forget(host)
    assert rule.format(STRANGER) in host.path(noted).read_text(), "it may hold the VIP still"
    host.write(paths.EVENTS, events(), 0o755)
    forget(host)
    assert host.path(noted).read_text() == f"--runtime public {rule.format(PEER)}\n"
    assert f"--zone=public --remove-{rule.format(STRANGER)}" in host.asked()


def test_a_holder_whose_new_files_wait_for_the_others_does_not_read_them_for_a_leaver(host: Host) -> None:
    host.write(LEAVERS, f"{STRANGER}\n")
    host.write(paths.EVENTS, events(), 0o755)
    host.write(f"{STATE}/joined", GROUP.replace("17", "18"))
    assert STRANGER in forget(host)
    assert "reload keepalived" not in host.asked()
    host.write(f"{STATE}/joined", GROUP)
    host.write(f"{STATE}/unfinished-keepalived", "")
    assert STRANGER in forget(host)
    host.path(f"{STATE}/unfinished-keepalived").unlink()
    assert STRANGER not in forget(host), "the timer asks again"
    assert "reload keepalived" in host.asked()


def test_after_a_boot_leavers_are_asked_again(host: Host) -> None:
    host.write(LEAVERS, f"{STRANGER}\n")
    host.program("systemctl", "[ $1 != is-active ]")
    host.write(f"{STATE}/joined", GROUP)
    assert host.hostctl("await-turn").returncode == 0
    assert "systemd-run --quiet --collect --unit kube-apiserver-havip-leavers" in host.asked()
