"""What becomes of connections when HAProxy gives way to a new worker, and when one end has gone."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import live
from tests.hosts.conftest import Judges

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]

TCP_CHECK: dict[str, Any] = {"health_check": {"kind": "tcp"}}


@contextmanager
def connected(haproxy: live.Live, server: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of one stream through HAProxy: the client's and the kube-apiserver's."""
    with socket.create_connection(("127.0.0.1", haproxy.port), 10) as client:
        client.sendall(b"hello")
        while True:  # HAProxy's checks connect, too, and say nothing
            end, _ = server.accept()
            end.settimeout(10)
            if end.recv(5) == b"hello":
                break
            end.close()
        with end:
            yield client, end


def ended(stream: socket.socket, within_s: float) -> bool:
    """Whether the stream ends within that time."""
    stream.settimeout(within_s)
    try:
        return stream.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Something that accepts connections, in place of every kube-apiserver."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        listening.settimeout(20)
        yield listening


def test_an_old_worker_serves_its_streams_but_not_for_ever(
    judges: Judges, server: socket.socket, tmp_path: Path
) -> None:
    port = server.getsockname()[1]
    changes = TCP_CHECK | {"haproxy": {"hard_stop_after": "4s"}}
    with (
        live.running(judges, tmp_path, backend=port, **changes) as haproxy,
        connected(haproxy, server) as (client, end),
    ):
        haproxy.process.send_signal(signal.SIGUSR1)  # what a reload tells an old worker
        live.eventually(lambda: not live.answers(haproxy), "it listens no more")
        assert not ended(client, 1), "its stream was cut at once"
        end.sendall(b"x")
        client.settimeout(5)
        assert client.recv(1) == b"x"
        assert ended(client, 20), "the old worker lives on"


def test_a_stream_that_one_end_has_left_is_reaped(
    judges: Judges, server: socket.socket, tmp_path: Path
) -> None:
    port = server.getsockname()[1]
    changes = TCP_CHECK | {"haproxy": {"timeout_client_fin": "1s", "timeout_server_fin": "1s"}}
    with (
        live.running(judges, tmp_path, backend=port, **changes) as haproxy,
        connected(haproxy, server) as (client, end),
    ):
        client.shutdown(socket.SHUT_WR)
        assert ended(end, 5), "the end of the client is passed on"
        assert ended(client, 15), "half a connection is kept for ever"
