"""Reach a host with this machine's own OpenSSH client: part of the scripts that Pulumi runs here.

Only the standard library and ``ssh`` are needed. A script begins with ``from templates.local.openssh import ...``;
``render.local_script`` puts this text in its place, and the whole is what ``python3 -`` gets on stdin.

    host = Endpoint.parse(os.environ["HAVIP_SSH"])        # JSON, so that secrets are in no command line
    done = run(host, "systemctl is-active haproxy", timeout_s=20)
    print(done.returncode, done.stdout, done.stderr)

A command that ran is a `Result`, whatever its exit code; everything else is an `SshError`, whose text is one
sentence that names the host: `Unreachable`, `HostKeyDiffers`, `LoginRefused`, `TimedOut`, `NoClient`.
No configuration, agent or key of the user who runs Pulumi takes part, unless the endpoint says so: an endpoint
without key and password uses the agent of SSH_AUTH_SOCK.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CONNECT_TIMEOUT_S = 10
"""For one attempt: TCP connection and key exchange."""
SILENCE_LIMIT_S = 20
"""After this long without a sign of life from a host that we are on, the connection is given up."""
_SSH_FAILED = 255
_CLOSED = re.compile(r"^Connection to \S+ closed by remote host\.\s*\Z", re.MULTILINE)
"""The one thing that ssh says on the command's own stderr."""


class SshError(Exception):
    """The command did not run, or nobody knows how it ended."""


class NoClient(SshError):
    """There is no ``ssh`` on this machine."""


class Unreachable(SshError):
    """No name, no route, refused, timed out, or the connection broke: whoever answers there, it is not an sshd."""


class HostKeyDiffers(SshError):
    """An sshd answers that has another key than the expected one."""


class LoginRefused(SshError):
    """The right host answers and takes neither the key nor the password."""


class TimedOut(SshError):
    """The command was still running when its time was up. It may run on."""


@dataclass(frozen=True)
class Endpoint:
    """One sshd and how to log in to it."""

    host: str
    port: int = 22
    user: str = "root"
    private_key: str = ""
    """Text of the private key, or empty."""
    passphrase: str = ""
    """Passphrase of the private key, or empty."""
    password: str = ""
    agent_socket: str = ""
    """Socket of an SSH agent. Default: SSH_AUTH_SOCK where there is neither key nor password."""
    host_key: str = ""
    """The only key accepted, as known_hosts has it (``ssh-ed25519 AAAA...``); empty: any."""
    proxy: "Endpoint | None" = None
    """A bastion in between."""

    def __str__(self) -> str:
        """Say where it is."""
        port = "" if self.port == 22 else f":{self.port}"  # noqa: PLR2004 - sshd's own
        return f"{self.user}@{self.host}{port}" + (f" (through {self.proxy})" if self.proxy else "")

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Make one of a JSON object of its fields; absent and null ones are the default."""
        return cls.of(json.loads(text))

    @classmethod
    def of(cls, fields: "Mapping[str, object]") -> "Endpoint":
        """Make one of a mapping of its fields; absent and ``None`` ones are the default."""
        given = {key: value for key, value in fields.items() if value is not None}
        if isinstance(proxy := given.get("proxy"), Mapping):
            given["proxy"] = cls.of(proxy)
        # A JSON number may be a float; every field but these two is a text.
        return cls(**{key: int(value) if key == "port" else value for key, value in given.items()})  # type: ignore[arg-type,call-overload]


@dataclass(frozen=True)
class Result:
    """What a command left that ran to its end."""

    returncode: int
    stdout: str
    stderr: str


def run(endpoint: Endpoint, command: str, stdin: str = "", timeout_s: float = 60) -> Result:
    """Run `command` there, given `stdin`, within `timeout_s` (connecting included). Raises an `SshError`."""
    with _Session(endpoint) as session:
        done = session.ssh(command, stdin, timeout_s)
        if done.returncode == _SSH_FAILED and not session.entered:
            raise session.failure()
        # 255 is also what a broken connection looks like; then ssh has said something itself.
        broke = session.said() or "".join(_CLOSED.findall(done.stderr)).strip()
        if done.returncode == _SSH_FAILED and broke:
            raise Unreachable(f"{endpoint}: the connection broke: {broke}")
        return done


def learn_host_key(endpoint: Endpoint, algorithms: str, timeout_s: float = 30) -> str:
    """Return the key that the host shows when asked for `algorithms` (as HostKeyAlgorithms), as known_hosts has it.

    It is shown before anyone logs in, so whether the login works does not matter; a bastion must let us in, though.
    """
    with _Session(endpoint, algorithms) as session:
        session.ssh("true", "", timeout_s)
        if found := session.learned():
            return found
        raise session.failure()


def patiently(
    endpoint: Endpoint, command: str, stdin: str = "", *, timeout_s: float, patience_s: float
) -> Result:
    """Like `run`, but an unreachable host is tried again until `patience_s` have passed."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return run(endpoint, command, stdin, timeout_s)
        except Unreachable:
            if time.monotonic() >= deadline:
                raise
        time.sleep(2)


