"""An endpoint that has all the connections it takes is not a HAProxy that hangs."""

import contextlib
import socket
from pathlib import Path

import pytest

from components.planning import connections
from tests.hosts import live
from tests.hosts.conftest import Judges
from tests.waiting import eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]


def test_the_monitor_answers_when_clients_have_every_connection(judges: Judges, tmp_path: Path) -> None:
    """Or the VIP would go to the peer, which the clients fill next, and HAProxy be killed with their streams."""
    taken = connections.MINIMUM - connections.MONITOR_RESERVE
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1000))
        haproxy = held.enter_context(
            live.running(
                judges,
                tmp_path,
                backend=server.getsockname()[1],
                health_check={"kind": "tcp"},
                haproxy={"maxconn": connections.MINIMUM},
            )
        )

        def all_taken() -> bool:
            return (
                f'haproxy_frontend_current_sessions{{proxy="kube-apiserver"}} {taken}\n'
                in haproxy.get("/metrics").text
            )

        for _ in range(2 * connections.MINIMUM):
            client = held.enter_context(socket.socket())
            client.setblocking(False)  # the kernel keeps some waiting, and is silent to the rest
            client.connect_ex(("127.0.0.1", haproxy.port))
        eventually(f"{taken} clients have a connection, the others wait for one", all_taken)
        assert all(live.answers(haproxy) for _ in range(5))
