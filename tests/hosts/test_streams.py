"""What becomes of connections when HAProxy gives way to a new worker, and when one end has gone."""

import contextlib
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import live
from tests.hosts.conftest import Judges
from tests.waiting import eventually

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
        eventually("it listens no more", lambda: not live.answers(haproxy))
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


def test_a_dead_backend_s_streams_are_cut(judges: Judges, server: socket.socket, tmp_path: Path) -> None:
    port = server.getsockname()[1]
    with (
        live.running(judges, tmp_path, backend=port, **TCP_CHECK) as haproxy,
        connected(haproxy, server) as (client, _),
    ):
        assert not ended(client, 2), "its stream is cut while it lives"
        server.close()
        assert ended(client, 10), "the stream of a dead one is kept"


def test_a_dead_backend_s_streams_are_cut_after_a_reload_too(
    judges: Judges, server: socket.socket, tmp_path: Path
) -> None:
    """The old worker, which has them, checks nobody."""
    port = server.getsockname()[1]
    with (
        live.running(judges, tmp_path, backend=port, **TCP_CHECK) as haproxy,
        connected(haproxy, server) as (client, end),
        live.reloaded(judges, tmp_path, haproxy),
    ):
        assert not ended(client, 3), "its stream is cut by the reload"
        end.sendall(b"x")
        client.settimeout(5)
        assert client.recv(1) == b"x"
        server.close()
        assert ended(client, 10), "the stream of a dead one is kept"
        eventually("the old worker, left by all, ends", lambda: haproxy.process.poll() is not None)


@contextmanager
def echoing(server: socket.socket) -> Iterator[None]:
    """Answer every connection with what it says first."""

    def echo(end: socket.socket) -> None:
        with end, contextlib.suppress(OSError):
            end.settimeout(10)
            end.sendall(end.recv(5))

    def work() -> None:
        with ThreadPoolExecutor(50) as pool, contextlib.suppress(OSError):
            while True:
                pool.submit(echo, server.accept()[0])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        thread.join(20)


@contextmanager
def unreachable() -> Iterator[int]:
    """A port whose connections nobody takes or refuses, as those to a host that was cut off: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield int(full.getsockname()[1])


def test_what_is_being_connected_when_a_backend_is_found_dead_is_sent_to_another(
    judges: Judges, server: socket.socket, tmp_path: Path
) -> None:
    def first_is_unreachable(text: str) -> str:
        return text.replace(f"127.0.0.1:{server.getsockname()[1]} check", f"127.0.0.1:{silent} check", 1)

    def asked(port: int) -> str:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as client:
                client.sendall(b"hello")
                return client.recv(5).decode()
        except OSError as error:
            return str(error)

    with unreachable() as silent, echoing(server):
        changes = TCP_CHECK | {"haproxy": {"balance": "roundrobin"}}
        running = live.running(
            judges, tmp_path, backend=server.getsockname()[1], edit=first_is_unreachable, **changes
        )
        with running as haproxy, ThreadPoolExecutor(50) as pool:
            requests = []
            for _ in range(150):  # 3 s: until long after it is dead
                requests.append(pool.submit(asked, haproxy.port))
                time.sleep(0.02)
            outcomes = Counter(request.result() for request in requests)
            log = (tmp_path / "log").read_text()
    assert outcomes == {"hello": 150}, f"{outcomes}: {log}"
