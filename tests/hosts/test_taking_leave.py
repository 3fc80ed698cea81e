"""What a host says for a keepalived that was killed, to a real one: it takes over without missing adverts first."""

from pathlib import Path
from typing import Any

import pytest

from components.rendering import paths, render
from sandbox.hosts.images import DEFAULT
from sandbox.hosts.mirror import ensure_tools
from tests.hosts.conftest import Judges
from tests.hosts.fake_host import STATE, Host, made
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

ADVERT_S = 5
"""A peer that hears nothing takes over after three of them: later than anything here."""
NEXT = "10.0.0.20"
HELD = f"ip address add {examples.VIP}/32 dev near"
GROUPS: dict[str, dict[str, Any]] = {
    "version 3": {"keepalived": {"vrrp_version": 3}},
    "version 2": {"keepalived": {"vrrp_version": 2}},
    "version 2 with a password": {"keepalived": {"vrrp_version": 2, "auth": True}},
}
# Two networks with a wire between: here the host whose keepalived was killed, in the other one its peer.
BETWEEN = """
set -eu
unshare --net sleep 30 & peer=$!
trap 'kill $peer' EXIT
until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
there() { nsenter --net=/proc/$peer/ns/net "$@"; }
ip link set lo up
ip link add near type veth peer name far netns $peer
ip address add OWN/24 dev near; ip link set near up; SETTING
there ip address add PEER/24 dev far; there ip link set far up
# As bash knows it: what `there` starts in the background is a shell's child.
nsenter --net=/proc/$peer/ns/net KEEPALIVED --dont-fork --log-console --use-file CONF --pid PID --vrrp_pid PID.vrrp \\
    >LOG 2>&1 & keepalived=$!
trap 'kill $keepalived; wait $keepalived || true; kill $peer' EXIT
holds() { [ -n "$(there ip -o address show to VIP)" ]; }
for try in $(seq 100); do ! grep -q "BACKUP STATE" LOG || break; sleep 0.1; done
sleep 1
! holds || echo "took over unasked"
"$@"
for try in $(seq 40); do if holds; then echo "took over"; break; fi; sleep 0.05; done
[ -z "$(ip -o address show to VIP dev near)" ] || echo "took over or not, it is still here"
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with the machine's own `ip`, and with socat."""
    host = made(tmp_path)
    for name in ("ip", "ss", "socat"):
        host.path(f"bin/{name}").unlink()
    host.path("bin/socat").symlink_to(ensure_tools(DEFAULT.id, lambda _: None) / "socat")
    return host


def check(
    host: Host,
    judges: Judges,
    expected: list[str],
    *,
    group: str = "version 3",
    setting: str = HELD,
    result: str = "signal",
    answers: str = "true",
    staged: bool = False,
) -> None:
    """Check what becomes of the VIP at the peer when the host drops it.

    `setting` is how the host has it, `result` how systemd says that keepalived ended, `answers` whether the peer's
    HAProxy does. Its files are `staged` if they speak of another VRRP, which it has not changed to yet.
    """
    given = examples.topology() | GROUPS[group]
    plan = examples.planned(
        given | {"failover": {"preset": "tolerant", "advert_interval_ms": 1000 * ADVERT_S}}
    )
    own, peer = plan.balancers
    host.write("/etc/keepalived/keepalived.conf", render.keepalived_conf(plan, own, examples.VIP))
    spoken = render.vrrp_group(plan, examples.VIP)
    host.write(paths.GROUP, spoken)
    if staged:
        host.write(f"{STATE}/joined", spoken)
        host.write(paths.GROUP, spoken.replace(examples.VIP, NEXT).replace("router_id ", "router_id 1"))
    host.write("/etc/keepalived/auth.conf", "auth_pass k8s_auth\n")
    host.write(paths.EVENTS, f'#!/bin/bash\n[ "$*" = "answers {peer.address}" ] && {answers}\n', 0o755)
    secret = (
        "authentication {\n auth_type PASS\n auth_pass k8s_auth\n }" if plan.settings.keepalived.auth else ""
    )
    host.write(
        "peer.conf",
        f"vrrp_instance peer {{\n state BACKUP\n interface far\n version {plan.settings.keepalived.vrrp_version}\n"
        f" virtual_router_id {plan.router_id}\n priority 250\n advert_int {ADVERT_S}\n {secret}\n"
        f" unicast_src_ip {peer.address}\n unicast_peer {{\n {own.address}\n }}\n"
        f" virtual_ipaddress {{\n {examples.VIP}\n }}\n}}\n",
    )
    script = BETWEEN
    for word, meant in {
        "SETTING": f"{setting}; export SERVICE_RESULT={result}",
        "OWN": own.address,
        "PEER": peer.address,
        "VIP": examples.VIP,
        "KEEPALIVED": judges.keepalived,
        "CONF": host.path("peer.conf"),
        "PID": host.path("pid"),
        "LOG": host.path("log"),
    }.items():
        script = script.replace(word, str(meant))
    inside = ("unshare", "--net", "bash", "-c", script, "bash")
    done = host.hostctl("release", NEXT if staged else examples.VIP, before=inside)
    assert done.returncode == 0, done.stdout
    found = [line for line in done.stdout.splitlines() if line.startswith("took over")]
    assert found == expected, f"{done.stdout}\nthe peer said:\n{host.path('log').read_text()}"


