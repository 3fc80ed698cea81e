"""What the answers mean: what is wrong, on which host and in which layer. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from templates.local.openssh import HostKeyDiffers, LoginRefused, NoClient, SshError, TimedOut, Unreachable
from templates.local.verify_asking import Answer, Questions, Report, Target

_FINAL = (HostKeyDiffers, LoginRefused, NoClient)
_DOWN = (Unreachable, TimedOut)


@dataclass(frozen=True)
class Failure:
    """One thing that is wrong."""

    layer: str
    """SSH, files, service, VRRP, HaVip, HAProxy, kube-apiserver, security group or EIP."""
    host: str
    """Where; several names are separated by commas, empty for this machine."""
    said: str
    services: tuple[str, ...] = ()
    """Whose last log lines may tell why, on `host`."""
    final: bool = False
    """Whether waiting is of no use."""


@dataclass(frozen=True)
class Verdict:
    """What one look at an endpoint found."""

    failures: tuple[Failure, ...]
    holders: tuple[str, ...]
    up: tuple[str, ...]
    """Backends that are ready, asked directly."""
    down: Mapping[str, str]
    """The other ones, with what they answered."""
    demanded: bool
    """Whether a kube-apiserver had to answer."""
    unasked: Mapping[str, str]
    """Hosts that are down and balance nothing, so that all that is missing is what they would have answered; why."""
    leaver: str
    """Who has the VIP, if it is a balancer that this ``up`` removes after the verification; else empty."""


def judge(
    questions: Questions, reports: "Mapping[str, Report | SshError]", outside: "Answer | None"
) -> Verdict:
    """Judge what the hosts answered, and what the URL from outside did if there is one."""
    reached = {name: report for name, report in reports.items() if isinstance(report, Report)}
    holders = tuple(name for name, report in reached.items() if questions.vip.address in report.addresses)
    backends = {str(backend): _best(backend, reached) for backend in questions.backends}
    up = tuple(name for name, answer in backends.items() if ready(answer, questions.expect_status))
    demanded = questions.mode == "strict" or bool(up)
    unasked = {
        host.name: str(reports[host.name])
        for host in questions.hosts
        if not host.balancer and isinstance(reports.get(host.name), _DOWN)
    }
    leaver = _leaver(questions, reached, holders)
    failures = [
        *_unreached({name: report for name, report in reports.items() if name not in unasked}),
        *_drifted(reached),
        *_wrongly_held(questions, reached, holders, leaver),
        *_unanswered(questions, reached, holders),
    ]
    if demanded and not up:
        answers = "; ".join(f"{name}: {answer}" for name, answer in backends.items())
        failures += [
            Failure("kube-apiserver", "", f"none is ready, asked from the balancers directly: {answers}")
        ]
    elif demanded and not failures:
        failures += _not_passed_on(questions, reached, up)
    if outside is not None and not failures:
        failures += _outside(questions, outside, demanded=demanded)
    down = {name: str(answer) for name, answer in backends.items() if name not in up}
    return Verdict(tuple(failures), holders, up, down, demanded, unasked, leaver)


def ready(answer: Answer, expect_status: str) -> bool:
    """Whether HAProxy would take this kube-apiserver for ready."""
    if not expect_status:
        return answer.connected
    return any(low <= answer.status <= high for low, high in status_ranges(expect_status))


def status_ranges(expect_status: str) -> list[tuple[int, int]]:
    """Return ``200``, ``200,401`` or ``200-399`` as ranges, both ends included; of an empty text none."""
    parts = (part.partition("-") for part in expect_status.split(",") if part)
    return [(int(low), int(high or low)) for low, _, high in parts]


def _best(backend: Target, reached: Mapping[str, Report]) -> Answer:
    return max(
        (report.answer(backend) for report in reached.values() if backend.place in report.answers),
        key=lambda one: (one.status in range(200, 300), one.status > 0, one.connected),
        default=Answer(),
    )


def _unreached(reports: "Mapping[str, Report | SshError]") -> Iterator[Failure]:
    for name, report in reports.items():
        if isinstance(report, SshError):
            yield Failure("SSH", name, str(report), final=isinstance(report, _FINAL))


def _drifted(reached: Mapping[str, Report]) -> Iterator[Failure]:
    for name, report in reached.items():
        for finding in report.findings:
            layer, _, said = finding.partition(": ")
            if layer == "files":
                yield Failure("files", name, said, final=True)
            elif layer == "service":
                yield Failure("service", name, said, (said.split()[0],))
            else:
                yield Failure("service", name, finding)


def _leaver(questions: Questions, reached: Mapping[str, Report], holders: tuple[str, ...]) -> str:
    """Return the balancer that leaves and has the VIP: its name if it was asked, else the addresses it may have."""
    if not questions.removals_follow:
        return ""
    told = frozenset[str]().union(*(report.leavers for report in reached.values()))
    leavers = told.difference(host.address for host in questions.hosts if host.balancer)
    if holders:
        left = [host.name for host in questions.hosts if host.name in holders and host.address in leavers]
        return left[0] if holders == tuple(left) else ""
    unseen = leavers.difference(*(report.addresses for report in reached.values()))
    return " or ".join(sorted(unseen)) if _vip_answers(questions, reached) else ""


def _vip_answers(questions: Questions, reached: Mapping[str, Report]) -> bool:
    answers = [report.answer(target) for report in reached.values() for target in questions.vips]
    return bool(answers) and all(answer.connected for answer in answers)


def _wrongly_held(
    questions: Questions,
    reached: Mapping[str, Report],
    holders: tuple[str, ...],
    leaver: str,
) -> Iterator[Failure]:
    balancers = [host.name for host in questions.hosts if host.balancer]
    all_seen = reached.keys() >= set(balancers)
    vip = questions.vip.address
    if len(holders) > 1:
        said = f"{len(holders)} hosts have {vip} at once: do they hear each other (VRRP is IP protocol 112)?"
        yield Failure("VRRP", ", ".join(holders), said, ("keepalived",))
    elif leaver:
        return
    elif holders and holders[0] not in balancers:
        yield Failure("VRRP", holders[0], f"has {vip}, and is no balancer")
    elif not holders and all_seen:
        said = f"no balancer has {vip}"
        if _vip_answers(questions, reached):
            said += (
                ", and yet it answers: another host has it, of which they hear nothing. Where all balancers are "
                "exchanged at once nobody is left to take over from those that leave: keep one of them for one more "
                "update"
            )
        yield Failure("VRRP", ", ".join(balancers), said, ("keepalived",))


def _unanswered(
    questions: Questions, reached: Mapping[str, Report], holders: tuple[str, ...]
) -> Iterator[Failure]:
    """Yield every HAProxy that takes no connection, by the VIP and by its host's own address."""
    for target in questions.balancers:
        yield from _deaf(target, target.name, reached)
    # Without a holder, or with two, that is what is wrong.
    if len(holders) != 1:
        return
    for target in questions.vips:
        unanswered = {name for name, report in reached.items() if not report.answer(target).connected}
        if unanswered and unanswered == set(reached) - set(holders):
            said = f"only its holder reaches {target}: is the holder's instance attached to the HaVip?"
            yield Failure("HaVip", holders[0], said, ("keepalived",))
        else:
            yield from _deaf(target, holders[0], reached)


