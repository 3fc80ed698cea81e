"""A balancer that leaves still speaks as all did before: what ``hostctl`` does meanwhile, and takes back."""

from pathlib import Path
from typing import Any

import pytest

from components.rendering import paths, render
from tests.hosts.fake_host import STATE, Host, bundle, made
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

PEER, LEAVER = "10.0.0.12", "10.0.0.13"
THREE = [*examples.topology()["balancers"], {"name": "k8s-master03", "address": LEAVER}]
LEAVERS, JOINED, SECRET = "/etc/keepalived/leavers.conf", f"{STATE}/joined", "/etc/keepalived/auth.conf"
BEFORE: dict[str, Any] = {"keepalived": {"virtual_router_id": 52}}
OTHER_ID: dict[str, Any] = {"keepalived": {"virtual_router_id": 77}}
WITH_PASSWORD: dict[str, Any] = {
    "keepalived": {"vrrp_version": 2, "auth": True},
    "failover": {"preset": "tolerant"},
}


def group(given: dict[str, Any]) -> str:
    """What all say alike."""
    return render.vrrp_group(examples.planned(examples.topology() | given), examples.VIP)


def answering(host: Host, *addresses: str) -> None:
    """Have HAProxy answer there; all others but the peer leave."""
    script = f'PEERS=({PEER})\n[[ " {" ".join(addresses)} " == *" $2 "* ]]'
    host.write(paths.EVENTS, f"#!/bin/bash\n{script}\n", 0o755)


def applied(host: Host, given: dict[str, Any]) -> tuple[int, str]:
    """Change keepalived's files."""
    text = bundle(service="keepalived", **given)
    done = host.hostctl("apply", "keepalived", stdin=text, patience_s=0)
    return done.returncode, done.stdout


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A backup of three whose third one leaves with the next change."""
    host = made(tmp_path)
    host.write(JOINED, group(BEFORE))
    host.write(paths.VRRP_STATE, "BACKUP\n")
    code, said = applied(host, BEFORE | {"balancers": THREE})
    assert code == 0, said
    answering(host, LEAVER)
    return host


def files(host: Host) -> dict[str, str]:
    """All of its /etc, and what it remembers of VRRP."""
    found = [*host.path("/etc").rglob("*"), host.path(JOINED)]
    return {str(path): path.read_text() for path in found if path.is_file()}


def noted(host: Host) -> None:
    """The leaver was noted by an `up` that ended before it was removed."""
    code, said = applied(host, BEFORE)
    assert code == 0, said
    assert LEAVER in host.path(LEAVERS).read_text()


def stands_aside(host: Host) -> None:
    """An earlier change, which ended half-way, has reached this host and not the leaver."""
    host.write(paths.GROUP, group(OTHER_ID))
    host.write(JOINED, f"{group(BEFORE)}stands aside\n")


@pytest.mark.parametrize("so_far", [lambda _: None, noted, stands_aside], ids=["peer", "noted", "aside"])
def test_vrrp_is_not_changed_beside_a_leaver(host: Host, so_far: Any) -> None:
    so_far(host)
    before, asked = files(host), host.asked()
    code, said = applied(host, OTHER_ID)
    assert code == 1
    assert f"(router_id 52 -> 77) while a balancer leaves that still runs ({LEAVER})" in said
    assert "keepalived was not changed. Make them two updates" in said
    assert "This host keeps the one before it" in said
    assert files(host) == before
    assert not [line for line in host.asked().removeprefix(asked).splitlines() if " is-" not in line]


def test_one_that_is_dead_keeps_nobody_from_it(host: Host) -> None:
    answering(host)
    code, said = applied(host, OTHER_ID)
    assert (code, "stopped and listening" in said) == (0, True), said


def test_what_was_spoken_before_is_the_way_back(host: Host) -> None:
    stands_aside(host)
    code, said = applied(host, BEFORE)
    assert (code, "stopped and listening" in said) == (0, True), said
    assert LEAVER in host.path(LEAVERS).read_text()


def test_with_all_of_them_vrrp_is_changed(host: Host) -> None:
    stands_aside(host)
    assert applied(host, OTHER_ID | {"balancers": THREE})[0] == 0


def test_what_nobody_knows_is_no_change(host: Host) -> None:
    """Of somebody's own keepalived, taken over, the host knows only that it stands aside."""
    host.write(JOINED, "stands aside\n")
    assert applied(host, OTHER_ID)[0] == 0


