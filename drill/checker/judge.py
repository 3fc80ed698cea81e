"""One run's figures and the verdict on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from drill.checker import holders, requests, streams
from drill.checker.outage import Outage, outage, since
from drill.checker.requests import SLOW_S, Window
from drill.history import History, Line, Setting


class Verdict(StrEnum):
    """What a run says about the promise. Unknown is not a pass."""

    WITHIN = "within"
    OVER = "over"
    UNKNOWN = "unknown"


OUTSIDE = "outside"
"""The place of the client that comes from elsewhere."""
STALLED_SHARE = 0.01
"""Of the requests of the worst five seconds, so many may wait for more than 750 ms where none may fail: on a busy
machine 0.1 % of a run waited for 500 ms, and 3.6 % where HAProxy tried a dead apiserver three times before another."""
FLOOR_MS = 300.0
"""Where the drill cannot see below this, nobody knows whether an outage was bridged by packets sent again."""
WORST_FIRST = (Verdict.OVER, Verdict.UNKNOWN, Verdict.WITHIN)


@dataclass(frozen=True)
class Record:
    """One line of ``latest.json``. ``None``: not measured, or nothing promised."""

    config: str
    fault: str
    run: int
    gap_ms: float | None
    """Longest time in which a client got no answer, from the worst placed client."""
    failed: int | None
    """Refused, reset, or incomplete after 2 s; without those of `in_flight`."""
    total: int
    slow: int | None
    """Answered after more than 200 ms."""
    streams_lost: int | None
    """Beyond those that the killed process carried."""
    dual_holder_ms: float | None
    whole_again_ms: float | None
    """``None``: redundancy did not come back by itself, or nobody asked (`must_be_whole`)."""
    budget_ms: int | None
    verdict: Verdict
    in_flight: int = 0
    """Requests that were open on the process that was killed."""
    streams_ended: int = 0
    """Streams that the killed process carried."""
    stalled: int = 0
    """Answered after more than 750 ms, beyond what the client's own lateness explains."""
    failing_ms: float | None = None
    """From the first request that failed to the last one, by when they were due."""
    failing_from_fault_ms: float | None = None
    """The same as the budget counts it: from when the fault must have shown at the latest, and not past the healing."""
    no_holder_ms: float | None = None
    floor_ms: float | None = None
    """Longest gap of the same run before the fault: what the drill cannot see below."""
    must_be_whole: bool = True
    """Whether redundancy had to come back; not where something else is kept broken all the time."""
    late_ms: float = 0.0
    """How late a client's own process got to run at worst while it was measured."""
    storm_failed: int = 0
    storm_slowest_ms: float | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    why: str = ""
    """What decided the verdict."""
    title: str = ""


