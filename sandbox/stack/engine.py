"""Running the ``pulumi`` command on one stack, the way a person would by hand."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.interrupts import ended_in_order

PROJECT = Path(__file__).resolve().parents[2]
"""The checkout: where Pulumi.yaml is."""


@dataclass(frozen=True)
class Engine:
    """One stack of one project. `environment` is what `make shell` exports."""

    stack: str
    environment: Mapping[str, str]
    project: Path = PROJECT

    def run(self, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        """Run ``pulumi ARGUMENTS``; what it says is progress, unless it is captured. Never raises on failure.

        Interrupted, it is waited for: killed, it would leave its lock, and plugins that go on for minutes.
        """
        return ended_in_order(["pulumi", *arguments], self.project, self.environment, capture=capture)

    def must(self, *arguments: str) -> str:
        """Run quietly and return standard output. Raises :class:`SandboxError` with the engine's own words."""
        done = self.run(*arguments, capture=True)
        if done.returncode != 0:
            raise SandboxError(f"pulumi {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def select(self) -> None:
        """Select the stack, made first if it does not exist."""
        self.must("stack", "select", "--create", self.stack)

    def exists(self) -> bool:
        """Whether the backend knows the stack."""
        done = self.run("stack", "ls", "--json", capture=True)
        return done.returncode == 0 and any(one["name"] == self.stack for one in json.loads(done.stdout))

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in plain. Empty before the first `up`."""
        outputs: dict[str, Any] = json.loads(self.must("stack", "output", "--json", "--show-secrets"))
        return outputs

    def export(self) -> dict[str, Any]:
        """The stack's deployment as the backend holds it; resources and pending operations may be missing."""
        exported: dict[str, Any] = json.loads(self.must("stack", "export"))
        deployment: dict[str, Any] = exported.get("deployment") or {}
        return deployment

    def last_changes(self) -> dict[str, int]:
        """How many resources the last operation created, updated, replaced or deleted, by kind of change."""
        history = json.loads(
            self.must("stack", "history", "--json", "--page-size", "1", "--stack", self.stack)
        )
        changes: dict[str, int] = history[0].get("resourceChanges") or {}
        return {kind: count for kind, count in changes.items() if kind != "same"}
