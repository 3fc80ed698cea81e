"""Network namespaces, and what stands in a VPC's: a bridge, the gateways, the ports."""

import json
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from sandbox.names import BRIDGE, HOST_LINK, NETNS_DIRECTORY, SEPARATOR, port_link
from sandbox.shell import CommandError, batch, run
from sandbox.topology import Port

OUTSIDE = IPv4Address("203.0.113.1")
"""Source of whatever comes in through an EIP: public (TEST-NET-3, RFC 5737), for rules by CIDR."""

SYSCTLS = {
    "net.ipv4.ip_forward": 1,
    # Bridged IPv4 packets visit conntrack; see sandbox.network.firewall.
    "net.bridge.bridge-nf-call-iptables": 1,
    "net.bridge.bridge-nf-call-ip6tables": 0,
    "net.bridge.bridge-nf-call-arptables": 0,
    "net.ipv6.conf.all.disable_ipv6": 1,
    "net.ipv6.conf.default.disable_ipv6": 1,
    # The gateway asks by ARP in its own name, not OUTSIDE's, and follows every gratuitous ARP, the first one too:
    # its table says which of two holders claimed a HaVip last.
    "net.ipv4.conf.all.arp_announce": 2,
    "net.ipv4.conf.all.arp_accept": 1,
    "net.ipv4.conf.default.arp_accept": 1,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
}


def gateway(vswitch: IPv4Network) -> IPv4Address:
    """Return the gateway of a vSwitch: the third address from the end [help.aliyun.com "vSwitch"]."""
    return vswitch[-3]


def existing(prefix: str) -> set[str]:
    """Return the names of all network namespaces of the sandbox with this prefix."""
    if not NETNS_DIRECTORY.exists():
        return set()
    return {entry.name for entry in NETNS_DIRECTORY.iterdir() if entry.name.startswith(prefix + SEPARATOR)}


def make(namespace: str) -> None:
    """Make a network namespace; one that is there is fine."""
    if not (NETNS_DIRECTORY / namespace).exists():
        run(["ip", "netns", "add", namespace])


def remove(namespace: str) -> None:
    """Remove a network namespace with everything in it."""
    with suppress(CommandError):
        # The name may outlive its mount when something was killed between the two.
        run(["ip", "netns", "delete", namespace])
    (NETNS_DIRECTORY / namespace).unlink(missing_ok=True)


def make_vpc(namespace: str) -> None:
    """Make the namespace and bridge of a VPC; one that is there is fine."""
    make(namespace)
    if BRIDGE in links(namespace):
        return
    words = [f"{name}={value}" for name, value in SYSCTLS.items()]
    run(["ip", "netns", "exec", namespace, "sysctl", "-qw", *words])
    batch(
        namespace,
        "link set lo up",
        f"address replace {OUTSIDE}/32 dev lo",
        # Nothing but the VPC is reached from it, and nobody tells.
        "route replace blackhole default",
        f"link add {BRIDGE} type bridge mcast_snooping 0 stp_state 0 forward_delay 0",
        f"link set {BRIDGE} up",
    )
    run(["ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv4.neigh.{BRIDGE}.locktime=0"])


def set_gateways(namespace: str, vswitches: tuple[IPv4Network, ...]) -> None:
    """Give the bridge the gateway address of every vSwitch and no other."""
    wanted = {IPv4Interface((gateway(vswitch), vswitch.prefixlen)): vswitch for vswitch in vswitches}
    present = addresses(namespace, BRIDGE)
    # Routes first: with its last address a link loses them by itself.
    obsolete = {address.network for address in present} - set(vswitches)
    lines = [f"route delete {vswitch} dev {BRIDGE}" for vswitch in sorted(obsolete)]
    lines += [f"address delete {address} dev {BRIDGE}" for address in sorted(present - set(wanted))]
    for address, vswitch in wanted.items():
        if address not in present:
            lines.append(f"address add {address} dev {BRIDGE} noprefixroute")
        lines.append(f"route replace {vswitch} dev {BRIDGE} src {OUTSIDE}")
    batch(namespace, *lines)


def plug(vpc: str, host: str, port: Port) -> None:
    """Lay the cable between a VPC's bridge and a host's namespace, straight from one to the other."""
    make(host)
    link = port_link(port.instance_id)
    batch(
        vpc,
        f"link add {link} type veth peer name {HOST_LINK} address {port.mac} netns {host}",
        f"link set {link} alias {port.instance_id}",
        f"link set {link} master {BRIDGE} up",
    )


def unplug(vpc: str, host: str, link: str) -> None:
    """Remove a port and the namespace of its host."""
    batch(vpc, f"link delete {link}")
    remove(host)


def ports(vpc: str) -> dict[str, str]:
    """Return the ports on a VPC's bridge: link name to instance id."""
    return {name: link["ifalias"] for name, link in links(vpc).items() if "ifalias" in link}


def links(namespace: str) -> dict[str, dict[str, Any]]:
    """Return the links of a namespace by name, as ``ip -json link`` describes them."""
    return {
        link["ifname"]: link for link in json.loads(run(["ip", "-n", namespace, "-json", "link", "show"]))
    }


def addresses(namespace: str, link: str) -> set[IPv4Interface]:
    """Return the IPv4 addresses of a link that is up; one that is down answers for none."""
    shown = json.loads(run(["ip", "-n", namespace, "-json", "-4", "address", "show", "dev", link, "up"]))
    found = [entry for shown_link in shown if shown_link for entry in shown_link["addr_info"]]
    return {IPv4Interface((entry["local"], entry["prefixlen"])) for entry in found}


def neighbour(vpc: str, address: IPv4Address) -> str | None:
    """Return the MAC the gateway last heard an address claimed by."""
    shown = json.loads(run(["ip", "-n", vpc, "-json", "neigh", "show", str(address), "dev", BRIDGE]))
    return next((entry["lladdr"] for entry in shown if "lladdr" in entry), None)
