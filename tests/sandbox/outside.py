"""The view from the machine: through an EIP, or not at all."""

import json
import socket
import subprocess
from ipaddress import IPv4Address
from types import TracebackType


class Stream:
    """An open connection to an echo server."""

    def __init__(self, address: IPv4Address, port: int) -> None:
        self.socket = socket.create_connection((str(address), port), 2)

    def echoes(self) -> bool:
        """Whether what is sent still comes back."""
        try:
            self.socket.sendall(b"x")
            return self.socket.recv(1) == b"x"
        except OSError:
            return False

    def __enter__(self) -> "Stream":
        assert self.echoes()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.socket.close()


def open_stream(address: IPv4Address, port: int) -> Stream:
    """Connect, and see that it echoes."""
    return Stream(address, port)


def connect(address: IPv4Address, port: int) -> str:
    """``answered``, ``closed`` (accepted and closed at once), ``refused`` or ``silent``."""
    try:
        with socket.create_connection((str(address), port), 2) as stream:
            stream.settimeout(6)
            stream.sendall(b"x")
            return "answered" if stream.recv(1) else "closed"
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "closed"


def own_addresses() -> set[IPv4Address]:
    """IPv4 addresses of the machine's own namespace."""
    shown = json.loads(
        subprocess.run(["ip", "-json", "-4", "address"], capture_output=True, check=True).stdout
    )
    return {IPv4Address(entry["local"]) for link in shown for entry in link["addr_info"]}
