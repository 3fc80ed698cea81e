"""Private SSH keys as texts: whether a text is one, and whether it has a passphrase. Nothing is decrypted."""

import base64
import re

_BLOCK = re.compile(r"^-----BEGIN ([A-Z ]+)-----\s*$(.*?)^-----END \1-----", re.MULTILINE | re.DOTALL)
_OPENSSH, _ENCRYPTED_PKCS8 = "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"
_PEM = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY")
_MAGIC = b"openssh-key-v1\0"
_LENGTH = 4


def fault(text: str, *, unlocked: bool | None, argument: str) -> tuple[str, str] | None:
    """Return the rule that a private key breaks and the remedy, in words; nothing if Pulumi's plugin can use it.

    It is `unlocked` if a passphrase is given, which may not be known yet; `argument` is what that is given as.
    """
    block = _BLOCK.search(text)
    label, body = block.groups() if block else ("", "")
    if label == _ENCRYPTED_PKCS8:
        return (
            "is encrypted in a form (PKCS #8) that Pulumi's plugin cannot read",
            "write it in OpenSSH's own with ssh-keygen -p -f FILE",
        )
    cipher = _cipher(body) if label == _OPENSSH else b"none"
    if not cipher or label not in (_OPENSSH, *_PEM):
        return (
            "is no private key",
            "give the text of one in PEM or OpenSSH form, such as ~/.ssh/id_ed25519 has",
        )
    locked = cipher != b"none" or "ENCRYPTED" in body
    if locked and unlocked is False:
        return "has a passphrase", f"give that as {argument}, as a secret, or a key without one"
    if not locked and unlocked:
        # Not passed over: the plugin refuses to log in.
        return f"has no passphrase, and {argument} is given", f"leave {argument} out"
    return None


def _cipher(body: str) -> bytes:
    """Return the cipher's name in an OpenSSH key, which follows the magic as a string of SSH's (PROTOCOL.key)."""
    try:
        whole = base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        return b""
    if not whole.startswith(_MAGIC):
        return b""
    rest = whole.removeprefix(_MAGIC)
    return rest[_LENGTH : _LENGTH + int.from_bytes(rest[:_LENGTH], "big")]
