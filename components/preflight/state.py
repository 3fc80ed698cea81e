"""What a stack knows of its endpoints, read with the ``pulumi`` command: for the commands beside the program."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components import tokens

_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Marks a special value in a state; with a plain text beside it, that is a secret."""
_HA_VIP = "alicloud:vpc/haVipv2:HaVipv2"


class StateError(Exception):
    """The stack cannot be asked, or does not know."""


@dataclass(frozen=True)
class Resource:
    """One resource of a state, secrets in plain."""

    urn: str
    type: str
    parent: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Step:
    """One step of the program on one host."""

    host: str
    name: str
    """tool, packages, haproxy, keepalived and others."""
    command: str
    stdin: str
    connection: Mapping[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One ``ApiServerVip`` of a stack."""

    name: str
    ha_vip: str
    """URN of its HaVip."""
    attachments: Mapping[str, str]
    """URN of each instance's attachment to it, by the instance's id."""
    questions: Mapping[str, Any]
    """Empty where ``verify`` is off, or where no ``up`` has got that far."""
    steps: tuple[Step, ...]
    """As the last ``up`` got through with them, in their order."""


def endpoints(stack: str = "") -> list[Endpoint]:
    """Return every endpoint of `stack` (default: the selected one). Raises `StateError`."""
    exported = asked(stack, "stack", "export", "--show-secrets")
    found = [*_resources(exported.get("deployment") or {})]
    return [*_endpoints(found)]


def asked(stack: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    """Return what ``pulumi ARGUMENTS`` prints, which is JSON. Raises `StateError`."""
    return parsed(run_pulumi(stack, *arguments), *arguments)


def parsed(text: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    """Return what the JSON says that ``pulumi ARGUMENTS`` printed. Raises `StateError` for anything else."""
    try:
        return json.loads(text)
    except ValueError as error:
        # What was printed instead may hold secrets.
        said = f"pulumi {' '.join(arguments[:2])}: no JSON ({error}); run it here to see what it prints"
        raise StateError(said) from error


def run_pulumi(stack: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Return what ``pulumi ARGUMENTS`` prints. Raises `StateError` with its own words."""
    command = ["pulumi", *arguments, *(["--stack", stack] if stack else [])]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False
        )
    except FileNotFoundError as absent:
        raise StateError("there is no pulumi on PATH (on the sandbox: make shell)") from absent
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise StateError(f"pulumi {' '.join(arguments[:2])}: {said}")
    return done.stdout


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a state's `value` with its secrets in plain."""
    if isinstance(value, Mapping):
        if _SIGNATURE in value and "plaintext" in value:
            return plain(json.loads(value["plaintext"]))
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _resources(deployment: Mapping[str, Any]) -> Iterator[Resource]:
    for raw in deployment.get("resources") or []:
        if raw.get("delete"):  # replaced, and its predecessor not gone yet
            continue
        inputs, outputs = plain(raw.get("inputs") or {}), plain(raw.get("outputs") or {})
        yield Resource(raw["urn"], raw["type"], raw.get("parent") or "", inputs, outputs)


def _endpoints(resources: Iterable[Resource]) -> Iterator[Endpoint]:
    everything = list(resources)
    for vip in everything:
        if vip.type != tokens.APISERVER_VIP:
            continue
        children = [one for one in everything if one.parent == vip.urn]
        asked = [
            one.outputs["questions"] for one in children if one.type == tokens.VERIFICATION and one.outputs
        ]
        ha_vips = [one.urn for one in children if one.type == _HA_VIP]
        attachments = {
            one.inputs.get("instanceId", ""): one.urn for one in children if one.type == tokens.ATTACHMENT
        }
        hosts = {one.urn: one for one in children if one.type == tokens.BALANCER_HOST}
        questions = asked[0] if asked and asked[0].get("mode", "off") != "off" else {}
        steps = tuple(_steps(vip.name, hosts, everything))
        yield Endpoint(vip.name, ha_vips[0] if ha_vips else "", attachments, questions, steps)


def _steps(endpoint: str, hosts: Mapping[str, Resource], resources: Iterable[Resource]) -> Iterator[Step]:
    for one in resources:
        if one.type == tokens.COMMAND and one.parent in hosts:
            host, step = tokens.host_and_step(one.name)
            yield Step(
                host.removeprefix(tokens.host_name(endpoint, "")),
                step,
                one.inputs.get("create", ""),
                one.inputs.get("stdin", ""),
                one.inputs.get("connection") or {},
            )
