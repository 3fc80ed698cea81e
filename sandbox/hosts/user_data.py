"""What the hosts' cloud-init makes of user data, and what it would pass over: that is refused, never ignored."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes

import yaml

SERVED = frozenset(
    (
        "bootcmd", "chpasswd", "disable_root", "final_message", "fqdn", "groups", "hostname", "manage_etc_hosts",
        "merge_how", "merge_type", "output", "package_reboot_if_required", "package_update", "package_upgrade",
        "packages", "password", "power_state", "preserve_hostname", "runcmd", "ssh_authorized_keys",
        "ssh_deletekeys", "ssh_genkeytypes", "ssh_keys", "ssh_pwauth", "timezone", "user", "users", "write_files",
    )
)  # fmt: skip
"""Keys of ``#cloud-config`` whose modules the images run (``CLOUD_INIT`` in guest.py)."""


def refusal(data: bytes) -> str:
    """Say what of user data the hosts do not act on; an empty text if it is nothing."""
    return next((reason for part in _parts(data) if (reason := _refusal_of(part))), "")


def _parts(data: bytes) -> Iterator[bytes]:
    """Give the parts of a MIME multipart document, else the document itself; compressed ones as they were."""
    with suppress(OSError, EOFError, zlib.error):  # not gzip
        data = gzip.decompress(data)
    message = message_from_bytes(data)
    if not message.is_multipart():
        yield data
        return
    for part in message.walk():
        if isinstance(content := part.get_payload(decode=True), bytes):
            kind = part.get_content_type()
            yield b"#include\n" if kind in ("text/x-include-url", "text/x-include-once-url") else content


def _refusal_of(part: bytes) -> str:
    first = part.split(b"\n", 1)[0].strip()
    if first.startswith(b"#include"):
        return "#include: hosts have no way out to fetch anything; put the text itself in"
    if first != b"#cloud-config":
        return ""
    try:
        content = yaml.safe_load(part)
    except yaml.YAMLError as error:
        return f"#cloud-config that is not YAML: {' '.join(str(error).split())}"
    if content is not None and not isinstance(content, dict):
        return "#cloud-config that is not a mapping"
    unknown = sorted(str(key) for key in (content or {}) if key not in SERVED)
    if unknown:
        return f"keys of #cloud-config: {', '.join(unknown)}; served are {', '.join(sorted(SERVED))}"
    return ""
