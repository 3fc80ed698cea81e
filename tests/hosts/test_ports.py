"""Ports that HAProxy is to listen on: not to be had by outgoing connections, and awaited before anything is changed.

In a network namespace of its own, whose kernel has but one port to give to outgoing connections: HAProxy's.
"""

import os
import subprocess
from pathlib import Path

import pytest

from components.rendering import paths, render
from sandbox.hosts.mirror import ensure_tools
from tests.hosts.conftest import IMAGE
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

PORT = 40123
CONNECT = """
import socket, sys, time
there = socket.create_server(("127.0.0.1", 7))
end = socket.create_connection(("127.0.0.1", 7))
assert end.getsockname()[1] == 40123, end
print("connected", flush=True)
time.sleep(float(sys.argv[1]))
there.accept()[0].close()  # first, or TIME_WAIT would be on this side
time.sleep(0.1)
end.close()
"""
LISTEN = f"""
import socket, time
here = socket.create_server(("127.0.0.1", {PORT}))
print("listening", flush=True)
time.sleep(20)
"""
BEGIN = f"""
set -e
ip link set lo up
echo "{PORT} {PORT}" >/proc/sys/net/ipv4/ip_local_port_range
for part in head transaction ports; do source {render.TEMPLATES}/hostctl/$part.sh; done
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
PORTS_FREE_WITHIN_S=3 service=haproxy stage=$1 reached="" ahead=m2
beside() {{ coproc python3 -c "$@"; read -r said <&"${{COPROC[0]}}"; }}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """The files of a HAProxy that is to listen on the port, before they are put where they belong."""
    plan = examples.planned(examples.topology() | {"monitor_port": PORT})
    for path, text in (
        (paths.HAPROXY_CFG, render.haproxy_cfg(plan)),
        (paths.EVENTS, render.haproxy_events(plan, plan.balancers[0])),
    ):
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_text(text)
        file.chmod(0o755)
    return tmp_path


def inside(stage: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """Run hostctl's own functions in a namespace that goes with them."""
    tools = ensure_tools(IMAGE, lambda _: None)
    return subprocess.run(
        ["unshare", "--net", "bash", "-c", BEGIN + script, "bash", str(stage)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
    )


def test_what_is_reserved_is_given_to_no_outgoing_connection(stage: Path) -> None:
    done = inside(
        stage,
        """
        echo 5000 >/proc/sys/net/ipv4/ip_local_reserved_ports
        await_ports
        cat /proc/sys/net/ipv4/ip_local_reserved_ports
        python3 -c 'import socket; socket.create_connection(("127.0.0.1", 7))' 2>&1 || true
        """,
    )
    assert done.stdout.splitlines()[0] == f"5000,16443,{PORT}", done.stderr
    assert "Cannot assign requested address" in done.stdout


def test_a_port_that_a_connection_has_is_awaited(stage: Path) -> None:
    done = inside(stage, f"beside '{CONNECT}' 1; await_ports; echo free")
    assert (done.returncode, done.stdout) == (0, "free\n"), done.stderr


def test_a_port_that_a_connection_keeps_is_refused(stage: Path) -> None:
    done = inside(stage, f"beside '{CONNECT}' 20; await_ports; echo free")
    assert done.returncode == 1
    said = f"HAProxy cannot listen on port {PORT}: for 3 s a connection has had it as its own; nothing was changed."
    assert said in done.stderr
    assert f"choose a port outside of {PORT}-{PORT}" in done.stderr
    assert "python3" in done.stderr, "who has it is named"
    assert "This host keeps the one before it, and so do: m2." in done.stderr


def test_a_port_that_somebody_else_listens_on_is_refused_at_once(stage: Path) -> None:
    done = inside(stage, f"PORTS_FREE_WITHIN_S=60; beside '{LISTEN}'; await_ports; echo free")
    assert done.returncode == 1
    assert f'HAProxy cannot listen on port {PORT}: users:(("python3"' in done.stderr
