"""Who is killed for a hung HAProxy: one that is silent, and nobody else."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components import render
from tests.hosts.live import free_port
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

ANSWER = b"HTTP/1.0 503 Service Unavailable\r\n\r\n"


@contextmanager
def nobody(_port: int) -> Iterator[None]:
    """HAProxy is not there."""
    yield


@contextmanager
def silent(port: int) -> Iterator[None]:
    """It hangs: the kernel takes connections for it, and that is all."""
    with socket.create_server(("127.0.0.1", port)):
        yield


@contextmanager
def late(port: int) -> Iterator[None]:
    """It is busy: a second goes by before each answer."""
    with answering(port, pause_s=1.0):
        yield


@contextmanager
def starting(port: int) -> Iterator[None]:
    """It was down, and comes up while it is being looked at."""

    def come() -> None:
        time.sleep(0.1)
        with answering(port):
            done.wait(30)

    done = threading.Event()
    thread = threading.Thread(target=come)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(10)


@contextmanager
def answering(port: int, pause_s: float = 0.0) -> Iterator[None]:
    """Something that answers as a monitor page with no backend does."""
    server = socket.create_server(("127.0.0.1", port))

    def work() -> None:
        with contextlib.suppress(OSError):
            while True:
                with server.accept()[0] as end:
                    end.recv(1000)
                    time.sleep(pause_s)
                    end.sendall(ANSWER)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


@pytest.mark.parametrize(
    ("state", "killed"), [(silent, True), (late, False), (nobody, False), (starting, False)]
)
def test_only_a_silent_haproxy_is_killed(
    state: Callable[[int], contextlib.AbstractContextManager[None]], killed: bool, tmp_path: Path
) -> None:
    port = free_port()
    plan = examples.planned(examples.topology() | {"monitor_port": port})
    script, calls = tmp_path / "haproxy-events", tmp_path / "calls"
    script.write_text(render.haproxy_events(plan, plan.balancers[0]))
    for name in ("systemctl", "logger"):  # it runs, says systemctl
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{calls}\n')
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with state(port):
        subprocess.run(["bash", script, "revive"], env=environment, check=True, timeout=30)
    said = calls.read_text() if calls.exists() else ""
    assert ("systemctl kill" in said) == killed, said
