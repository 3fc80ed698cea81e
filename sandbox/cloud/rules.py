"""Which addresses and networks the cloud accepts: pure checks that raise the API's own errors.

Sources: VPC documentation "VPC and vSwitch" (mask limits, reserved addresses), API reference
CreateVpc, CreateVSwitch, CreateHaVip.
"""

from collections.abc import Iterable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from sandbox.cloud import errors

NOBODYS = tuple(map(IPv4Network, ("100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")))
"""Ranges no VPC may touch. Source: API reference, CreateVpc, CidrBlock."""
VPC_PREFIXES = range(8, 29)
VSWITCH_PREFIXES = range(16, 30)
RESERVED_AT_END = 3
GATEWAY_FROM_END = 3


def network(text: str) -> IPv4Network:
    """Parse a CIDR block.

    Raises:
        InvalidCidrBlock: it is none (a netmask is no prefix length), or has host bits set.

    """
    try:
        parsed = IPv4Network(text)
    except ValueError as error:
        raise errors.vpc.InvalidCidrBlock(text, f"{error}.") from None
    if text != str(parsed):
        raise errors.vpc.InvalidCidrBlock(text, f"as a CIDR block it is written {parsed}.")
    return parsed


def address(text: str) -> IPv4Address:
    """Parse an IPv4 address, or raise AddressMalformed."""
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise errors.vpc.AddressMalformed(text) from None


def check_vpc(cidr: IPv4Network) -> None:
    """Raise InvalidCidrBlock unless a VPC may have this range."""
    if cidr.prefixlen not in VPC_PREFIXES:
        raise errors.vpc.InvalidCidrBlock(cidr, "a VPC's prefix is /8 to /28.")
    if any(cidr.overlaps(taken) for taken in NOBODYS):
        raise errors.vpc.InvalidCidrBlock(cidr, f"a VPC touches none of {', '.join(map(str, NOBODYS))}.")


def check_vswitch(cidr: IPv4Network, vpc: IPv4Network, others: Mapping[str, IPv4Network]) -> None:
    """Raise unless a vSwitch may have this range; ``others`` are the VPC's vSwitches by id."""
    if cidr.prefixlen not in VSWITCH_PREFIXES:
        raise errors.vpc.InvalidCidrBlock(cidr, "a vSwitch's prefix is /16 to /29.")
    if not cidr.subnet_of(vpc):
        raise errors.vpc.InvalidCidrBlock(cidr, f"it does not lie within the VPC's {vpc}.")
    for other, range_ in others.items():
        if cidr.overlaps(range_):
            raise errors.vpc.InvalidCidrBlockOverlapped(cidr, range_, other)


def reserved(vswitch: IPv4Network) -> frozenset[IPv4Address]:
    """Return the addresses nobody gets: the first and the last three."""
    return frozenset({vswitch[0], *(vswitch[-offset] for offset in range(1, RESERVED_AT_END + 1))})


def gateway(vswitch: IPv4Network) -> IPv4Address:
    """Return the vSwitch's gateway: 10.0.0.253 of 10.0.0.0/24."""
    return vswitch[-GATEWAY_FROM_END]


def check_address(wanted: IPv4Address, vswitch: IPv4Network, used: Mapping[IPv4Address, str]) -> None:
    """Raise unless ``wanted`` can be handed out; ``used`` says who has which address."""
    if wanted not in vswitch:
        raise errors.vpc.AddressOutOfRange(wanted, vswitch)
    if wanted in reserved(vswitch):
        raise errors.vpc.AddressReserved(wanted, vswitch)
    if wanted in used:
        raise errors.vpc.AddressInUse(wanted, used[wanted])


def free_address(vswitch: IPv4Network, used: Iterable[IPv4Address]) -> IPv4Address | None:
    """Pick an address nobody has, from the top: people number their own hosts from the bottom."""
    taken = reserved(vswitch) | set(used)
    candidates = (vswitch[offset] for offset in range(vswitch.num_addresses - 1, -1, -1))
    return next((candidate for candidate in candidates if candidate not in taken), None)
