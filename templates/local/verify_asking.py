"""What the hosts are asked about an endpoint, one SSH session for each, and what they answer."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from templates.local.openssh import Endpoint, SshError, run

SESSION_LIMIT_S = 60
_CURL_TIMEOUT = 28
_CURL_UNCONNECTED = (5, 6, 7)
"""No proxy, no host, no connection. Any other failure happened on a connection, whose time curl may still give as 0."""
_END = "==== end"
"""No line of a bundle's file begins like this, so it also ends what is sent as a here document."""


@dataclass(frozen=True)
class Host:
    """A host that is asked; a balancer also looks at its own files and services."""

    name: str
    address: str
    login: Endpoint
    instance_id: str = ""
    balancer: bool = False
    checks: Mapping[str, str] = field(default_factory=dict)
    """What ``hostctl check`` is asked, and its standard input: bundles and the password."""

    def as_root(self, command: str) -> str:
        """Return `command` made one that root runs."""
        return command if self.login.user == "root" else f"sudo -n {command}"


@dataclass(frozen=True)
class Target:
    """Something with a name that listens."""

    name: str
    address: str
    port: int

    @property
    def place(self) -> str:
        """Where it listens: no two targets of an endpoint listen at the same place."""
        return f"{self.address}:{self.port}"

    def __str__(self) -> str:
        """Name it as messages do."""
        return f"{self.name} ({self.place})"

    def url(self, path: str) -> str:
        """Return what is asked for."""
        return f"https://{self.place}{path}"


@dataclass(frozen=True)
class Questions:
    """All that is asked about one endpoint."""

    endpoint: str
    """Name of the endpoint in the stack."""
    mode: str
    """strict: a kube-apiserver must answer in any case; auto: once one is up."""
    timeout_s: int
    vips: tuple[Target, ...]
    """The VIP on every port of the endpoint, the port that clients are told first."""
    path: str
    """Asked of every kube-apiserver, directly and through HAProxy."""
    expect_status: str
    """HTTP statuses of a kube-apiserver that is ready, as HAProxy takes them; empty: a TCP connection is enough."""
    outside: str
    """URL asked from this machine, or empty."""
    host_script: str
    """Beginning of what is sent to each host."""
    tool: str
    """Text of hostctl."""
    hosts: tuple[Host, ...]
    """In the order in which they are changed."""
    balancers: tuple[Target, ...]
    """Every HAProxy on every port, by its host's own address, where it listens there."""
    backends: tuple[Target, ...]
    removals_follow: bool = False
    """Whether what an ``up`` removes goes after this, as Pulumi has it: a balancer that leaves may have the VIP until
    then."""

    @classmethod
    def parse(cls, text: str) -> "Questions":
        """Make them of what ``components/questions.py`` writes."""
        raw = json.loads(text)
        hosts = tuple(Host(**{**host, "login": Endpoint.of(host["login"])}) for host in raw["hosts"])
        targets = {key: tuple(Target(**one) for one in raw[key]) for key in ("vips", "balancers", "backends")}
        return cls(**{**raw, **targets, "hosts": hosts})

    @property
    def vip(self) -> Target:
        """The VIP on the port that clients are told."""
        return self.vips[0]


@dataclass(frozen=True)
class Answer:
    """How far one question got."""

    status: int = 0
    """HTTP status, 0 for none."""
    connected: bool = False
    silent: bool = False
    """Whether the question was dropped rather than refused."""
    said: str = ""

    def __str__(self) -> str:
        """Say it in words."""
        return f"HTTP {self.status}" if self.status else self.said or "no answer"


@dataclass(frozen=True)
class Report:
    """What one host answered."""

    answers: Mapping[str, Answer]
    """What every target that was asked answered, by its `place`."""
    addresses: frozenset[str]
    findings: tuple[str, ...]
    """What `hostctl check` found, each with the lines of its difference."""
    leavers: frozenset[str] = frozenset()
    """Addresses of balancers that leave, and hear adverts of this host until they have stopped."""

    def answer(self, target: Target) -> Answer:
        """Return what `target` answered; nothing if it was not asked."""
        return self.answers.get(target.place, Answer())


def ask_host(questions: Questions, host: Host) -> "Report | SshError":
    """Ask `host` everything; an `SshError` is returned, not raised."""
    shell = host.as_root("bash -s") if host.balancer else "bash -s"
    try:
        done = run(host.login, shell, script(questions, host), SESSION_LIMIT_S)
    except SshError as error:
        return error
    if _END not in done.stdout.splitlines():
        said = " ".join((done.stderr or done.stdout).split()[-40:])
        return SshError(f"{host.login} did not answer every question: {said or 'it said nothing'}")
    return parse(done.stdout)


def script(questions: Questions, host: Host) -> str:
    """Return what bash on `host` runs."""
    lines = [questions.host_script]
    asked = [*questions.vips, *questions.balancers]
    # Asked from where HAProxy asks; a host elsewhere may not be allowed to.
    asked += questions.backends if host.balancer else ()
    lines += [f"ask {target.place} {shlex.quote(target.url(questions.path))}" for target in asked]
    lines += ["addresses"]
    if host.checks:
        lines += [here('cat >"$work/hostctl"', questions.tool), "check tool </dev/null"]
        lines += [here(f"check {what}", text) for what, text in host.checks.items()]
        lines += ["leavers"]
    return "\n".join([*lines, "answers", f"echo '{_END}'"]) + "\n"


def here(command: str, text: str) -> str:
    """Return `command` with `text` on its standard input."""
    return f"{command} <<'{_END}'\n{text if text.endswith(chr(10)) else text + chr(10)}{_END}"


def parse(text: str) -> Report:
    """Read what the script printed."""
    answers: dict[str, Answer] = {}
    addresses: frozenset[str] = frozenset()
    leavers: frozenset[str] = frozenset()
    findings: list[str] = []
    for what, lines in _sections(text):
        kind, _, about = what.partition(" ")
        if kind == "ask":
            answers[about] = _answer(lines)
        elif kind == "addresses":
            addresses = frozenset(lines)
        elif kind == "leavers":
            leavers = frozenset(lines)
        elif kind == "check":
            findings += _findings(lines)
    return Report(answers, addresses, tuple(findings), leavers)


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    for section in re.split(r"^==== ", text, flags=re.MULTILINE)[1:]:
        what, *lines = section.splitlines()
        yield what, lines


def _answer(lines: list[str]) -> Answer:
    numbers, *words = lines
    said = re.sub(r"^curl: \(\d+\) ", "", words[0]) if words else ""
    if len(fields := numbers.split()) != 3:  # noqa: PLR2004 - then there is no curl, which bash has said
        return Answer(said=said)
    status, connect, code = fields
    silent = int(code) == _CURL_TIMEOUT and float(connect) == 0 and not said.startswith(("SSL", "Operation"))
    return Answer(int(status), not silent and int(code) not in _CURL_UNCONNECTED, silent, said)


def _findings(lines: list[str]) -> Iterator[str]:
    found = ""
    for line in lines:
        if line.startswith(" ") and found:
            found += f"\n{line}"
            continue
        if found:
            yield found
        found = line
    if found:
        yield found
