"""An sshd on loopback that lets one key in, takes whatever it is told for done, and says nothing.

It is that of the hosts' image: a machine that runs a sandbox need not have one itself. Its files and its processes are
the sandbox's, and go with it whatever becomes of who started it.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drill.errors import DrillError
from sandbox import cgroups, names
from sandbox.hosts import images
from sandbox.progress import to_console
from sandbox.settings import Settings
from sandbox.shell import environment
from sandbox.stack.ssh_key import ensure_key

START_LIMIT_S = 20.0
_CONFIG = """\
ListenAddress 127.0.0.1:{port}
ListenAddress 127.0.0.2:{port}
HostKey /etc/drill/host_key
AuthorizedKeysFile /etc/drill/authorized_keys
ForceCommand cat >/dev/null
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
PidFile none
# The steps of dozens of control planes come at once.
MaxStartups 2000
"""
_START = """
set -e
mount -t tmpfs tmpfs "$PLACE/mount"
cd "$PLACE/mount"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=$IMAGE,upperdir=upper,workdir=work" root
cd root
mount --bind /dev dev
mount -t proc proc proc
mkdir -p run/sshd etc/drill
rm -f run/nologin etc/nologin
cp "$PLACE"/sshd_config "$PLACE"/host_key "$PLACE"/authorized_keys etc/drill/
chmod 600 etc/drill/*
sed -i 's/^root:[^:]*/root:*/' etc/shadow
exec chroot . /usr/sbin/sshd -D -e -f /etc/drill/sshd_config
"""


@dataclass(frozen=True)
class Login:
    """How to get in, as root at 127.0.0.1."""

    port: int
    private_key: Path


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def accepting(settings: Settings) -> Iterator[Login]:
    """Run the sshd until the block ends. Raises :class:`DrillError` with its words if it does not start."""
    place = settings.directory / "sshd"
    login = Login(free_port(), ensure_key(place / "login"))
    _write_files(place, login)
    group = names.cgroup(settings, "sshd")
    cgroups.create(group)
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    image = images.ensure_image(images.DEFAULT.id, to_console)
    with (place / "log").open("w") as log:
        process = subprocess.Popen(
            cgroups.inside(group, [*unshare, "sh", "-c", _START]),
            env={**environment(), "IMAGE": str(image), "PLACE": str(place)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(process, login.port, place / "log")
        yield login
    finally:
        cgroups.kill(group)
        process.wait()


def _write_files(place: Path, login: Login) -> None:
    shutil.copy(ensure_key(place / "host"), place / "host_key")
    shutil.copy(login.private_key.with_suffix(".pub"), place / "authorized_keys")
    (place / "sshd_config").write_text(_CONFIG.format(port=login.port))
    (place / "mount").mkdir()


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DrillError(f"the sshd that the control planes log in to did not start; it said:\n{log.read_text()}")
