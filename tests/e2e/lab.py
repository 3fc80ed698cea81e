"""One stack on the sandbox, as the tests see it: the engine, the hosts over real SSH, the cloud, the endpoint."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import yaml

from sandbox.control import Control
from sandbox.settings import Settings
from sandbox.stack.engine import Engine
from sandbox.stack.flow import DevStack
from sandbox.stack.ssh_key import ensure_key


def commands_in(said: str) -> list[str]:
    """The commands of ``pulumi`` that a message of the program names, in their order."""
    return [line.strip() for line in said.splitlines() if line.strip().startswith("pulumi ")]


@dataclass(frozen=True)
class Lab:
    """What a test needs to make a promise and check it."""

    settings: Settings
    flow: DevStack

    @cached_property
    def engine(self) -> Engine:
        """The engine on this stack, which is made if there is none."""
        engine = self.flow.running_engine()
        engine.select()
        return engine

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``pulumi`` and capture what it says."""
        return self.engine.run(*arguments, capture=True)

    def cloud(self) -> dict[str, Any]:
        """What the cloud holds now."""
        return Control(self.settings).status().content

    @property
    def component(self) -> str:
        """What the stack's program calls its endpoint, and begins every name with."""
        return f"{self.configuration().get('name', 'k8s')}-{self.flow.stack}"

    def hosts(self) -> dict[str, dict[str, Any]]:
        """Hosts by name: those of the stack's own VPC if it made one, since stacks lie side by side."""
        cloud = self.cloud()
        own = {vpc["id"] for vpc in cloud["vpcs"] if vpc["name"] == self.component}
        return {host["name"]: host for host in cloud["hosts"] if not own or host["vpc"] in own}

    def holder(self) -> str | None:
        """Name of the host that has the VIP on its interface."""
        cloud = self.cloud()
        names = {host["id"]: host["name"] for host in cloud["hosts"]}
        [ha_vip] = [one for one in cloud["ha_vips"] if one["name"] == self.component]
        return names.get(ha_vip["holder"])

    def ssh(self, host: str, command: str, *, check: bool = True, stdin: str = "") -> str:
        """Run a command on a host through its EIP, as the program does."""
        key = ensure_key(self.settings.directory / "ssh")
        options = (
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "ConnectTimeout=10",
        )
        done = subprocess.run(
            [
                "ssh",
                "-i",
                str(key),
                *(part for option in options for part in ("-o", option)),
                f"root@{self.hosts()[host]['eip']}",
                command,
            ],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{host}: {command!r} exited {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def verified(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What ``python -m components verify`` says of every endpoint of the stack, by name."""
        done = subprocess.run(
            [sys.executable, "-m", "components", "verify", "--json", *arguments],
            cwd=self.flow.project,
            env={**os.environ, **self.engine.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            raise AssertionError(f"nothing could be verified: {done.stderr}")
        found = json.loads(done.stdout)
        if found["holds"] != (done.returncode == 0):
            raise AssertionError(f"exit status {done.returncode} and {done.stdout}")
        return {one["endpoint"]: one for one in found["endpoints"]}

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        return self.engine.outputs()

    def answers(self, path: str = "/readyz") -> bool:
        """Whether the endpoint answers 200 from outside, within two seconds."""
        try:
            # The backends sign their own certificates; whether they answer is the question.
            answer = httpx.get(self.outputs()["endpoint"] + path, verify=False, timeout=2, trust_env=False)  # noqa: S501
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    @property
    def _file(self) -> Path:
        return self.flow.project / f"Pulumi.{self.flow.stack}.yaml"

    def configuration(self) -> dict[str, Any]:
        """The keys of the stack's configuration file that are the program's own."""
        config: dict[str, Any] = yaml.safe_load(self._file.read_text())["config"]
        prefix = "kube-apiserver-havip:"
        return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}

    def configure(self, **changes: Any) -> None:
        """Change keys of the stack's configuration file, as an editor would."""
        content = yaml.safe_load(self._file.read_text())
        for key, value in changes.items():
            content["config"][f"kube-apiserver-havip:{key}"] = value
        self._file.write_text(yaml.safe_dump(content))