def judge(history: History) -> Record:
    """Judge one run."""
    setting = history.setting
    inject, injected, heal, measured = (
        history.when(kind) for kind in ("inject", "injected", "heal", "measured")
    )
    if inject is None or injected is None or heal is None or measured is None:
        return _unknown(history, "the run did not come to its end")
    healed = history.when("healed") or heal
    heard = {place: lines for place, lines in history.clients.items() if place not in setting.silenced}
    silenced = {
        place: _without(lines, inject, healed)
        for place, lines in history.clients.items()
        if place in setting.silenced
    }
    clients = {**heard, **silenced}
    anchor = heal if setting.anchor == "heal" else inject
    # Where the outage counts from healing, nothing is promised before: whatever was open until then had to end.
    effect = (
        injected if setting.anchor == "heal" else requests.took_effect(heard, inject, injected, setting.path)
    )
    if setting.parted:
        # Clients go to whoever announced itself last, and from one to the other until one has given way.
        effect = healed + (setting.two_holders_ms or 0) / 1000
    window = Window(anchor, effect, measured, clipped=setting.anchor == "heal")
    found = requests.together(
        requests.judged(heard, window, kills=bool(setting.path)),
        requests.judged(
            {place: since(lines, healed) for place, lines in silenced.items()},
            Window(healed, inject, measured, clipped=True),
            kills=False,
        ),
    )
    lasted = outage(history, heard, window, found)
    begun = history.when("clients") or inject
    floor = requests.floor(heard, begun + 1, inject)
    must_end = streams.Ended(setting.path, effect, frozenset(setting.silenced), injected)
    kept = streams.judged(clients, must_end, inject, measured)
    silence = holders.Silence(frozenset(setting.out_of_reach), inject, heal)
    held = holders.spans(history.witnesses, inject, measured, silence)
    late = max(
        (line["seconds"] for line in _of(clients, "late") if inject <= line["at"] <= measured), default=0.0
    )
    # The command that injects takes a moment of its own: what clients felt tells better when it took effect.
    felt = found.onset or inject
    whole_from = felt if setting.whole_from == "inject" else heal
    whole = history.when("whole")
    storm = _of(clients, "storm")
    record = Record(
        config=setting.config,
        fault=setting.fault,
        run=setting.run,
        gap_ms=_ms(found.gap_s),
        failed=found.failed,
        total=found.total,
        slow=len(found.waits),
        streams_lost=kept.lost,
        dual_holder_ms=_ms(holders.seconds_with(held, at_least=2)) if history.witnesses else None,
        whole_again_ms=None if whole is None else _ms(max(0.0, whole - whole_from)),
        budget_ms=setting.budget_ms,
        verdict=Verdict.UNKNOWN,
        in_flight=found.in_flight,
        streams_ended=kept.ended,
        stalled=found.stalled(late),
        failing_ms=_ms(found.failing_s),
        failing_from_fault_ms=_ms(lasted.failing_s),
        no_holder_ms=_ms(holders.seconds_with(held, at_most=0)) if history.witnesses else None,
        floor_ms=_ms(floor),
        must_be_whole=setting.must_be_whole,
        late_ms=_ms(late),
        storm_failed=sum(bool(line["why"]) for line in storm),
        storm_slowest_ms=max((_ms(line["done"] - line["due"]) for line in storm), default=None),
        reasons=found.reasons,
        title=setting.title,
    )
    verdict, why = _verdict(record, history, kept, found, lasted)
    if OUTSIDE not in history.clients:
        why += "; no client was outside the VPC"
    return Record(**{**vars(record), "verdict": verdict, "why": why})


def _verdict(
    record: Record, history: History, kept: streams.Streams, found: requests.Requests, lasted: Outage
) -> tuple[Verdict, str]:
    if blind := _blind(record, history, kept):
        return Verdict.UNKNOWN, blind
    if record.whole_again_ms is None and history.setting.must_be_whole:
        return Verdict.OVER, "redundancy did not come back by itself"
    if record.streams_lost:
        return Verdict.OVER, f"{record.streams_lost} streams lost that nothing had to end"
    if history.setting.cuts and kept.outlived:
        return (
            Verdict.OVER,
            f"{kept.outlived} streams of a dead apiserver were not cut: their clients wait for nobody",
        )
    return (
        _beside(record, history)
        or _stormed(record, history)
        or _held_long_enough(_promise(record, history.setting, found, lasted), history)
    )


def _held_long_enough(found: tuple[Verdict, str], history: History) -> tuple[Verdict, str]:
    """Take no promise for kept that could not be broken: healed within its budget, a fault ends in time by that."""
    setting = history.setting
    longest_ms = max(setting.budget_ms or 0, setting.lasting_ms or 0)
    held_ms = ((history.when("heal") or 0.0) - (history.when("inject") or 0.0)) * 1000
    if found[0] is not Verdict.WITHIN or setting.anchor == "heal" or not longest_ms or held_ms > longest_ms:
        return found
    return Verdict.UNKNOWN, f"healed after {held_ms:.0f} ms, within the {longest_ms} ms that it may last"


