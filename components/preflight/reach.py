"""Questions to hosts while the program runs, asked with the machine's own ``ssh`` before anything changes.

Without them a wrong login or another host key shows only after the HaVip is made and every retry of the first host
step has run out, minutes later.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pulumi

from components.rendering import render
from components.rules import logins
from components.rules.violations import Refusal, Violation
from templates.local import openssh
from templates.local.openssh import Endpoint

ANSWER_TIMEOUT_S = 30
AGENT = "SSH_AUTH_SOCK"


@dataclass(frozen=True)
class Login:
    """How to get into one host."""

    name: str
    endpoint: Endpoint
    balancer: bool = True
    """Whether something is done there; a host that is only asked may be down."""


def complaint(login: Login) -> openssh.SshError | None:
    """Return why the host cannot be entered; nothing if it can."""
    try:
        done = openssh.run(login.endpoint, "true", timeout_s=ANSWER_TIMEOUT_S)
    except openssh.SshError as error:
        return error
    if not done.returncode:
        return None
    said = " ".join(done.stderr.split()) or f"`true` ended with {done.returncode}"
    return openssh.SshError(f"{login.endpoint}: {said}")


def check(logins: Sequence[Login]) -> None:
    """Try every login, side by side. Raises ``pulumi.RunError`` naming each host that cannot be entered.

    One that is down and balances nothing is a warning. On a machine without ``ssh`` nothing is tried.
    """
    if not logins or not shutil.which("ssh"):
        return
    with ThreadPoolExecutor() as pool:
        complaints = list(pool.map(complaint, logins))
    refused = []
    for login, said in zip(logins, complaints, strict=True):
        if said and not login.balancer and not isinstance(said, openssh.LoginRefused):
            pulumi.log.warn(f"{login.name}: no SSH, nothing is asked from there: {said}")
        elif said:
            refused.append(f"  - {login.name}: {said}")
    if refused:
        raise pulumi.RunError(
            "these masters cannot be entered with SSH; nothing was changed:\n"
            + "\n".join(refused)
            + "\ncheck sshHost, sshUser, sshPrivateKeyFile, sshKeyPassphrase and sshProxy"
        )


def check_agent(name: str, args: Mapping[str, object]) -> None:
    """Refuse an SSH agent that the environment names and that does not answer; not in a preview.

    Pulumi's plugin connects to it before every login, also with a private key, and fails where it cannot. OpenSSH, with
    which everything else is asked, finds nothing wrong. Raises ``pulumi.RunError``.
    """
    path = os.environ.get(AGENT)
    if not path or pulumi.runtime.is_dry_run() or not logins.asks_agent(args):
        return
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(ANSWER_TIMEOUT_S)
            agent.connect(path)
    except OSError as error:
        rule = (
            f"no SSH agent answers there ({error.strerror or error}), and Pulumi's plugin needs one where this is set, "
            "also beside a private key"
        )
        remedy = f"unset {AGENT}, or start the agent"
        raise Refusal(name, [Violation(AGENT, path, rule, remedy)]) from error


def shown_host_key(endpoint: str) -> str:
    """Return the host key that the host of `endpoint` (``ssh.target_json``) shows; empty if it shows none now."""
    done = subprocess.run(
        [sys.executable, "-I", "-"],
        input=render.local_script("host_key.py"),
        env={**os.environ, "HAVIP_SSH": endpoint, "HAVIP_PATIENCE_S": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
