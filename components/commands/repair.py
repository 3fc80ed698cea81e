"""Put drifted hosts right: the program's own steps on them run again, host by host, in the program's order."""

from collections.abc import Callable, Mapping
from typing import Any

from components.preflight.state import Endpoint, Step
from templates.local import openssh
from templates.local.verify_judge import Verdict

REPAIRABLE = ("files", "service")
STEP_LIMIT_S = 900
"""Packages may have to be installed again."""
_FIELDS = {
    "host": "host",
    "port": "port",
    "user": "user",
    "private_key": "privateKey",
    "passphrase": "privateKeyPassword",
    "password": "password",
    "agent_socket": "agentSocketPath",
    "host_key": "hostKey",
}


class RepairError(Exception):
    """A step failed; the hosts after it are untouched."""


def drifted(verdict: Verdict) -> list[str]:
    """Return the hosts that `verdict` found drifted."""
    return sorted({failure.host for failure in verdict.failures if failure.layer in REPAIRABLE})


def repair(endpoint: Endpoint, hosts: list[str], tell: Callable[[str], object]) -> None:
    """Run every step of `hosts` again, with what the last ``up`` put there. Raises `RepairError`.

    The order is the state's, which is the one the program runs them in: backup first. What is as it should be stays
    untouched by its step.
    """
    for step in endpoint.steps:
        if step.host in hosts:
            tell(f"{step.host}: {step.name}: {_run(step)}")


def _run(step: Step) -> str:
    try:
        done = openssh.run(login(step.connection), step.command, step.stdin, STEP_LIMIT_S)
    except openssh.SshError as error:
        raise RepairError(f"{step.host}: {step.name}: {error}") from error
    if done.returncode:
        raise RepairError(f"{step.host}: {step.name}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip().rpartition("\n")[2].rpartition(": ")[2] or "done"


def login(connection: Mapping[str, Any]) -> openssh.Endpoint:
    """Return how OpenSSH logs in where `connection`, of a remote command, leads."""
    fields = {ours: connection.get(theirs) or None for ours, theirs in _FIELDS.items()}
    proxy = connection.get("proxy")
    return openssh.Endpoint.of({**fields, "proxy": login(proxy) if proxy else None})
