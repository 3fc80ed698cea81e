"""New names: resource ids of the cloud's form, MAC addresses, request ids."""

import secrets
import string
import uuid
from datetime import UTC, datetime

_ALPHABET = string.ascii_lowercase + string.digits
_LENGTH = 14
MAC_PREFIX = "00:16:3e"
"""Alibaba Cloud's instances have MAC addresses of this vendor."""


def resource_id(prefix: str) -> str:
    """Return a new id such as ``vpc-bp1k3j9x2m4q7w8e`` for the prefix ``vpc``."""
    return f"{prefix}-bp1" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def mac_address() -> str:
    """Return a new MAC address."""
    return ":".join([MAC_PREFIX, *(f"{byte:02x}" for byte in secrets.token_bytes(3))])


def request_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4()).upper()


def now() -> str:
    """Return the time as the cloud writes it: 2026-01-31T12:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