def _deaf(target: Target, host: str, reached: Mapping[str, Report]) -> Iterator[Failure]:
    answers = {name: report.answer(target) for name, report in reached.items()}
    failed = {name: answer for name, answer in answers.items() if not answer.connected}
    if not failed:
        return
    # Reached by another one, or not even refused: something is in between.
    between = any(name != host for name in set(answers) - set(failed))
    between |= all(answer.silent for answer in failed.values())
    runs = host in reached and not any(one.startswith("service: haproxy") for one in reached[host].findings)
    layer = "security group" if between and runs else "HAProxy"
    said = "; ".join(sorted({str(answer) for answer in failed.values()}))
    where = ", ".join(failed)
    yield Failure(layer, host, f"{target} takes no connection from {where}: {said}", ("haproxy",))


def _not_passed_on(
    questions: Questions, reached: Mapping[str, Report], up: tuple[str, ...]
) -> Iterator[Failure]:
    """Yield every HAProxy through which no kube-apiserver answers, although one is up."""
    for target in (*questions.vips, *questions.balancers):
        answers = {name: report.answer(target) for name, report in reached.items()}
        failed = {name: answer for name, answer in answers.items() if not answer.status}
        if failed:
            host = "" if target in questions.vips else target.name
            said = "; ".join(sorted({str(answer) for answer in failed.values()}))
            yield Failure(
                "HAProxy",
                host,
                f"{', '.join(up)} answers directly, but not through {target} from {', '.join(failed)}: {said}",
                ("haproxy",),
            )


def _outside(questions: Questions, answer: Answer, *, demanded: bool) -> Iterator[Failure]:
    if not answer.connected:
        said = f"{questions.outside} takes no connection from this machine: {answer}"
        yield Failure("EIP", "", f"{said}; does the security group let it in?")
    elif demanded and not answer.status:
        yield Failure("EIP", "", f"{questions.outside} answers every host, but not this machine: {answer}")