class _Session:
    """A private directory with what one call of ``ssh`` needs, gone afterwards."""

    def __init__(self, endpoint: Endpoint, algorithms: str = "") -> None:
        self.endpoint, self.algorithms = endpoint, algorithms
        self.hops = {"target": endpoint} | ({"bastion": endpoint.proxy} if endpoint.proxy else {})

    def __enter__(self) -> "_Session":
        if not shutil.which("ssh"):
            raise NoClient(f"{self.endpoint}: there is no ssh on this machine; install openssh-client")
        self.place = Path(tempfile.mkdtemp(prefix="havip-ssh-"))  # 0700
        try:
            for name, hop in self.hops.items():
                self._prepare(name, hop)
            self._write("config", "\n".join(self._config()) + "\n")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.place, ignore_errors=True)

    # --- what ssh is told ---------------------------------------------------------------------------------

    def _prepare(self, name: str, hop: Endpoint) -> None:
        if hop.private_key:
            # OpenSSH wants the line ends and the last newline that a copied key often lacks.
            self._write(f"{name}.key", hop.private_key.replace("\r\n", "\n").strip() + "\n")
        self._write(f"{name}.known", f"{name} {_key_of(hop)}\n" if hop.host_key else "")
        self._write(f"{name}.passphrase", hop.passphrase)
        self._write(f"{name}.password", hop.password)
        # ssh runs this with its question: for the passphrase of the key, or for the password in whatever words.
        place = shlex.quote(str(self.place / name))
        ask = (
            f"#!/bin/sh\ncase $1 in *passphrase*) cat {place}.passphrase ;; *) cat {place}.password ;; esac\n"
        )
        self._write(f"{name}.ask", ask, 0o700)

    def _write(self, name: str, text: str, mode: int = 0o600) -> None:
        with open(os.open(self.place / name, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode), "w") as file:  # noqa: PTH123
            file.write(text)

    def _config(self) -> Iterator[str]:
        for name, hop in self.hops.items():
            # Of the host ssh makes a shell's command line where there is a bastion.
            if re.search(r"[\s\x00]", hop.user) or not re.fullmatch(
                r"[\w:\[][\w.:%\]-]*", hop.host, re.ASCII
            ):
                raise SshError(f"{hop}: that is not the name of a host, or the user has white space in it")
            if re.search(r'["\x00-\x1f]', hop.agent_socket):
                raise SshError(f"{hop}: {hop.agent_socket!r} is not the path of an agent's socket")
            yield f"Host {name}"
            yield f"HostName {hop.host}"
            yield f"Port {hop.port}"
            yield f"User {hop.user}"
            # Why a bastion cannot go on to the host is no error to ssh, only information.
            yield f"LogLevel {'INFO' if name == 'bastion' else 'ERROR'}"
            if hop.proxy:
                yield f"ProxyCommand {self._proxy_command()}"
            yield from self._identity(name, hop)
            yield from self._expectation(name, hop)
            # Left once we are in: what fails before is not the command's failure.
            yield f"LocalCommand touch {shlex.quote(str(self.place / name)).replace('%', '%%')}.entered"
        yield "Host *"
        yield from (
            "PermitLocalCommand yes",
            "GlobalKnownHostsFile /dev/null",
            "UpdateHostKeys no",
            "NumberOfPasswordPrompts 1",
            "GSSAPIAuthentication no",
            f"ConnectTimeout {CONNECT_TIMEOUT_S}",
            f"ServerAliveInterval {SILENCE_LIMIT_S // 4}",
            "ServerAliveCountMax 3",
        )

    def _identity(self, name: str, hop: Endpoint) -> Iterator[str]:
        agent = hop.agent_socket or (
            "" if hop.private_key or hop.password else os.environ.get("SSH_AUTH_SOCK", "")
        )
        yield f'IdentityAgent "{agent}"' if agent else "IdentityAgent none"
        yield f"IdentitiesOnly {'no' if agent else 'yes'}"
        yield f'IdentityFile "{self.place / name}.key"' if hop.private_key else "IdentityFile none"
        # Without a secret to ask for, nobody is asked.
        yield f"BatchMode {'no' if hop.passphrase or hop.password else 'yes'}"

    def _expectation(self, name: str, hop: Endpoint) -> Iterator[str]:
        yield f"HostKeyAlias {name}"
        yield f'UserKnownHostsFile "{self.place / name}.known"'
        yield "HashKnownHosts no"
        yield f"StrictHostKeyChecking {'yes' if hop.host_key else 'no'}"
        if self.algorithms and name == "target":
            yield f"HostKeyAlgorithms {self.algorithms}"
            # Who only wants to know the key tries no login.
            yield "PreferredAuthentications none"

    def _proxy_command(self) -> str:
        words = ["env", f"SSH_ASKPASS={self.place / 'bastion.ask'}", *self._client("bastion")]
        command = shlex.join([*words, "-W", "TARGET", "bastion"]).replace("%", "%%")
        return command.replace("TARGET", "[%h]:%p") + " 2>/dev/null"

    def _client(self, name: str) -> list[str]:
        # With -E what ssh says itself does not mix with what the command says.
        return ["ssh", "-F", str(self.place / "config"), "-E", str(self.place / f"{name}.log")]

    # --- what it did ----------------------------------------------------------------------------------------

    def ssh(self, command: str, stdin: str, timeout_s: float) -> Result:
        """Run the client; it and whatever it started end with the time."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HAVIP_", "PULUMI_"))}
        asking = {"SSH_ASKPASS": str(self.place / "target.ask"), "SSH_ASKPASS_REQUIRE": "force"}
        process = subprocess.Popen(
            [*self._client("target"), "-T", "target", "--", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Clients older than 8.4 ask a program only with a display and without a terminal.
            env={"DISPLAY": ":", **kept, **asking, "LC_ALL": "C"},
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(stdin, timeout_s)
        except subprocess.TimeoutExpired:
            kind = TimedOut if self.entered else Unreachable
            raise kind(f"{self.endpoint}: no end within {timeout_s:g} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return Result(process.returncode, stdout, stderr)

    @property
    def entered(self) -> bool:
        """Whether the login worked."""
        return (self.place / "target.entered").exists()

    def learned(self) -> str:
        """Return the key that ssh noted for the host, or an empty text."""
        noted = (self.place / "target.known").read_text().split()
        return " ".join(noted[1:3])

    def said(self, name: str = "target") -> str:
        """Return what ssh said itself, on one line."""
        log = self.place / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return " ".join(line.strip() for line in lines if not line.startswith("Warning: Permanently added"))

    def failure(self) -> SshError:
        """Return why nobody is in, in words that name the host it is about."""
        proxy = self.endpoint.proxy
        if proxy and not (self.place / "bastion.entered").exists():
            return _failure(f"bastion {proxy}", self.said("bastion"), proxy)
        found = _failure(str(self.endpoint), self.said(), self.endpoint)
        if proxy and isinstance(found, Unreachable) and (said := self.said("bastion")):
            return Unreachable(f"{self.endpoint} cannot be reached: {said}")
        return found


def _failure(who: str, said: str, hop: Endpoint) -> SshError:
    if "Host key verification failed" in said or "host key is known for" in said:
        shown = re.search(r"SHA256:\S+", said)
        other = f" ({shown[0].rstrip('.')})" if shown else ""
        return HostKeyDiffers(f"{who} shows another host key{other} than the expected {_key_of(hop)}")
    if re.search(r"Permission denied|Too many authentication failures", said):
        return LoginRefused(f"{who} refuses the login: {said}")
    return Unreachable(f"{who} cannot be reached: {said or 'the connection was closed'}")


def _key_of(hop: Endpoint) -> str:
    """Return type and key of the expected host key, without a host's name before or a comment after it."""
    words = hop.host_key.split()
    for before, key in enumerate(words[1:]):
        if key.startswith("AAAA"):
            return f"{words[before]} {key}"
    raise SshError(
        f"{hop}: host key {hop.host_key!r}: must be as known_hosts has it, e.g. ssh-ed25519 AAAA..."
    )
