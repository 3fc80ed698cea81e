"""cloud-init's NoCloud seed: what the metadata service would tell an instance at its first boot."""

import json
from pathlib import Path

from sandbox.hosts.guest import SEED
from sandbox.hosts.spec import HostSpec


def metadata(spec: HostSpec) -> str:
    """Render meta-data (JSON is YAML)."""
    stored = {
        "instance-id": spec.instance_id,
        "local-hostname": spec.hostname,
        "public-keys": list(spec.authorized_keys),
    }
    return json.dumps(stored) + "\n"


def write(spec: HostSpec, disk: Path) -> None:
    """Put the seed onto an instance's disk (the overlay's upper directory).

    On a disk that has booted before, cloud-init reads it again; what runs once an instance stays done.
    """
    directory = disk / SEED
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "meta-data").write_text(metadata(spec))
    (directory / "user-data").write_bytes(spec.user_data or b"")
    (directory / "user-data").chmod(0o600)
    for cached in (disk / "var/lib/cloud/instances").glob("*/obj.pkl"):
        cached.unlink()
