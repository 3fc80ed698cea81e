"""Key pairs. Source: ECS API reference CreateKeyPair, ImportKeyPair, AttachKeyPair."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.cloud import errors, ids
from sandbox.cloud.session import Session
from sandbox.cloud.state import KeyPair
from sandbox.cloud.tags import checked

_BITS = 2048


@dataclass(frozen=True)
class NewKeyPair:
    """A key pair the cloud made: the private half is told once and kept nowhere."""

    record: KeyPair
    private_key: str


def import_(session: Session, name: str, public_key: str, tags: dict[str, str]) -> KeyPair:
    """Take a public key in OpenSSH format under a new name."""
    if name in session.state.key_pairs:
        raise errors.ecs.KeyPairAlreadyExist(name)
    text = public_key.strip()
    pair = KeyPair(
        id=name,
        name=name,
        region=session.home,
        created=ids.now(),
        tags=checked(session, "key pair", tags),
        public_key=text,
        fingerprint=_fingerprint(text),
    )
    session.state.key_pairs[name] = pair
    return pair


def create(session: Session, name: str, tags: dict[str, str]) -> NewKeyPair:
    """Make a new RSA key pair."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    record = import_(session, name, public.decode(), tags)
    text = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return NewKeyPair(record, text.decode())


def delete(session: Session, names: list[str]) -> None:
    """Remove key pairs no instance has."""
    for name in names:
        pair = session.key_pair(name)
        for instance in session.state.instances.values():
            if instance.key_pair == pair.name:
                raise errors.ecs.KeyPairAttached(pair.name, instance.id)
        del session.state.key_pairs[name]


def _fingerprint(public_key: str) -> str:
    try:
        key = serialization.load_ssh_public_key(public_key.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise errors.ecs.InvalidPublicKeyBody(error) from None
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    # MD5 is what the cloud shows as a fingerprint; nothing is secured by it.
    return hashlib.md5(der, usedforsecurity=False).hexdigest()
