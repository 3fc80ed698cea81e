"""The end of an ``up``: everything about one endpoint is asked until it holds, side by side on every host.

Runs on the machine that runs Pulumi: the questions come on stdin (secret: logins are among them).
"""

import http.client
import json
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from templates.local.openssh import SshError, run
from templates.local.verify_asking import Answer, Host, Questions, Report, ask_host
from templates.local.verify_judge import Failure, Verdict, judge

ANSWER_LIMIT_S = 5
GRACE_S = 5
"""What waiting cannot mend is believed when it is still so after this time."""
PAUSE_S = 1
LOOKS = 2
LOG_LINES = 8


@dataclass(frozen=True)
class Outcome:
    """How the verification of one endpoint ended."""

    questions: Questions
    verdict: Verdict
    logs: Mapping[str, str]
    """By ``HOST SERVICE``: the last log lines of what failed."""
    agreed: str = ""
    """Who else says who has the VIP, for people."""

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.verdict.failures


def verify(questions: Questions, within_s: float) -> Outcome:
    """Look until everything holds, for at most `within_s`, but twice at least.

    Hosts answer at different moments: while the VIP moves, one look may see it in two places. It takes long where the
    machine is busy, which is when it moves.
    """
    began, looks = time.monotonic(), 0
    while True:
        verdict = look(questions)
        looks += 1
        waited = time.monotonic() - began
        hopeless = waited >= GRACE_S and any(failure.final for failure in verdict.failures)
        if not verdict.failures or hopeless or (waited >= within_s and looks >= LOOKS):
            return Outcome(questions, verdict, logs(questions, verdict))
        time.sleep(PAUSE_S)


def look(questions: Questions) -> Verdict:
    """Ask every host and, where there is a URL outside, that too; once."""
    with ThreadPoolExecutor(len(questions.hosts) + 1) as pool:
        asked = {host.name: pool.submit(ask_host, questions, host) for host in questions.hosts}
        outside = (
            pool.submit(ask_from_here, questions.outside + questions.path) if questions.outside else None
        )
        reports: dict[str, Report | SshError] = {name: future.result() for name, future in asked.items()}
        return judge(questions, reports, outside.result() if outside else None)


def ask_from_here(url: str) -> Answer:
    """Ask `url` from this machine, past any proxy; any certificate will do."""
    target = urllib.parse.urlsplit(url)
    try:
        socket.create_connection((target.hostname or "", target.port or 443), ANSWER_LIMIT_S).close()
    except OSError as error:
        return Answer(silent=isinstance(error, TimeoutError), said=str(error))
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=ANSWER_LIMIT_S) as response:
            return Answer(response.status, connected=True)
    except urllib.error.HTTPError as error:
        return Answer(error.code, connected=True)
    except (OSError, http.client.HTTPException) as error:
        return Answer(connected=True, said=str(error) or type(error).__name__)


def logs(questions: Questions, verdict: Verdict) -> dict[str, str]:
    """Return the last log lines of every service that a failure is about."""
    by_name = {host.name: host for host in questions.hosts if host.balancer}
    wanted = sorted(
        {
            (name, service)
            for failure in verdict.failures
            for name in failure.host.split(", ")
            for service in failure.services
            if name in by_name
        }
    )

    def fetch(host: Host, service: str) -> str:
        command = f"journalctl --unit {service} --lines {LOG_LINES} --no-pager --output short-iso"
        try:
            return run(host.login, host.as_root(command), timeout_s=20).stdout.rstrip("\n")
        except SshError as error:
            return str(error)

    with ThreadPoolExecutor() as pool:
        found = {(name, service): pool.submit(fetch, by_name[name], service) for name, service in wanted}
        return {" ".join(about): text.result() for about, text in found.items() if text.result()}


def complaint(outcome: Outcome) -> str:
    """Return everything that is wrong, one paragraph for each failure, with the logs that may tell why."""
    paragraphs = [_told(failure) for failure in outcome.verdict.failures]
    for about, text in sorted(outcome.logs.items()):
        host, service = about.split()
        paragraphs.append(f"last log lines of {service} on {host}:\n{indented(text)}")
    return "\n".join(paragraphs)


def _told(failure: Failure) -> str:
    where = f"{failure.host}: " if failure.host else ""
    return f"[{failure.layer}] {where}{failure.said}"


def indented(text: str, by: str = "    ") -> str:
    """Return `text` with every line moved to the right."""
    return "\n".join(f"{by}{line}" for line in text.splitlines())


def statement(outcome: Outcome) -> Iterator[str]:
    """Say what holds; a line that begins with ``note: `` is what people should know."""
    questions, verdict = outcome.questions, outcome.verdict
    hosts = [host.name for host in questions.hosts if host.name not in verdict.unasked]
    asked = f"every host ({', '.join(hosts)})"
    asked += " and from outside" if questions.outside else ""
    if verdict.demanded:
        yield f"a kube-apiserver answers through {questions.vip} from {asked}"
        for name, said in verdict.down.items():
            yield f"note: kube-apiserver {name} is not ready: {said}"
    else:
        yield (
            f"note: no kube-apiserver is up yet: HAProxy answers on {questions.vip} from {asked}; "
            "once kubeadm init has run, set verify: strict"
        )
    for name, said in verdict.unasked.items():
        yield f"note: nothing was asked from {name}, which is no balancer: {said}"
    if verdict.leaver:
        yield (
            f"note: the balancer that leaves, {verdict.leaver}, has the VIP; it hands it over when it is removed, at "
            "the end of this up"
        )
    else:
        yield "exactly one balancer has the VIP"
    yield "files and services of every balancer are as the stack has them"
    # For the program (components/agreement.py): when this was so, and whom the cloud should take for the master.
    now = datetime.now(timezone.utc)  # noqa: UP017 - the machine may have Python 3.9
    yield f"looked: {now.isoformat()}"
    for host in questions.hosts:
        if host.name in verdict.holders:
            yield f"holder: {host.name} {host.instance_id}"


def main() -> None:
    """Verify what stdin says; the exit status tells."""
    text = sys.stdin.read()
    if json.loads(text)["mode"] == "off":
        return
    questions = replace(Questions.parse(text), removals_follow=True)
    outcome = verify(questions, questions.timeout_s)
    if not outcome.holds:
        sys.exit(f"the endpoint {questions.endpoint!r} does not hold what it promises:\n{complaint(outcome)}")
    sys.stdout.write("".join(f"{line}\n" for line in statement(outcome)))


if __name__ == "__main__":
    main()