def digest(host: Host, password: str) -> str:
    """As a host remembers it that has taken part with it."""
    host.write(SECRET, f"auth_pass {password}\n", 0o600)
    sums = f'sha256sum <"{host.path(SECRET)}" >>"{host.path(JOINED)}"'
    host.program("note", sums)
    host.hostctl("may", "no", "cp", before=("bash", "-c", 'note; "$@"', "bash"))
    return host.path(JOINED).read_text()


def test_nor_is_the_password(host: Host) -> None:
    """A backup would stop for it before its other files are judged."""
    for file in (paths.GROUP, JOINED):
        host.write(file, group(WITH_PASSWORD))
    assert len(digest(host, "first1").splitlines()[-1].split()) == 2
    before, asked = files(host), host.asked()
    done = host.hostctl("secret", stdin="second2\n", patience_s=0)
    assert done.returncode == 1
    assert f"(another password) while a balancer leaves that still runs ({LEAVER})" in done.stdout
    assert files(host) == before
    assert host.asked() == asked
    host.write(SECRET, "auth_pass second2\n", 0o600)
    assert host.hostctl("secret", stdin="first1\n", patience_s=0).returncode == 0, "the way back"
    answering(host, PEER)
    done = host.hostctl("secret", stdin="second2\n", patience_s=0)
    assert done.returncode == 0, done.stdout


def fails(host: Host, given: dict[str, Any]) -> None:
    """Change the files where keepalived does not take them."""
    host.write("broken", "")
    code, said = applied(host, given)
    assert (code, "the old files are back" in said) == (1, True), said


def test_who_was_to_leave_is_a_peer_again_if_the_change_is_taken_back(host: Host) -> None:
    remembered = f"{STATE}/haproxy-events"
    host.write(remembered, "#!/bin/bash\n# asks another port\n", 0o755)
    before = host.path(paths.KEEPALIVED_CONF).read_text()
    fails(host, BEFORE)
    assert host.path(paths.KEEPALIVED_CONF).read_text() == before
    assert LEAVER not in host.path(LEAVERS).read_text()
    last = [line for line in host.asked().splitlines() if "leavers" in line][-1]
    assert last.startswith("systemctl stop kube-apiserver-havip-leavers.timer"), (
        "nobody is asked for any more"
    )
    assert "another port" in host.path(remembered).read_text(), "the next attempt asks the leaver there"


def test_who_was_to_come_back_is_told_on_if_the_change_is_taken_back(host: Host) -> None:
    noted(host)
    fails(host, BEFORE | {"balancers": THREE})
    assert LEAVER in host.path(LEAVERS).read_text()


def test_a_run_of_the_version_before_noted_nobody_and_loses_nobody(host: Host) -> None:
    noted(host)
    host.write(f"{STATE}/unfinished-keepalived", "ours before:\n")
    fails(host, BEFORE)
    assert LEAVER in host.path(LEAVERS).read_text()


def test_a_password_that_was_never_spoken_is_not_remembered_as_if_it_was(host: Host) -> None:
    """The step before this one has stored it; what fails now are the files."""
    for file in (paths.GROUP, JOINED):
        host.write(file, group(WITH_PASSWORD))
    spoken = digest(host, "first1")
    answering(host)
    host.write(JOINED, f"{spoken}stands aside\n")
    host.write(SECRET, "auth_pass second2\n", 0o600)
    host.program(
        "firewall-cmd",
        """case "$*" in
        *--state*) echo running ;;
        *--get-*) echo public ;;
        *--query-* | *--add-*) exit 1 ;;
        esac""",
    )
    fails(host, WITH_PASSWORD)
    assert host.path(JOINED).read_text() == f"{spoken}stands aside\n"


def test_where_the_vip_changes_too_the_balancer_is_given_back(host: Host) -> None:
    """The cloud has another HaVip by then: the old VIP cannot be had again first."""
    host.write(JOINED, group(BEFORE).replace(examples.VIP, "10.0.0.99"))
    code, said = applied(host, BEFORE)
    assert code == 1
    assert "Make them two updates: give the balancer back to the endpoint and change the VIP first" in said
