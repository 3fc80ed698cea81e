"""Connections of a host's own clients through a VIP that leaves it: they end at once."""

from pathlib import Path

import pytest

from tests.hosts.fake_host import STATE, Host, made

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

VIP = "192.0.2.10"
CLIENT = f"""
import socket, subprocess, sys
server = socket.create_server(("{VIP}", 7000))
client = socket.create_connection(("{VIP}", 7000), 5)
taken, _ = server.accept()
subprocess.run(["bash", "-c", sys.argv[1] + 'exec "$@"', "bash", *sys.argv[2:]], check=True)
client.settimeout(2)
try:
    print("said", client.recv(1))
except ConnectionAbortedError:
    print("ended")
except TimeoutError:
    print("goes on")
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with the machine's own `ip` and `ss`."""
    host = made(tmp_path)
    for name in ("ip", "ss"):
        host.path(f"bin/{name}").unlink()
    host.write("client.py", CLIENT)
    return host


def client_s_lot(host: Host, *hostctl: str, setting: str = "", then: str = "") -> str:
    """What becomes of a connection through the VIP when the tool has run, in a network of its own."""
    inside = (
        f"ip link set lo up; ip link add v0 type veth peer name v1; ip address add {VIP}/32 dev v0; ip link set v0 up;"
        f"{setting}"
        f'exec python3 {host.path("client.py")} "{then}" "$@"'
    )
    done = host.hostctl(*hostctl, before=("unshare", "--net", "bash", "-c", inside, "bash"))
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()[-1]


def test_they_end_with_the_address(host: Host) -> None:
    assert client_s_lot(host, "release", VIP) == "ended"


def test_they_go_on_while_it_is_lent(host: Host) -> None:
    assert client_s_lot(host, "release", VIP, setting=f"ip address add {VIP}/32 dev lo;") == "goes on"


def test_they_go_on_while_it_is_here(host: Host) -> None:
    assert client_s_lot(host, "hang-up", VIP) == "goes on"


def test_a_holder_whose_new_files_wait_hangs_up_the_vip_that_it_had(host: Host) -> None:
    host.write(f"{STATE}/joined", f"vip {VIP}\n")
    assert client_s_lot(host, "hang-up", "192.0.2.20", then=f"ip address delete {VIP}/32 dev v0;") == "ended"
