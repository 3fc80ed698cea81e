"""Private keys as ``ssh-keygen`` writes them: which of them Pulumi's plugin can use, with a passphrase or without."""

import subprocess
from pathlib import Path

import pytest

from components.rules import private_keys
from tests.hosts.sshd import new_key

pytestmark = pytest.mark.hosts
FORMS = ("RFC4716", "PEM")
"""OpenSSH's own, as ssh-keygen calls it, and the older one."""


def fault(text: str, *, unlocked: bool) -> str:
    """Return the rule that a key breaks, or an empty text."""
    found = private_keys.fault(text, unlocked=unlocked, argument="passphrase")
    return found[0] if found else ""


def written_as(form: str, key: Path, passphrase: str) -> str:
    """Return the text of a key in another form."""
    known = ["-P", passphrase, "-N", passphrase, "-m", form, "-f", str(key)]
    subprocess.run(["ssh-keygen", "-q", "-p", *known], check=True)
    return key.read_text()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_and_its_passphrase_belong_together(kind: str, form: str, tmp_path: Path) -> None:
    plain = written_as(form, new_key(tmp_path / "plain", kind), "")
    assert fault(plain, unlocked=False) == ""
    assert "has no passphrase" in fault(plain, unlocked=True)
    locked = written_as(form, new_key(tmp_path / "locked", kind, "open sesame"), "open sesame")
    assert fault(locked, unlocked=True) == ""
    assert fault(locked, unlocked=False) == "has a passphrase"


def test_a_form_that_the_plugin_cannot_read_is_mended_as_said(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key", "rsa", "open sesame")
    text = written_as("PKCS8", key, "open sesame")
    assert "PKCS #8" in fault(text, unlocked=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "open sesame", "-N", "open sesame", "-f", str(key)], check=True
    )
    assert fault(key.read_text(), unlocked=True) == ""
    assert fault(key.with_suffix(".pub").read_text(), unlocked=True) == "is no private key"
