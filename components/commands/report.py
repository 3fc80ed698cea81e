"""The outcome of a verification as lines that people read."""

from collections.abc import Iterator

from templates.local.verify import Outcome, indented
from templates.local.verify_judge import Failure


def as_text(outcome: Outcome) -> str:
    """Return a line for each layer that holds, what is wrong in the others, and the log lines that may tell why."""
    questions, verdict = outcome.questions, outcome.verdict
    lines = [f"{questions.endpoint}: {questions.vip.address}:{questions.vip.port}"]
    wrong = {failure.layer for failure in verdict.failures}
    lines += [f"  ok    {layer:<15} {said}" for layer, said in _good(outcome, wrong)]
    lines += [f"  note  {'SSH':<15} {name} is not asked: {said}" for name, said in verdict.unasked.items()]
    lines += [_bad(failure) for failure in verdict.failures]
    for about, text in sorted(outcome.logs.items()):
        host, service = about.split()
        lines += [f"  last log lines of {service} on {host}:", indented(text, "      ")]
    return "\n".join(lines) + "\n"


def _good(outcome: Outcome, wrong: set[str]) -> Iterator[tuple[str, str]]:
    questions, verdict = outcome.questions, outcome.verdict
    unreached = {failure.host for failure in verdict.failures if failure.layer == "SSH"} | {*verdict.unasked}
    hosts = [host for host in questions.hosts if host.name not in unreached]
    asked = ", ".join(host.name for host in hosts)
    balancers = ", ".join(host.name for host in hosts if host.balancer)
    if hosts:
        yield "SSH", asked
    if balancers:
        yield from ((kind, balancers) for kind in ("files", "service") if kind not in wrong)
    if verdict.holders and "VRRP" not in wrong:
        agreed = "" if "cloud" in wrong else outcome.agreed
        yield "VRRP", f"{verdict.holders[0]} alone has {questions.vip.address}{agreed}"
    if hosts and not wrong & {"HAProxy", "HaVip", "security group", "VRRP"}:
        yield "HAProxy", f"takes connections on the VIP and on every balancer, from {asked}"
    if verdict.up:
        yield "kube-apiserver", f"ready: {', '.join(verdict.up)}"
    for name, said in verdict.down.items():
        yield "kube-apiserver", f"not ready: {name}: {said}"
    if not verdict.demanded and not wrong:
        yield "kube-apiserver", "none is up yet; once kubeadm init has run, set verify: strict"
    if questions.outside and not wrong:
        yield "EIP", f"{questions.outside} answers this machine"


def _bad(failure: Failure) -> str:
    first, *rest = failure.said.splitlines()
    where = f"{failure.host}: " if failure.host else ""
    return "\n".join([f"  FAIL  {failure.layer:<15} {where}{first}", *(f"        {line}" for line in rest)])
