"""A client outside the VPC: a network namespace of the drill's own behind real NAT.

An EIP of the sandbox will not do: its forwarder accepts a connection before the target does, so that a client
sees neither a refused nor a silent one. Here packets are routed through the VPC's gateway, with the source that
whatever comes from outside has there.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from drill.errors import DrillError
from sandbox.errors import SandboxError
from sandbox.names import BRIDGE, vpc_namespace
from sandbox.network import namespaces
from sandbox.settings import Settings
from sandbox.shell import CommandError, batch, run

LINK = "drill0"
GATEWAY, CLIENT = "198.51.100.1", "198.51.100.2"
"""Of TEST-NET-2 (RFC 5737), which is nobody's."""
PORTS = "1024-32767"
"""Below those that Linux hands out: the sandbox's own forwarder connects from the same address. If it got a port that
was translated in the last two minutes, answers would be sent to the drill's client, which may be gone by then."""

NAT = f"""\
table ip drill {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        ip saddr {CLIENT} ip protocol tcp oifname "{BRIDGE}" snat to {namespaces.OUTSIDE}:{PORTS}
    }}
}}
"""


def namespace_of(settings: Settings) -> str:
    """Return the client's namespace; not one the sandbox would take for its own left-over and remove."""
    return f"drill-{settings.name}"


@contextmanager
def outside(settings: Settings, vpc_id: str) -> Iterator[str]:
    """Give a namespace from which packets reach the VPC like a stranger's; it is gone afterwards."""
    vpc, own = vpc_namespace(settings, vpc_id), namespace_of(settings)
    remove(settings, vpc_id)
    try:
        namespaces.make(own)
        batch(
            vpc,
            f"link add {LINK} type veth peer name {LINK} netns {own}",
            f"address add {GATEWAY}/30 dev {LINK}",
            f"link set {LINK} up",
        )
        batch(
            own,
            "link set lo up",
            f"address add {CLIENT}/30 dev {LINK}",
            f"link set {LINK} up",
            f"route add default via {GATEWAY}",
        )
        run(["ip", "netns", "exec", vpc, "nft", "-f", "-"], stdin=NAT)
        yield own
    except SandboxError as error:
        raise DrillError(f"no place for a client outside: {error}") from error
    finally:
        remove(settings, vpc_id)


def remove(settings: Settings, vpc_id: str) -> None:
    """Remove the namespace and its way into the VPC; also what a killed drill left."""
    vpc = vpc_namespace(settings, vpc_id)
    with suppress(CommandError):
        run(["ip", "-n", vpc, "link", "delete", LINK])
    with suppress(CommandError):
        run(["ip", "netns", "exec", vpc, "nft", "delete", "table", "ip", "drill"])
    namespaces.remove(namespace_of(settings))
