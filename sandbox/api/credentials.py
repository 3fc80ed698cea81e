"""The sandbox's one access key pair and the token of its control routes: random, private to their owner."""

import os
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

_ALPHABET = string.ascii_letters + string.digits
_ID_FILE, _SECRET_FILE, _TOKEN_FILE = "access-key-id", "access-key-secret", "token"


@dataclass(frozen=True)
class AccessKey:
    """An access key pair."""

    id: str
    secret: str


def access_key(directory: Path) -> AccessKey:
    """Return the access key pair of the sandbox in ``directory``, made at the first call."""
    return AccessKey(
        id=_kept(directory / _ID_FILE, "LTAI" + _random(20)),
        secret=_kept(directory / _SECRET_FILE, _random(30)),
    )


def control_token(directory: Path) -> str:
    """Return the token that opens the control routes, made at the first call."""
    return _kept(directory / _TOKEN_FILE, _random(40))


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)


def _kept(path: Path, new: str) -> str:
    if not path.exists():
        write_private(path, new.encode())
    return path.read_text()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
