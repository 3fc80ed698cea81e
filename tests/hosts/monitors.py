"""What keepalived's scripts ask, in the states an HAProxy can be in: its monitor's port on a loopback address."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HERE = "127.0.0.1"
ANSWER = b"HTTP/1.0 503 Service Unavailable\r\n\r\n"


@contextmanager
def nobody(_port: int, _address: str = HERE) -> Iterator[None]:
    """HAProxy is not there."""
    yield


@contextmanager
def silent(port: int, address: str = HERE) -> Iterator[None]:
    """It hangs: the kernel takes connections for it, and that is all."""
    with socket.create_server((address, port)):
        yield


@contextmanager
def late(port: int, address: str = HERE) -> Iterator[None]:
    """It is busy: a second goes by before each answer."""
    with answering(port, address, pause_s=1.0):
        yield


@contextmanager
def starting(port: int, address: str = HERE) -> Iterator[None]:
    """It was down, and comes up while it is being looked at."""

    def come() -> None:
        time.sleep(0.1)
        with answering(port, address):
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
def answering(port: int, address: str = HERE, pause_s: float = 0.0) -> Iterator[None]:
    """Something that answers as a monitor page with no backend does."""
    server = socket.create_server((address, port))

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