@pytest.mark.parametrize("group", GROUPS)
def test_a_peer_takes_over_when_a_host_drops_what_a_dead_keepalived_left(
    group: str, host: Host, judges: Judges
) -> None:
    check(host, judges, ["took over"], group=group)


def test_a_holder_drops_the_vip_that_it_has_though_its_files_have_another(host: Host, judges: Judges) -> None:
    """They wait for the others; its peer still has what they had."""
    check(host, judges, ["took over"], staged=True)


def test_whatever_prefix_the_address_has(host: Host, judges: Judges) -> None:
    """Somebody else's keepalived, taken over while it holds the VIP, may have given it the network's."""
    check(host, judges, ["took over"], setting=f"ip address add {examples.VIP}/24 dev near")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"setting": "true"}, id="one that is not the holder"),
        pytest.param(
            {"setting": f"{HELD}; ip address add {examples.VIP}/32 dev lo"},
            id="one that is about to be master again",
        ),
        pytest.param({"result": "watchdog"}, id="one that hung: another is master"),
        pytest.param({"answers": "false"}, id="one whose peer cannot serve"),
    ],
)
def test_nobody_takes_over_from(case: dict[str, Any], host: Host, judges: Judges) -> None:
    check(host, judges, [], **case)


def test_one_peer_is_told_the_first_that_can_serve(host: Host) -> None:
    """Told one after the other, each would take the VIP from the one before."""
    peers = [f"10.0.0.{number}" for number in (12, 13, 14)]
    hosts = [{"name": f"m{address}", "address": address} for address in ("10.0.0.11", *peers)]
    plan = examples.planned(examples.topology() | {"balancers": hosts})
    host.write(paths.KEEPALIVED_CONF, render.keepalived_conf(plan, plan.balancers[0], examples.VIP))
    host.write(paths.GROUP, render.vrrp_group(plan, examples.VIP))
    host.write(paths.EVENTS, f'#!/bin/bash\n[ "$*" != "answers {peers[0]}" ]\n', 0o755)
    host.program(
        "ip", '[ "$2" != delete ] || touch "$ROOT/dropped"; [ -e "$ROOT/dropped" ] || echo 2: near inet'
    )
    host.path("bin/socat").unlink()
    host.program("socat", 'cat >/dev/null; echo "$*" | grep -o "IP4-SENDTO:[0-9.]*" >>"$ROOT/told"')
    host.program("ss", "true")
    done = host.hostctl("release", examples.VIP, before=("env", "SERVICE_RESULT=signal"))
    assert done.returncode == 0, done.stdout
    assert (host.root / "told").read_text().split() == [f"IP4-SENDTO:{peers[1]}"]
