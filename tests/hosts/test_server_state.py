"""What a new worker knows of the servers: their health from the old one, and their place from its own configuration."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from components.rendering import paths, render
from drill.settle import SERVER_STATES, SERVERS
from sandbox.hosts.images import DEFAULT
from sandbox.hosts.mirror import ensure_tools
from tests.hosts import live
from tests.hosts.conftest import Judges
from tests.hosts.test_streams import TCP_CHECK, echoing, server
from tests.ports import free_port
from tests.unit.components import examples
from tests.waiting import eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]
__all__ = ["server"]


def save_state(directory: Path) -> None:
    """Do what a reload does first, to the HAProxy whose files are in `directory`."""
    plan = examples.planned(examples.topology())
    text = render.haproxy_events(plan, plan.balancers[0]).replace(
        paths.HAPROXY_CFG, f"{directory}/haproxy.cfg"
    )
    script = directory / "haproxy-events"
    script.write_text(text.replace(paths.RUNTIME, str(directory)))
    bash(str(script), "save-state")


def bash(*arguments: str) -> str:
    """Run bash with what hosts have, socat among it; return what it says."""
    tools = ensure_tools(DEFAULT.id, lambda _: None)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", *arguments], env=environment, check=True, timeout=30, capture_output=True, text=True
    ).stdout


def move(directory: Path, before: int, after: int) -> None:
    """Have the configuration name another port of every kube-apiserver."""
    file = directory / "haproxy.cfg"
    file.write_text(re.sub(rf":{before} check", f":{after} check", file.read_text()))


def statuses(haproxy: live.Live) -> set[str]:
    """What HAProxy says of the kube-apiservers."""
    rows = [line.split(",") for line in haproxy.get("/stats;csv").text.splitlines()]
    at = rows[0].index("status")
    return {row[at] for row in rows[1:] if len(row) > at and row[1] not in ("FRONTEND", "BACKEND")}


def test_a_server_that_has_another_port_is_served_there(
    judges: Judges, server: socket.socket, tmp_path: Path
) -> None:
    old, new = free_port(), server.getsockname()[1]
    with live.running(judges, tmp_path, backend=old, **TCP_CHECK) as haproxy:
        eventually("nobody is there yet", lambda: "DOWN" in statuses(haproxy))
        move(tmp_path, old, new)
        save_state(tmp_path)
        with echoing(server), live.reloaded(judges, tmp_path, haproxy) as after:
            eventually("the new port is checked", lambda: statuses(after) == {"UP"})
            with socket.create_connection(("127.0.0.1", after.port), 10) as client:
                client.sendall(b"hello")
                assert client.recv(5) == b"hello"


def test_a_dead_server_stays_dead(judges: Judges, tmp_path: Path) -> None:
    """Nobody's request goes there before the new worker has found out by itself."""
    port = free_port()
    with live.running(judges, tmp_path, backend=port, **TCP_CHECK) as haproxy:
        eventually("nobody is there", lambda: statuses(haproxy) == {"DOWN"})
        save_state(tmp_path)
        file = tmp_path / "haproxy.cfg"
        file.write_text(
            file.read_text().replace(f":{port} check", f":{port} check inter 1h fastinter 1h downinter 1h")
        )
        with live.reloaded(judges, tmp_path, haproxy) as after:
            assert statuses(after) == {"DOWN"}


def test_a_server_that_haproxy_does_not_use_is_missing_for_the_drill(
    judges: Judges, server: socket.socket, tmp_path: Path
) -> None:
    """An apiserver may be ready for a while before the balancers' checks have noticed."""

    def missing(haproxy_socket: str) -> list[str]:
        return bash("-c", SERVERS.format(socket=haproxy_socket, **SERVER_STATES)).splitlines()

    admin = f"{tmp_path}/haproxy.sock"
    port = server.getsockname()[1]
    assert missing(admin) == [], "another configuration has no such socket"
    with live.running(judges, tmp_path, backend=free_port(), **TCP_CHECK) as haproxy:
        eventually("nobody is there", lambda: statuses(haproxy) == {"DOWN"})
        assert {line.rpartition(" ")[2] for line in missing(admin)} == {"down"}
    with (
        live.running(judges, tmp_path, backend=port, **TCP_CHECK) as haproxy,
        echoing(server),
    ):
        eventually("all are there", lambda: statuses(haproxy) == {"UP"})
        assert missing(admin) == []
        # One that is not ready keeps what it has, and gets nothing new.
        backend, name = known(tmp_path)

        def drains() -> bool:
            bash(
                "-c",
                f"echo set server {backend}/{name} health stopping | socat -t 1 stdio UNIX-CONNECT:{admin}",
            )
            return missing(admin) == [f"its haproxy lets {name} drain"]

        eventually("no check takes that back meanwhile", drains)


def known(directory: Path) -> tuple[str, str]:
    """The name of the backend and that of a server, in the configuration in `directory`."""
    text = (directory / "haproxy.cfg").read_text()
    backend, server = re.search(r"^backend (\S+)", text, re.M), re.search(r"^ +server (\S+)", text, re.M)
    assert backend is not None
    assert server is not None
    return backend[1], server[1]
