"""A sandbox of the tests' own: its network, and hosts in it with or without a machine behind them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

import pytest

from sandbox import leftovers, names, needs
from sandbox.hosts import nic
from sandbox.network import Network
from sandbox.network.namespaces import gateway
from sandbox.settings import Settings
from sandbox.topology import Eip, Port, Rule, SecurityGroup, Topology, Vpc

VPC = "vpc-test"
VSWITCH = IPv4Network("10.0.0.0/24")
OTHER_VSWITCH = IPv4Network("10.0.1.0/24")
VIP = IPv4Address("10.0.0.10")
ANYWHERE = IPv4Network("0.0.0.0/0")


def port(
    number: int, *groups: str, ha_vips: tuple[IPv4Address, ...] = (), vswitch: IPv4Network = VSWITCH
) -> Port:
    """Return the interface of host ``i-NUMBER``, at .10 + number of its vSwitch."""
    mac = f"02:00:0a:00:{int(vswitch[0].packed[2]):02x}:{number:02x}"
    return Port(f"i-{number}", mac, vswitch[10 + number], vswitch, groups or ("sg-a",), ha_vips)


def let_in(
    protocol: Literal["tcp", "udp", "icmp", "gre", "all"],
    ports: str = "-1/-1",
    peer: IPv4Network | str = ANYWHERE,
    policy: Literal["accept", "drop"] = "accept",
    priority: int = 1,
) -> Rule:
    """Return an ingress rule."""
    return Rule("ingress", protocol, ports, peer, policy, priority)


@dataclass
class Wire:
    """One network, and words to use it from inside its hosts."""

    settings: Settings
    network: Network
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def lay(self, *ports: Port, groups: tuple[SecurityGroup, ...] = (), eips: tuple[Eip, ...] = ()) -> None:
        """Apply a VPC with these hosts; those that are new get their address, as a boot would give it."""
        groups = groups or (SecurityGroup("sg-a"),)
        vpc = Vpc(VPC, IPv4Network("10.0.0.0/16"), (VSWITCH, OTHER_VSWITCH), ports, groups)
        self.network.apply(Topology((vpc,), eips))
        for each in ports:
            namespace = self.namespace(each)
            if f"{each.address}/" not in self.ip(each, "-4", "address"):
                nic.power_on(namespace, each.address, each.vswitch.prefixlen, gateway(each.vswitch))

    def namespace(self, host: Port) -> str:
        """Return the network namespace of a host."""
        return names.host_namespace(self.settings, host.instance_id)

    def ip(self, host: Port, *words: str) -> str:
        """Run one command of iproute2 in a host."""
        done = subprocess.run(
            ["ip", "-n", self.namespace(host), *words], capture_output=True, text=True, check=True
        )
        return done.stdout

    def take(self, host: Port, address: IPv4Address) -> None:
        """Give a host an address and announce it, as keepalived does."""
        self.ip(host, "address", "add", f"{address}/32", "dev", "eth0")
        self.act(host, "claim", str(address), host.mac)

    def drop(self, host: Port, address: IPv4Address) -> None:
        """Take an address from a host."""
        self.ip(host, "address", "delete", f"{address}/32", "dev", "eth0")

    def act(self, host: Port, *words: object) -> str:
        """Run one action of ``tests.sandbox.packets`` in a host and return its last word."""
        done = subprocess.run(
            self._command(self.namespace(host), words), capture_output=True, text=True, check=True
        )
        return done.stdout.split()[-1]

    def gateway(self, *words: object) -> str:
        """Run an action in the VPC's namespace: what comes in through an EIP starts there."""
        command = self._command(names.vpc_namespace(self.settings, VPC), words)
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]

    def begin(self, host: Port, *words: object) -> subprocess.Popen[str]:
        """Start an action that goes on, and wait until it is ready."""
        process = subprocess.Popen(
            self._command(self.namespace(host), words), stdout=subprocess.PIPE, text=True
        )
        self.running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def heard(self, sender: Port, receiver: Port, *, protocol: int, to: object, source: object) -> str:
        """Send one packet and return what the receiver heard: its source, or ``silent``."""
        listening = self.begin(receiver, "hear", protocol)
        self.act(sender, "send", protocol, to, source)
        return listening.communicate(timeout=5)[0].strip()

    def overheard(self, sender: Port, listener: Port, *, kind: str, payload: bytes, **ends: str) -> str:
        """Send one frame and return the source MAC of what came through, or ``silent``.

        It goes from the sender's MAC to the listener's unless ``ends`` name a ``source`` or a ``to``.
        """
        listening = self.begin(listener, "sniff", kind)
        source, to = ends.get("source", sender.mac), ends.get("to", listener.mac)
        self.act(sender, "frame", to, source, kind, payload.hex())
        return listening.communicate(timeout=5)[0].strip()

    def close(self) -> None:
        """End what was begun."""
        for process in self.running:
            process.kill()
            process.wait()
        self.running.clear()

    @staticmethod
    def _command(namespace: str, words: tuple[object, ...]) -> list[str]:
        return [
            "ip",
            "netns",
            "exec",
            namespace,
            sys.executable,
            "-m",
            "tests.sandbox.packets",
            *map(str, words),
        ]


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """Make a sandbox of this run's own; nothing of it is left afterwards."""
    needs.ensure(lambda _: None)
    run = os.getpid() % 10**5
    settings = Settings(name=f"t{run}", eip_range=IPv4Network(f"127.66.{100 + run % 100}.0/24"))
    yield settings
    leftovers.teardown(settings)


@pytest.fixture
def wire(settings: Settings) -> Iterator[Wire]:
    """Make an empty network, emptied again after the test."""
    network = Network(settings)
    wire = Wire(settings, network)
    yield wire
    wire.close()
    network.apply(Topology())
