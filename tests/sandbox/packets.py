"""Runs inside a host's network namespace: listens, connects, and sends frames a decent host would not.

``python -m tests.sandbox.packets ACTION ...``; prints one word a result.
"""

import selectors
import socket
import struct
import sys
import time
from ipaddress import IPv4Address

LIMIT_S = 1.0
EVERYTHING = 0x0003
"""ETH_P_ALL: frames of every kind."""


def echo(port: int) -> None:
    """Answer TCP and UDP on a port with what was sent, until killed."""
    tcp = socket.create_server(("0.0.0.0", port))  # noqa: S104 - inside the namespace
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", port))  # noqa: S104
    ready = selectors.DefaultSelector()
    for listener in (tcp, udp):
        ready.register(listener, selectors.EVENT_READ)
    say("ready")
    while True:
        for key, _ in ready.select():
            if key.fileobj is tcp:
                ready.register(tcp.accept()[0], selectors.EVENT_READ)
            elif key.fileobj is udp:
                data, peer = udp.recvfrom(2048)
                udp.sendto(data, peer)
            elif isinstance(key.fileobj, socket.socket):
                data = key.fileobj.recv(2048)
                if data:
                    key.fileobj.sendall(data)
                else:
                    ready.unregister(key.fileobj)
                    key.fileobj.close()


def connect(address: str, port: int) -> None:
    """Say ``answered``, ``refused`` or ``silent`` for a TCP connection."""
    try:
        with socket.create_connection((address, port), LIMIT_S) as stream:
            stream.sendall(b"x")
            say("answered" if stream.recv(1) else "closed")
    except TimeoutError:
        say("silent")
    except ConnectionRefusedError:
        say("refused")
    except OSError as error:
        say("silent" if "No route" in str(error) else str(error))


def ask(address: str, port: int) -> None:
    """Say ``answered`` or ``silent`` for a UDP datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(LIMIT_S)
        try:
            datagram.sendto(b"x", (address, port))
            datagram.recv(1)
            say("answered")
        except OSError:
            say("silent")


def send(protocol: int, address: str, source: str) -> None:
    """Send one IPv4 packet of a protocol with a source of one's choice."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        body = b"havip-test"
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0,
            IPv4Address(source).packed, IPv4Address(address).packed,
        )  # fmt: skip
        raw.sendto(header + body, (address, 0))
    say("sent")


def hear(protocol: int) -> None:
    """Say the source of the first packet of an IPv4 protocol, or ``silent``."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as raw:
        raw.settimeout(LIMIT_S)
        say("ready")
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            try:
                packet, (_, _, kind, _, _) = raw.recvfrom(2048)
            except TimeoutError:
                break
            if packet[9] == protocol and kind != socket.PACKET_OUTGOING:
                say(str(IPv4Address(packet[12:16])))
                return
    say("silent")


def claim(address: str, mac: str) -> None:
    """Send a gratuitous ARP."""
    frame("ff:ff:ff:ff:ff:ff", mac, "0806", arp(mac, address).hex())


def frame(destination: str, source: str, kind: str, payload: str) -> None:
    """Send one Ethernet frame of one's choice; its kind and payload in hexadecimal."""
    content = packed(destination) + packed(source) + bytes.fromhex(kind) + bytes.fromhex(payload)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        raw.send(content)
    say("sent")


def sniff(kind: str) -> None:
    """Say the source MAC of the first frame of a kind that comes in, whomever it is meant for, or ``silent``."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING)) as raw:
        raw.bind(("eth0", EVERYTHING))
        raw.settimeout(LIMIT_S)
        say("ready")
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            try:
                content, (_, _, way, _, _) = raw.recvfrom(2048)
            except TimeoutError:
                break
            if way != socket.PACKET_OUTGOING and content[12:14] == bytes.fromhex(kind):
                say(content[6:12].hex(":"))
                return
    say("silent")


def packed(mac: str) -> bytes:
    """Return a MAC address as it is on the wire."""
    return bytes.fromhex(mac.replace(":", ""))


def arp(mac: str, address: str) -> bytes:
    """Return an ARP packet by which ``mac`` says that ``address`` is its own."""
    own, claimed = packed(mac), IPv4Address(address).packed
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, own, claimed, b"\0" * 6, claimed)


def ipv4(protocol: int, source: str, destination: str, body: bytes = b"havip-test") -> bytes:
    """Return an IPv4 packet with a right checksum."""
    fields = (0x45, 0, 20 + len(body), 0, 0, 64, protocol)
    ends = (IPv4Address(source).packed, IPv4Address(destination).packed)
    bare = struct.pack("!BBHHHBBH4s4s", *fields, 0, *ends)
    total = sum(struct.unpack("!10H", bare))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = 0xFFFF - ((total & 0xFFFF) + (total >> 16))
    return struct.pack("!BBHHHBBH4s4s", *fields, checksum, *ends) + body


def say(word: str) -> None:
    """Print one word at once."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    action, *words = sys.argv[1:]
    match action, words:
        case "echo", [port]:
            echo(int(port))
        case "connect", [address, port]:
            connect(address, int(port))
        case "ask", [address, port]:
            ask(address, int(port))
        case "send", [protocol, address, source]:
            send(int(protocol), address, source)
        case "hear", [protocol]:
            hear(int(protocol))
        case "claim", [address, mac]:
            claim(address, mac)
        case "frame", [destination, source, kind, payload]:
            frame(destination, source, kind, payload)
        case "sniff", [kind]:
            sniff(kind)
        case _:
            sys.exit(f"unknown action: {sys.argv[1:]}")