def _beside(record: Record, history: History) -> tuple[Verdict, str] | None:
    """Judge how long two had the VIP, if that is too long."""
    setting, healed = history.setting, history.when("healed")
    if setting.two_holders_ms is None or record.dual_holder_ms is None:
        return None
    both = record.dual_holder_ms
    if setting.parted and healed is not None:
        held = holders.spans(history.witnesses, healed, history.when("measured") or healed, holders.NOBODY)
        both = _ms(holders.seconds_with(held, at_least=2))
    found = _in_time(both, setting.two_holders_ms, "with two holders", record.late_ms)
    return None if found[0] is Verdict.WITHIN else found


def _promise(
    record: Record, setting: Setting, found: requests.Requests, lasted: Outage
) -> tuple[Verdict, str]:
    if setting.budget_ms is None:
        return Verdict.UNKNOWN, "the component promises nothing for this fault"
    if setting.budget_ms == 0:
        return _nothing_fails(record, found)
    lasting_ms = setting.budget_ms if setting.lasting_ms is None else setting.lasting_ms
    verdicts = [
        _in_time(record.gap_ms or 0, setting.budget_ms, "without an answer", record.late_ms),
        _in_time(
            record.failing_from_fault_ms or 0, lasting_ms, "until the last failed request", record.late_ms
        ),
    ]
    if lasted.healed is not None:
        verdict, why = _nothing_fails(record, lasted.healed)
        verdicts.append((verdict, f"after the healing: {why}"))
    return min(verdicts, key=lambda found: WORST_FIRST.index(found[0]))


def _nothing_fails(record: Record, found: requests.Requests) -> tuple[Verdict, str]:
    """Judge requests of which none may fail: none may wait for the network's own repetitions either.

    A few do wherever packets are lost. Many do only where what is dead is asked again and again.
    """
    if found.failed:
        words = f"{found.failed} requests failed, none may"
        # A client that does not run gives up what it has under way; it refuses and resets nothing.
        if found.cut_short == found.failed:
            return Verdict.UNKNOWN, f"{words}; the drill itself was late by {record.late_ms:.0f} ms"
        return Verdict.OVER, words
    late_ms = record.late_ms
    for late_s, verdict in ((late_ms / 1000, Verdict.OVER), (0.0, Verdict.UNKNOWN)):
        stalled, of = found.at_worst(late_s)
        if stalled > STALLED_SHARE * of:
            words = f"nothing failed, but {stalled} of {of} requests within 5 s waited for more than 750 ms"
            late = f"; the drill itself was late by {late_ms:.0f} ms" if verdict is Verdict.UNKNOWN else ""
            return verdict, words + late
    most = (record.floor_ms or 0.0) + SLOW_S * 1000
    verdict, why = _in_time(_ms(found.gap_s), round(most), "without an answer", late_ms)
    if verdict is not Verdict.WITHIN:
        return verdict, f"nothing failed, but {why}"
    if (record.floor_ms or 0.0) > FLOOR_MS:
        busy = f"no answer for {record.floor_ms:.0f} ms before the fault"
        return Verdict.UNKNOWN, f"nothing failed, but the machine was too busy to tell: {busy}"
    return verdict, "nothing failed"


def _stormed(record: Record, history: History) -> tuple[Verdict, str] | None:
    """Judge the connections that came all at once: redundancy was whole by then, or what was left served all."""
    failed = [line for line in _of(history.clients, "storm") if line["why"]]
    if not failed:
        return None
    after = "redundancy was whole" if record.must_be_whole else "the fault"
    words = f"{len(failed)} of the connections at once failed after {after}"
    begin = min(line["due"] for line in failed)
    late = max((line["seconds"] for line in _of(history.clients, "late") if line["at"] >= begin), default=0.0)
    # So many at once keep the client busy itself; it refuses and resets nothing.
    if late > SLOW_S and all(line["why"] == "incomplete" for line in failed):
        return Verdict.UNKNOWN, f"{words}; the drill itself was late by {late * 1000:.0f} ms"
    return Verdict.OVER, words


