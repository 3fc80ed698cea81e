"""Questions to hosts while the program runs, asked with the machine's own ``ssh`` before anything changes.

Without them a wrong login or another host key shows only after the HaVip is made and every retry of the first host
step has run out, minutes later.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components import render

CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 30
_REFUSED = ("Permission denied", "Too many authentication failures")
"""What ``ssh`` says of a host that is up and does not let us in."""
OPTIONS = (
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
    # Who the host is, is the connection's business (host_key); here it is only asked whether we get in.
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    f"ConnectTimeout={CONNECT_TIMEOUT_S}",
)


@dataclass(frozen=True)
class Login:
    """How to get into one host."""

    name: str
    host: str
    user: str
    key_file: Path
    jump: str = ""
    """``USER@HOST:PORT`` of a bastion, or empty."""
    balancer: bool = True
    """Whether something is done there; a host that is only asked may be down."""


def command(login: Login) -> list[str]:
    """Return the ``ssh`` command that tries to get in and does nothing there."""
    options = [part for option in OPTIONS for part in ("-o", option)]
    if login.jump:
        via = ["ssh", "-i", str(login.key_file), *options, "-W", "%h:%p", *_target(login.jump)]
        options += ["-o", f"ProxyCommand={shlex.join(via)}"]
    return ["ssh", "-i", str(login.key_file), *options, f"{login.user}@{login.host}", "true"]


def _target(jump: str) -> list[str]:
    host, _, port = jump.partition(":")
    return ["-p", port, host] if port else [host]


def complaint(login: Login) -> str:
    """Return why the host cannot be entered, or an empty text."""
    try:
        done = subprocess.run(
            command(login), capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no login within {ANSWER_TIMEOUT_S} s"
    return "" if done.returncode == 0 else " ".join(done.stderr.split()) or f"ssh exited {done.returncode}"


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
        refuses = any(words in said for words in _REFUSED)
        if said and not login.balancer and not refuses:
            pulumi.log.warn(f"{login.name}: no SSH, nothing is asked from there: {said}")
        elif said:
            refused.append(f"  - {login.name}: {login.user}@{login.host} with {login.key_file}: {said}")
    if refused:
        raise pulumi.RunError(
            "these masters cannot be entered with SSH; nothing was changed:\n"
            + "\n".join(refused)
            + "\ncheck sshHost, sshUser, sshPrivateKeyFile and sshProxy"
        )


def shown_host_key(endpoint: str) -> str:
    """Return the host key that the host of `endpoint` (``ssh.endpoint``) shows; empty if it shows none now."""
    done = subprocess.run(
        [sys.executable, "-I", "-"],
        input=render.local_script("host_key.py"),
        env={**os.environ, "HAVIP_SSH": endpoint, "HAVIP_PATIENCE_S": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
