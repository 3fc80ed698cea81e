"""The SSH key of the dev stack: made once a sandbox, kept with its state."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def ensure_key(directory: Path) -> Path:
    """The private key's path (mode 0600, OpenSSH format); the public key is beside it with ``.pub``."""
    private = directory / "id_ed25519"
    public = directory / "id_ed25519.pub"
    if not public.exists():
        key = Ed25519PrivateKey.generate()
        directory.mkdir(parents=True, exist_ok=True)
        private.unlink(missing_ok=True)
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.OpenSSH,
                    serialization.NoEncryption(),
                )
            )
        line = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        public.write_bytes(line + b" sandbox\n")
    return private