def _in_time(outage: float, budget_ms: int, what: str, late_ms: float) -> tuple[Verdict, str]:
    if outage <= budget_ms:
        return Verdict.WITHIN, f"{outage:.0f} ms of {budget_ms} ms"
    if outage - late_ms <= budget_ms:
        return (
            Verdict.UNKNOWN,
            f"{outage:.0f} ms {what}, of which the drill itself was late by {late_ms:.0f} ms",
        )
    return Verdict.OVER, f"{outage:.0f} ms {what}, {budget_ms} ms promised"


def _blind(record: Record, history: History, kept: streams.Streams) -> str:
    """Return why nothing can be said about a run, if so."""
    if not record.total:
        return "no request was measured"
    for place, lines in history.clients.items():
        if place not in history.setting.silenced and not holders.whole(lines):
            return f"the client {place} did not come to its end"
    if unseen := _unseen(history):
        return unseen
    if not kept.watches:
        return "no watch was open"
    return _unsettled(history) if kept.idle else "no idle stream was open"


def _unseen(history: History) -> str:
    """Return which balancer nobody saw having the VIP or not, if any; one that boots takes its witness along."""
    setting = history.setting
    for host in setting.balancers or history.witnesses or ("any balancer",):
        lines = history.witnesses.get(host, ())
        if not any(line["kind"] == "holder" for line in lines):
            return f"nobody saw whether {host} had the VIP"
        if host not in setting.booting and not holders.whole(lines):
            return f"the witness of {host} did not come to its end"
    return ""


def _unsettled(history: History) -> str:
    """Return what was wrong before the fault, if anything."""
    inject = history.when("inject") or 0.0
    before = [line for line in _of(history.clients, "req") if line["done"] < inject]
    if not before:
        return "nothing was asked before the fault"
    for host, lines in history.witnesses.items():
        # The first line is what it found when it began.
        moves = [line["at"] for line in lines if line["kind"] == "holder"][1:]
        if any(at < inject for at in moves):
            return f"the address moved to or from {host} before the fault"
    failed = sum(bool(line["why"]) for line in before)
    if failed:
        return f"{failed} of {len(before)} requests failed before the fault"
    shut = len(_of(history.clients, "idle-failed"))
    return f"idle streams that could not be opened: {shut}" if shut else ""


def _unknown(history: History, why: str) -> Record:
    setting = history.setting
    return unmeasured(
        setting.config,
        setting.fault,
        setting.run,
        why,
        setting.title,
        budget_ms=setting.budget_ms,
        must_be_whole=setting.must_be_whole,
    )


def unmeasured(
    config: str,
    fault: str,
    run: int,
    why: str,
    title: str,
    *,
    budget_ms: int | None = None,
    must_be_whole: bool = True,
) -> Record:
    """Return what is known of a run that measured nothing: no pass."""
    return Record(
        config=config,
        fault=fault,
        run=run,
        gap_ms=None,
        failed=None,
        total=0,
        slow=None,
        streams_lost=None,
        dual_holder_ms=None,
        whole_again_ms=None,
        budget_ms=budget_ms,
        verdict=Verdict.UNKNOWN,
        must_be_whole=must_be_whole,
        why=why,
        title=title,
    )


def _without(lines: Sequence[Line], begin: float, end: float) -> tuple[Line, ...]:
    """Leave out what began or ended between `begin` and `end`: what a client saw that was out of reach itself."""

    def inside(line: Line) -> bool:
        finish = line["done"] if "done" in line else line["at"]
        start = line.get("opened", line.get("due", finish - line.get("seconds", 0.0)))
        return bool(begin <= start < end or begin <= finish < end)

    return tuple(line for line in lines if not inside(line))


def _of(clients: Mapping[str, Sequence[Line]], kind: str) -> list[Line]:
    return [line for lines in clients.values() for line in lines if line["kind"] == kind]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
