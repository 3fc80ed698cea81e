"""Hosts with a machine behind each, an EIP each, and SSH to them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from components.rendering import paths, render
from sandbox import names
from sandbox.hosts import images
from sandbox.hosts.machine import Machines, init_of, wait_until
from sandbox.hosts.spec import HostSpec, HostState
from sandbox.network import Network
from sandbox.network.namespaces import gateway
from sandbox.settings import Settings
from sandbox.topology import Eip, Port, SecurityGroup, Topology, Vpc
from tests.sandbox.conftest import VIP, VPC, VSWITCH, let_in, port

PORTS = tuple(port(number, ha_vips=(VIP,)) for number in (1, 2, 3))
SCRIPT = b"#!/bin/sh\nhostname >/root/user-data-ran\n"
CLOUD_CONFIG = b"""\
#cloud-config
write_files:
  - {path: /root/written, content: "by cloud-init", permissions: "0640"}
packages: [jq]
runcmd:
  - jq --version >/root/user-data-ran
"""
MULTIPART = b"""\
Content-Type: multipart/mixed; boundary=part
MIME-Version: 1.0

--part
Content-Type: text/cloud-config

#cloud-config
bootcmd: [touch /root/booted]
--part
Content-Type: text/x-shellscript

#!/bin/sh
ls /root/booted >/root/user-data-ran
--part--
"""
USER_DATA = {"i-1": SCRIPT, "i-2": CLOUD_CONFIG, "i-3": MULTIPART}
MEMORY = 1 << 30
BOOT_LIMIT_S = 60


class Fleet:
    """Hosts with an EIP each."""

    def __init__(self, settings: Settings, directory: Path, ports: tuple[Port, ...] = PORTS) -> None:
        self.settings = settings
        self.ports = ports
        self.machines = Machines(settings)
        self.network = Network(settings)
        self.key = directory / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        self.eips = tuple(Eip(settings.eip_range[10 + n], VPC, each.address) for n, each in enumerate(ports))

    @property
    def topology(self) -> Topology:
        """Return one VPC with the hosts, SSH let in."""
        group = SecurityGroup("sg-a", (let_in("tcp", "22/22"),))
        return Topology((Vpc(VPC, VSWITCH, (VSWITCH,), self.ports, (group,)),), self.eips)

    def build(self) -> None:
        """Apply the topology and make the hosts."""
        self.network.apply(self.topology)
        for each in self.ports:
            self.machines.create(self.spec(each.instance_id))

    def spec(self, instance_id: str) -> HostSpec:
        """Describe one host."""
        here = next(each for each in self.ports if each.instance_id == instance_id)
        keys = (self.key.with_suffix(".pub").read_text().strip(),)
        return HostSpec(
            instance_id=instance_id,
            hostname=f"master-{instance_id[2:]}",
            image_id=images.DEFAULT.id,
            address=here.address,
            prefix=VSWITCH.prefixlen,
            gateway=gateway(VSWITCH),
            mac=here.mac,
            authorized_keys=keys,
            memory=MEMORY,
            user_data=USER_DATA[instance_id],
        )

    def give_tool(self, instance_id: str) -> None:
        """Put hostctl where the stack puts it."""
        self.ssh(instance_id, f"install -D -m 755 /dev/stdin {paths.TOOL}", stdin=render.tool())

    def ssh(self, instance_id: str, command: str, stdin: str | None = None) -> str:
        """Run a command over SSH through the host's EIP."""
        index = [each.instance_id for each in self.ports].index(instance_id)
        said = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes")
        options = [word for option in (*said, "ConnectTimeout=2") for word in ("-o", option)]
        target = f"root@{self.eips[index].address}"
        done = subprocess.run(
            ["ssh", "-i", self.key, *options, target, command],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise OSError(f"{done.returncode}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    def copy(self, directory: Path, instance_id: str, target: str) -> None:
        """Put a directory's files onto a host, past its network."""
        packed = subprocess.run(["tar", "-cC", directory, "."], capture_output=True, check=True).stdout
        into = self.command(instance_id, "sh", "-ec", f"mkdir -p {target}; tar -xC {target}")
        subprocess.run(into, input=packed, check=True)

    def command(self, instance_id: str, *argv: str) -> list[str]:
        """Return the command that runs a program inside a host, past its network."""
        init = init_of(names.cgroup(self.settings, instance_id))
        return ["nsenter", "--target", str(init), "--all", *argv]

    def answers(self, instance_id: str) -> Callable[[], bool]:
        """Return whether SSH answers."""

        def asked() -> bool:
            try:
                return self.ssh(instance_id, "echo here") == "here"
            except (OSError, subprocess.TimeoutExpired):
                return False

        return asked


def booted(settings: Settings, directory: Path, ports: tuple[Port, ...] = PORTS) -> Iterator[Fleet]:
    """Give booted hosts, and remove them."""
    fleet = Fleet(settings, directory, ports)
    fleet.build()
    began = time.monotonic()
    for each in ports:
        fleet.machines.start(each.instance_id)
        assert fleet.machines.state(each.instance_id) in (HostState.STARTING, HostState.RUNNING)
    for each in ports:
        wait_until(fleet.answers(each.instance_id), BOOT_LIMIT_S, f"SSH to {each.instance_id}")
        # Until it is through, it may start sshd once more: a login at that moment is hung up on.
        fleet.machines.run(each.instance_id, ["cloud-init", "status", "--wait"], seconds=BOOT_LIMIT_S)
    sys.stdout.write(f"{len(ports)} hosts answer SSH after {time.monotonic() - began:.1f} s\n")
    yield fleet
    for each in ports:
        fleet.machines.delete(each.instance_id)
    fleet.network.apply(Topology())
