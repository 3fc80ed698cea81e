"""What a host's directory holds: everything its supervisor needs to know, and where things lie."""

import base64
import json
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from sandbox.hosts.spec import HostSpec

LOCK, OFF = "lock", "off"
"""Files of a host's directory that say much without the plan: see the properties."""


@dataclass(frozen=True)
class Plan:
    """One host on this machine. Written before its first boot, read by whoever takes it up again."""

    spec: HostSpec
    directory: Path
    image: Path
    mirror: Path
    namespace: str
    cgroup: str
    machine: str
    """Name for nspawn, unique on this machine."""

    @property
    def root(self) -> Path:
        """Mount point of the machine's root, empty for anyone but its supervisor."""
        return self.directory / "root"

    @property
    def upper(self) -> Path:
        """The disk: what the instance changed in its image."""
        return self.directory / "disk"

    @property
    def work(self) -> Path:
        """Overlayfs's own directory."""
        return self.directory / "work"

    @property
    def console(self) -> Path:
        """What the machine printed on its console."""
        return self.directory / "console.log"

    @property
    def log(self) -> Path:
        """What the supervisor had to say."""
        return self.directory / "supervisor.log"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.directory / LOCK

    @property
    def off(self) -> Path:
        """Exists from when somebody stops the machine, or it powers itself off, until it is started again."""
        return self.directory / OFF

    def save(self) -> None:
        """Write the plan, whole or not at all."""
        spec = {name: _plain(value) for name, value in asdict(self.spec).items()}
        stored = {
            **{name: _plain(value) for name, value in vars(self).items() if name != "spec"},
            "spec": spec,
        }
        partial = self.directory / "plan.json.partial"
        partial.write_text(json.dumps(stored, indent=1))
        partial.rename(self.directory / "plan.json")

    @classmethod
    def load(cls, directory: Path) -> "Plan":
        """Read the plan of a host's directory."""
        stored = json.loads((directory / "plan.json").read_text())
        spec = stored.pop("spec")
        data = spec.pop("user_data")
        stored |= {name: Path(stored[name]) for name in ("directory", "image", "mirror")}
        spec |= {name: IPv4Address(spec[name]) for name in ("address", "gateway")}
        keys = tuple(spec.pop("authorized_keys"))
        user_data = None if data is None else base64.b64decode(data)
        return cls(**stored, spec=HostSpec(**spec, authorized_keys=keys, user_data=user_data))

    @staticmethod
    def exists(directory: Path) -> bool:
        """Whether a host was made in this directory."""
        return (directory / "plan.json").exists()


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON's own types on one side, ours on the other
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value) if isinstance(value, Path | IPv4Address) else value
