"""A real sshd on loopback: the image's own, over an overlay of the image, gone with the process that started it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import free_port

PASSWORD = "a password of the tests'"
_START = """
set -e
mount -t tmpfs tmpfs "$PLACE"
mkdir "$PLACE/upper" "$PLACE/work" "$PLACE/root"
mount -t overlay overlay -o "lowerdir=$IMAGE,upperdir=$PLACE/upper,workdir=$PLACE/work" "$PLACE/root"
mount --bind /dev "$PLACE/root/dev"
mount -t proc proc "$PLACE/root/proc"
cd "$PLACE/root"
mkdir -p run/sshd root/.ssh etc/havip
rm -f run/nologin etc/nologin
cp "$KEYS"/host.* etc/havip/
cp "$KEYS/authorized_keys" root/.ssh/authorized_keys
cp "$KEYS/sshd_config" etc/havip/
chmod 700 root/.ssh
chmod 600 root/.ssh/authorized_keys etc/havip/*
echo "root:$PASSWORD" | chroot . /usr/sbin/chpasswd
exec chroot . /usr/sbin/sshd -D -e -f /etc/havip/sshd_config
"""


def new_key(file: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair; the path of its private half."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "tests", "-f", str(file)], check=True
    )
    return file


@dataclass
class Sshd:
    """One server: who may log in, and which keys it shows."""

    place: Path
    image: Path
    settings: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.keys = self.place / "keys"
        self.keys.mkdir(parents=True)
        self.key = new_key(self.keys / "user")
        self.new_host_keys()
        (self.keys / "authorized_keys").write_text((self.keys / "user.pub").read_text())

    def new_host_keys(self) -> None:
        """Let it have other host keys from its next start on."""
        for old in self.keys.glob("host.*"):
            old.unlink()
        for kind in ("ecdsa", "ed25519"):
            new_key(self.keys / f"host.{kind}", kind)

    def host_key(self, kind: str = "ecdsa") -> str:
        """Return one of its keys as known_hosts has it."""
        return " ".join((self.keys / f"host.{kind}.pub").read_text().split()[:2])

    def authorize(self, *public: Path) -> None:
        """Let these keys in besides its own."""
        with (self.keys / "authorized_keys").open("a") as file:
            file.writelines(one.read_text() for one in public)

    @contextmanager
    def running(self) -> Iterator["Sshd"]:
        """Run it until the block ends."""
        lines = [
            f"ListenAddress 127.0.0.1:{self.port}",
            *(f"HostKey /etc/havip/host.{kind}" for kind in ("ecdsa", "ed25519")),
            "PermitRootLogin yes",
            "UsePAM no",
            "PidFile none",
            *self.settings,
        ]
        (self.keys / "sshd_config").write_text("\n".join(lines) + "\n")
        mount = self.place / "mount"
        mount.mkdir(exist_ok=True)
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        with (self.place / "sshd.log").open("a") as log:
            process = subprocess.Popen(
                [*unshare, "sh", "-c", _START],
                env={
                    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "IMAGE": str(self.image),
                    "KEYS": str(self.keys),
                    "PLACE": str(mount),
                    "PASSWORD": PASSWORD,
                },
                stdout=log,
                stderr=log,
            )
        try:
            self._await(process)
            yield self
        finally:
            process.kill()
            process.wait()

    def _await(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"sshd did not start: {(self.place / 'sshd.log').read_text()}")
