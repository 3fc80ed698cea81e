"""The sandbox's own control interface (``/_sandbox/...``), apart from the emulated API."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.errors import SandboxError
from sandbox.settings import Settings

TIMEOUT_S = 30.0


class NotRunningError(SandboxError):
    """The sandbox's server does not answer."""


@dataclass(frozen=True)
class CloudObject:
    """One cloud object: `kind` is its Pulumi type token, `properties` are named as that type's inputs."""

    kind: str
    id: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class Status:
    """What ``sandbox status --json`` prints, with the parts the project itself needs as attributes."""

    content: dict[str, Any]

    @property
    def access_key_id(self) -> str:
        """Access key id the API accepts."""
        return str(self.content["access_key_id"])

    @property
    def access_key_secret(self) -> str:
        """Its secret."""
        return str(self.content["access_key_secret"])

    @property
    def ca_bundle(self) -> Path:
        """PEM file with the sandbox's CA and the system's roots."""
        return Path(self.content["ca_bundle"])

    @property
    def not_served(self) -> dict[str, int]:
        """What was asked for since the server started that the cloud may have and the sandbox does not; how often."""
        return dict(self.content["not_served"])


class Control:
    """A client of one running sandbox."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def status(self) -> Status:
        """What the sandbox holds. Raises :class:`NotRunningError`."""
        return Status(self._call("GET", "status"))

    def host(self, host: str) -> dict[str, Any]:
        """The host with that name or id. Raises :class:`SandboxError` naming the ones there are, if there are any."""
        if not self.settings.with_hosts:
            raise SandboxError(
                f"host {host!r}: sandbox {self.settings.name!r} is without hosts, nothing is behind its instances; "
                "begin another one that has some: sandbox up --name NAME"
            )
        hosts: list[dict[str, Any]] = self.status().content["hosts"]
        for one in hosts:
            if host in (one["name"], one["id"]):
                return one
        known = ", ".join(one["name"] for one in hosts) or "none"
        raise SandboxError(
            f"host {host!r}: no such host in sandbox {self.settings.name!r}; there are: {known}"
        )

    def objects(self) -> list[CloudObject]:
        """Every cloud object, those that others depend on last."""
        return [CloudObject(**one) for one in self._call("GET", "objects")["objects"]]

    def remove(self, one: CloudObject) -> None:
        """Remove an object by force, an instance with its host. Raises :class:`SandboxError` if it is in use."""
        self._call("POST", "remove", {"kind": one.kind, "id": one.id})

    def inject(self, fault: dict[str, Any]) -> None:
        """Put a fault of the API in force (:class:`sandbox.api.faults.ApiFault`). Raises :class:`SandboxError`."""
        self._call("POST", "faults", fault)

    def heal(self, identifier: str) -> None:
        """End a fault of the API. One that is not there is fine."""
        self._call("POST", "faults/heal", {"id": identifier})

    def _call(self, method: str, route: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        directory = self.settings.directory
        try:
            token = (directory / "token").read_text().strip()
            trust = ssl.create_default_context(cafile=str(directory / "ca.pem"))
            answer = httpx.request(
                method,
                f"https://{self.settings.endpoint}/_sandbox/{route}",
                json=body,
                headers={"Authorization": f"Bearer {token}"},
                verify=trust,
                timeout=TIMEOUT_S,
                trust_env=False,
            )
        except (OSError, httpx.TransportError) as error:
            raise NotRunningError(
                f"sandbox {self.settings.name!r} is not running: nothing of it answers on "
                f"{self.settings.endpoint}; start it with: make up"
            ) from error
        content: dict[str, Any] = answer.json()
        if answer.is_error:
            raise SandboxError(f"sandbox {self.settings.name!r}: {content.get('error', content)}")
        return content
