"""Every figure, and every verdict both ways. Unknown is not a pass."""

from typing import Any

import pytest

from drill.checker import Verdict, judge
from drill.history import Line
from tests.unit.drill.made_up import (
    END,
    HEAL,
    INJECT,
    client,
    events,
    history,
    holder,
    request,
    setting,
)

pytestmark = pytest.mark.unit


def outage(milliseconds: float, why: str = "refused") -> list[tuple[float, float, str]]:
    """One that begins with the fault."""
    return [(INJECT, INJECT + milliseconds / 1000, why)]


# --- gaps and failures ---------------------------------------------------------------------------------------------


def test_a_gap_is_the_longest_time_between_two_answers() -> None:
    record = judge(history({"outside": client(outages=outage(100))}))
    assert record.gap_ms == pytest.approx(110, abs=1)
    assert record.failed == 10
    assert record.reasons == {"refused": 10}
    assert record.failing_ms == pytest.approx(90, abs=1)


def test_the_worst_placed_client_decides() -> None:
    record = judge(history({"outside": client(), "m3": client(outages=outage(200))}))
    assert record.gap_ms == pytest.approx(210, abs=1)


def test_a_client_on_a_host_out_of_reach_is_no_witness() -> None:
    about = setting(silenced=("m1",), whole_from="heal")
    when, gone = events(whole=HEAL + 1), outage((HEAL - INJECT) * 1000)
    lost = (lost_watch("m1", INJECT + 1, opened=INJECT - 4), lost_watch("m1", HEAL + 1, opened=HEAL - 1))
    late = {"kind": "late", "at": HEAL + 0.01, "seconds": HEAL - INJECT - 0.01}
    own = client(*lost, late, outages=gone)
    record = judge(history({"outside": client(), "m1": own}, about, when))
    assert (record.failed, record.streams_lost, record.late_ms) == (0, 0, 0)
    assert record.verdict is Verdict.WITHIN, record.why


def test_a_client_that_died_with_its_host_is_not_asked() -> None:
    about = setting(silenced=("m1",), whole_from="heal")
    dead = tuple(line for line in client() if float(line.get("due") or line["at"]) < INJECT)
    record = judge(history({"outside": client(), "m1": dead}, about, events(whole=HEAL + 1)))
    assert record.verdict is Verdict.WITHIN, record.why


@pytest.mark.parametrize(("seconds", "verdict"), [(0.2, Verdict.WITHIN), (0.5, Verdict.OVER)])
def test_the_former_holder_s_own_client_is_asked_about_the_time_after_healing(
    seconds: float, verdict: Verdict
) -> None:
    about = setting(silenced=("m1",), whole_from="heal", two_holders_ms=350)
    own = client(outages=[(INJECT, HEAL + seconds, "refused")])
    record = judge(history({"outside": client(), "m1": own}, about, events(whole=HEAL + 1)))
    assert record.failed == seconds * 100
    assert record.failing_ms == pytest.approx(seconds * 1000, abs=15)
    assert record.gap_ms == pytest.approx(seconds * 1000, abs=15)
    assert record.verdict is verdict, record.why


def test_a_stream_the_former_holder_s_own_client_loses_after_healing_is_lost() -> None:
    about = setting(silenced=("m3",), path="m3", whole_from="heal")
    own = client(lost_watch("m2", HEAL + 1, opened=101.0))
    record = judge(history({"outside": client(), "m3": own}, about, events(whole=HEAL + 2)))
    assert record.streams_lost == 1


def test_a_gap_before_the_fault_is_the_floor_and_not_the_fault_s() -> None:
    clients = {"outside": client(outages=[(103.0, 103.05, "")])}
    lines = [
        line for line in clients["outside"] if not (line["kind"] == "req" and 103.0 <= line["due"] < 103.05)
    ]
    record = judge(history({"outside": tuple(lines)}))
    assert record.floor_ms == pytest.approx(60, abs=1)
    assert record.gap_ms == pytest.approx(10, abs=1)


def test_a_client_that_is_still_being_started_is_no_floor() -> None:
    late = tuple(line for line in client() if line["kind"] != "req" or line["due"] > 102)
    record = judge(history({"outside": late}))
    assert record.floor_ms == pytest.approx(10, abs=1)


def test_latency_counts_from_when_a_request_was_due() -> None:
    late = {**request(106.0, took=0.35), "began": 106.3}
    record = judge(history({"outside": client(late)}))
    assert record.slow == 1


def test_answers_held_back_and_given_all_at_once_are_a_gap() -> None:
    held = tuple(
        {**line, "done": INJECT + 0.6}
        if line["kind"] == "req" and INJECT <= line["due"] < INJECT + 0.6
        else line
        for line in client()
    )
    record = judge(history({"outside": held}))
    assert record.failed == 0
    assert record.gap_ms == pytest.approx(605, abs=6)
    assert record.verdict is Verdict.OVER


def test_what_was_open_on_the_killed_process_is_counted_apart() -> None:
    open_then = request(INJECT - 0.005, "reset", took=0.01, connected=INJECT - 0.004)
    record = judge(history({"outside": client(open_then)}))
    assert (record.in_flight, record.failed) == (1, 0)


@pytest.mark.parametrize(("due", "in_flight"), [(5.05, 1), (5.2, 0)])
def test_a_command_that_returns_late_excuses_nothing(due: float, in_flight: int) -> None:
    """A reboot returns after the whole shutdown, here 9 s later; requests fail 5 s after it was asked for."""
    begin = INJECT - 5
    first = request(begin + 5, "refused", connected=0.0)
    cut = request(begin + due, "reset", took=0.01, connected=begin + due + 0.001)
    when = events(clients=95.0, inject=begin, injected=begin + 9)
    record = judge(history({"outside": client(first, cut)}, when=when))
    assert (record.in_flight, record.failed) == (in_flight, 2 - in_flight)


@pytest.mark.parametrize(("due", "in_flight"), [(0.01, 1), (0.05, 0)])
def test_where_an_apiserver_is_the_fault_the_end_of_its_first_watch_tells(due: float, in_flight: int) -> None:
    """HAProxy has to send to another one whatever comes later, however soon after the first failure."""
    cuts = (lost_watch("m3", INJECT + 0.02), lost_watch("m2", INJECT + 0.001))
    first = request(INJECT + 0.005, "refused", connected=INJECT + 0.006)
    failed = request(INJECT + due, "closed", took=0.01, connected=INJECT + due + 0.001)
    about, when = setting(budget_ms=0, path="m3"), events(injected=INJECT + 0.14)
    record = judge(history({"outside": client(*cuts, first, failed)}, about, when))
    assert (record.in_flight, record.failed) == (1 + in_flight, 1 - in_flight)


def test_a_hung_apiserver_ends_what_was_open_when_the_command_returned() -> None:
    """Its watches end seconds later, when somebody has noticed."""
    late = lost_watch("m3", INJECT + 3.5)
    held = request(INJECT + 0.01, "incomplete", took=2, connected=INJECT + 0.011)
    record = judge(history({"outside": client(late, held)}, setting(path="m3")))
    assert (record.in_flight, record.failed) == (1, 0)


def test_a_process_that_dies_may_take_connections_until_its_last_watch_has_ended() -> None:
    """And a moment longer, for it listens to the last; not until a stream ends long afterwards."""
    lines = (
        lost_watch("m3", INJECT + 0.01),
        lost_watch("m3", INJECT + 0.03),
        lost_watch("m3", INJECT + 0.5),
        request(INJECT + 0.02, "closed", connected=INJECT + 0.021),
        request(INJECT + 0.031, "closed", connected=INJECT + 0.032),
        request(INJECT + 0.04, "closed", connected=INJECT + 0.041),
    )
    about = events(injected=INJECT + 1)
    record = judge(history({"outside": client(*lines)}, setting(path="m3", budget_ms=0), about))
    assert (record.in_flight, record.failed) == (2, 1)


def test_nothing_opened_after_injection_was_in_flight() -> None:
    cut = request(INJECT + 0.05, "reset", took=0.01, connected=INJECT + 0.051)
    record = judge(history({"outside": client(cut)}))
    assert (record.in_flight, record.failed) == (0, 1)


def test_where_nothing_is_promised_before_healing_whatever_was_open_until_then_is_ended() -> None:
    lost = lost_watch("m2", INJECT + 0.9, opened=INJECT + 0.5)
    about, when = setting(anchor="heal", whole_from="heal"), events(injected=INJECT + 1, whole=HEAL + 1)
    record = judge(history({"outside": client(lost, outages=[(INJECT, HEAL, "refused")])}, about, when))
    assert (record.streams_ended, record.streams_lost) == (1, 0)


def test_nothing_is_in_flight_where_nothing_is_killed() -> None:
    open_then = request(INJECT - 0.005, "reset", took=0.01, connected=INJECT - 0.004)
    record = judge(history({"outside": client(open_then)}, setting(path="", budget_ms=0)))
    assert (record.in_flight, record.failed) == (0, 1)
    assert record.verdict is Verdict.OVER


# --- verdicts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("milliseconds", "verdict"), [(200, Verdict.WITHIN), (300, Verdict.OVER)])
def test_the_budget_is_the_line(milliseconds: float, verdict: Verdict) -> None:
    assert judge(history({"outside": client(outages=outage(milliseconds))})).verdict is verdict


def test_requests_that_go_on_failing_are_over_however_short_each_gap() -> None:
    third = [(INJECT + n * 0.03, INJECT + n * 0.03 + 0.01, "refused") for n in range(60)]
    record = judge(history({"outside": client(outages=third)}))
    assert record.gap_ms is not None
    assert record.gap_ms < 40
    assert record.failing_ms == pytest.approx(1770, abs=20)
    assert record.verdict is Verdict.OVER


def test_the_time_that_is_held_against_the_budget_is_in_the_record() -> None:
    """Requests fail late, for less than the budget; the fault had to show within 100 ms."""
    about = setting(two_holders_ms=100, whole_from="heal")
    late = client(outages=[(INJECT + 1, INJECT + 1.2, "refused")])
    record = judge(history({"outside": late}, about, events(whole=HEAL + 1)))
    assert record.failing_ms == pytest.approx(190, abs=1)
    assert record.failing_from_fault_ms == pytest.approx(1190 - 120, abs=1)
    assert (record.verdict, record.why) == (
        Verdict.OVER,
        "1070 ms until the last failed request, 250 ms promised",
    )


@pytest.mark.parametrize(("lasting_ms", "verdict"), [(2000, Verdict.WITHIN), (1500, Verdict.OVER)])
def test_a_vanished_host_s_apiserver_has_a_budget_of_its_own(lasting_ms: int, verdict: Verdict) -> None:
    third = [(INJECT + n * 0.03, INJECT + n * 0.03 + 0.01, "closed") for n in range(60)]
    about = setting(lasting_ms=lasting_ms)
    assert judge(history({"outside": client(outages=third)}, about)).verdict is verdict
    long = history({"outside": client(outages=outage(300))}, about)
    assert judge(long).verdict is Verdict.OVER


@pytest.mark.parametrize(
    ("about", "begin", "verdict"),
    [
        ({}, HEAL - 0.2, Verdict.OVER),
        ({}, INJECT, Verdict.WITHIN),
        ({}, HEAL, Verdict.OVER),
        ({"silenced": ("m1",)}, HEAL, Verdict.WITHIN),
        ({"silenced": ("m1",)}, HEAL + 0.2, Verdict.OVER),
        ({"two_holders_ms": None}, HEAL, Verdict.OVER),
        ({"whole_from": "inject", "silenced": ("m1",)}, INJECT + 2.5, Verdict.WITHIN),
        ({"whole_from": "inject"}, INJECT + 2.5, Verdict.OVER),
        ({"anchor": "heal"}, HEAL, Verdict.WITHIN),
        ({"parted": True}, HEAL, Verdict.WITHIN),
    ],
)
def test_a_budget_is_for_the_fault_and_not_again_for_its_healing(
    about: dict[str, Any], begin: float, verdict: Verdict
) -> None:
    """One that comes back may have the VIP beside its successor; one that boots takes its time to go down."""
    told = setting(**{"whole_from": "heal", "two_holders_ms": 350, **about})
    clients = {"outside": client(outages=[(begin, begin + 0.2, "refused")])}
    record = judge(history(clients, told, events(whole=HEAL + 1)))
    assert record.verdict is verdict, record.why


@pytest.mark.parametrize(("begin", "verdict"), [(INJECT, Verdict.WITHIN), (HEAL, Verdict.OVER)])
def test_a_wait_that_the_healing_costs_is_none_of_the_fault_s(begin: float, verdict: Verdict) -> None:
    held = tuple(
        {**line, "done": begin + 0.6} if line["kind"] == "req" and 0 <= line["due"] - begin < 0.6 else line
        for line in client()
    )
    told = setting(budget_ms=700, whole_from="heal")
    record = judge(history({"outside": held}, told, events(whole=HEAL + 1)))
    assert (record.failed, record.verdict) == (0, verdict), record.why


@pytest.mark.parametrize(("failed", "verdict"), [(0, Verdict.WITHIN), (1, Verdict.OVER)])
def test_where_nothing_may_fail_one_request_is_too_many(failed: int, verdict: Verdict) -> None:
    about = setting(budget_ms=0, path="m3")
    record = judge(history({"outside": client(outages=outage(10 * failed))}, about))
    assert record.failed == failed
    assert record.verdict is verdict


@pytest.mark.parametrize(("seconds", "verdict"), [(0.15, Verdict.WITHIN), (0.9, Verdict.OVER)])
def test_where_nothing_may_fail_a_wait_bridged_by_repeated_packets_is_one(
    seconds: float, verdict: Verdict
) -> None:
    held = tuple(
        {**line, "done": INJECT + seconds}
        if line["kind"] == "req" and INJECT <= line["due"] < INJECT + seconds
        else line
        for line in client()
    )
    record = judge(history({"outside": held}, setting(budget_ms=0, path="m3")))
    assert record.failed == 0
    assert record.verdict is verdict, record.why


def test_a_wait_that_the_drill_s_own_lateness_may_explain_is_unknown() -> None:
    late = {"kind": "late", "at": INJECT + 0.3, "seconds": 0.29}
    held = tuple(
        {**line, "done": INJECT + 0.3}
        if line["kind"] == "req" and INJECT <= line["due"] < INJECT + 0.3
        else line
        for line in client(late)
    )
    record = judge(history({"outside": held}, setting(budget_ms=0, path="m3")))
    assert record.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("every", "late_s", "verdict"),
    [(30, 0.0, Verdict.OVER), (200, 0.0, Verdict.WITHIN), (30, 1.2, Verdict.UNKNOWN)],
)
def test_where_nothing_may_fail_few_may_wait(every: int, late_s: float, verdict: Verdict) -> None:
    """As one in thirty does where a dead apiserver is tried three times before another one is."""
    late: Line = {"kind": "late", "at": INJECT + 1, "seconds": late_s}
    waited = tuple(
        {**line, "done": line["due"] + 1.4}
        if line["kind"] == "req" and line["due"] >= INJECT and round(line["due"] * 100) % every == 0
        else line
        for line in client(late)
    )
    record = judge(history({"outside": waited}, setting(budget_ms=0, path="m3")))
    assert record.failed == 0
    assert record.verdict is verdict, record.why


@pytest.mark.parametrize(("apart", "verdict"), [(0.1, Verdict.OVER), (1.9, Verdict.WITHIN)])
def test_a_long_run_excuses_no_burst(apart: float, verdict: Verdict) -> None:
    """Six of 1,200 requests are fewer than one in a hundred; of those of five seconds they are not."""
    begin = INJECT - 5
    dues = [round(begin + number * apart, 2) for number in range(1, 7)]
    waited = tuple(
        {**line, "done": line["due"] + 1.0}
        if line["kind"] == "req" and round(line["due"], 2) in dues
        else line
        for line in client()
        if line["kind"] != "req" or line["due"] >= begin
    )
    when = events(clients=99.0, inject=begin, injected=begin)
    early = tuple(request(99.0 + number * 0.01) for number in range(100))
    record = judge(history({"outside": (*early, *waited)}, setting(budget_ms=0, path="m3"), when))
    assert (record.stalled, record.failed) == (6, 0)
    assert record.verdict is verdict, record.why


@pytest.mark.parametrize(
    ("why", "late_s", "verdict"),
    [
        ("incomplete", 2.1, Verdict.UNKNOWN),
        ("incomplete", 0.0, Verdict.OVER),
        ("incomplete", 1.0, Verdict.OVER),
        ("refused", 2.1, Verdict.OVER),
    ],
)
@pytest.mark.parametrize("about", [{"budget_ms": 0, "path": ""}, {"budget_ms": 2900, "whole_from": "heal"}])
def test_what_a_client_that_did_not_run_gave_up_says_nothing(
    about: dict[str, Any], why: str, late_s: float, verdict: Verdict
) -> None:
    """Where nothing may fail; after the healing that is everywhere."""
    due = HEAL + 0.5
    late: Line = {"kind": "late", "at": due + 2.05, "seconds": late_s}
    given_up = request(due, why, took=2.03)
    told = history({"outside": client(late, given_up)}, setting(**about), events(whole=HEAL + 1))
    record = judge(told)
    assert (record.failed, record.verdict) == (1, verdict), record.why


@pytest.mark.parametrize(("floor_s", "verdict"), [(0.25, Verdict.WITHIN), (0.35, Verdict.UNKNOWN)])
def test_a_machine_that_is_busy_before_the_fault_sees_no_short_outage(
    floor_s: float, verdict: Verdict
) -> None:
    """Of a gap as long as one before the fault nobody could say whose it is."""
    lines = tuple(
        line for line in client() if line["kind"] != "req" or not 103.0 <= line["due"] < 103.0 + floor_s
    )
    record = judge(history({"outside": lines}, setting(budget_ms=0, path="m3")))
    assert record.verdict is verdict, record.why
    assert verdict is Verdict.WITHIN or "too busy" in record.why


def test_where_some_may_fail_others_may_wait() -> None:
    waited = tuple(
        {**line, "done": line["due"] + 1.4}
        if line["kind"] == "req" and round(line["due"] * 100) % 9 == 0
        else line
        for line in client()
    )
    record = judge(history({"outside": waited}))
    assert record.stalled > 70
    assert record.verdict is Verdict.WITHIN, record.why


def storm(why: str, took: float = 0.01) -> dict[str, object]:
    """One of many connections at once, after the measurement."""
    return {**request(END + 0.5, why, took=took), "kind": "storm"}


@pytest.mark.parametrize(
    ("why", "whole", "verdict"),
    [
        ("", INJECT + 1, Verdict.WITHIN),
        ("refused", INJECT + 1, Verdict.OVER),
        ("", None, Verdict.WITHIN),
        ("refused", None, Verdict.OVER),
    ],
)
def test_many_connections_at_once_are_served_also_where_redundancy_is_not_asked_for(
    why: str, whole: float | None, verdict: Verdict
) -> None:
    about = setting(must_be_whole=whole is not None)
    record = judge(history({"outside": client(storm(why))}, about, events(whole=whole)))
    assert record.storm_failed == bool(why)
    assert record.must_be_whole == (whole is not None)
    assert record.verdict is verdict, record.why


def test_a_late_client_s_unfinished_connections_say_nothing() -> None:
    late = {"kind": "late", "at": END + 1.5, "seconds": 0.9}
    late_and_refused = judge(history({"outside": client(storm("refused"), late)}))
    assert late_and_refused.verdict is Verdict.OVER
    assert judge(history({"outside": client(storm("incomplete", 2.0), late)})).verdict is Verdict.UNKNOWN
    assert judge(history({"outside": client(storm("incomplete", 2.0))})).verdict is Verdict.OVER


@pytest.mark.parametrize(("whole", "verdict"), [(INJECT + 1, Verdict.WITHIN), (None, Verdict.OVER)])
def test_redundancy_has_to_come_back_by_itself(whole: float | None, verdict: Verdict) -> None:
    record = judge(history({"outside": client()}, when=events(whole=whole)))
    assert record.verdict is verdict
    assert (record.whole_again_ms is None) == (whole is None)


def test_whole_again_counts_from_the_healing_of_a_fault_that_lasts() -> None:
    record = judge(history({"outside": client()}, setting(whole_from="heal"), events(whole=HEAL + 0.7)))
    assert record.whole_again_ms == pytest.approx(700)


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        ({"budget_ms": 2900}, Verdict.WITHIN),
        ({"budget_ms": 3000}, Verdict.UNKNOWN),
        ({"lasting_ms": 11200}, Verdict.UNKNOWN),
        ({"budget_ms": 0, "path": "m3"}, Verdict.WITHIN),
        ({"budget_ms": 4000, "anchor": "heal"}, Verdict.WITHIN),
    ],
)
def test_a_promise_that_could_not_be_broken_is_not_kept(about: dict[str, Any], verdict: Verdict) -> None:
    """Healed within its budget, a fault cannot last longer; what is over all the same is over."""
    told = history({"outside": client()}, setting(**about))
    assert judge(told).verdict is verdict, judge(told).why
    lost = history({"outside": client(lost_watch("m2", INJECT + 2, opened=INJECT + 1))}, setting(**about))
    assert judge(lost).verdict is Verdict.OVER or about.get("anchor") == "heal"


def test_no_promise_is_no_pass() -> None:
    assert judge(history({"outside": client()}, setting(budget_ms=None))).verdict is Verdict.UNKNOWN


def test_a_run_that_did_not_come_to_its_end_is_unknown() -> None:
    assert judge(history({"outside": client()}, when=events(measured=None))).verdict is Verdict.UNKNOWN


def test_a_client_that_died_makes_the_run_unknown() -> None:
    record = judge(history({"outside": client()[:-1]}))
    assert record.verdict is Verdict.UNKNOWN
    assert "outside" in record.why


def test_failures_before_the_fault_make_the_run_unknown() -> None:
    assert judge(history({"outside": client(outages=[(103, 103.02, "reset")])})).verdict is Verdict.UNKNOWN


def test_a_stream_that_was_never_there_makes_the_run_unknown() -> None:
    shut: Line = {"kind": "idle-failed", "stream": "idle-1", "at": 100.2, "why": "refused"}
    record = judge(history({"outside": client(shut)}))
    assert (record.verdict, record.why) == (Verdict.UNKNOWN, "idle streams that could not be opened: 1")


def test_an_address_that_moves_before_the_fault_makes_the_run_unknown() -> None:
    moved = {"m1": (holder(100.0, held=False), holder(103.0, held=True)), "m2": (holder(100.0, held=True),)}
    record = judge(history({"outside": client()}, witnesses=moved))
    assert record.verdict is Verdict.UNKNOWN
    assert "m1" in record.why


@pytest.mark.parametrize(("place", "said"), [("outside", False), ("m3", True)])
def test_that_nobody_came_from_outside_is_said(place: str, *, said: bool) -> None:
    record = judge(history({place: client()}))
    assert ("outside the VPC" in record.why) is said
    assert record.verdict is Verdict.WITHIN


def test_no_client_is_unknown() -> None:
    assert judge(history({})).verdict is Verdict.UNKNOWN


def test_what_the_drill_s_own_lateness_may_explain_is_unknown() -> None:
    late = {"kind": "late", "at": INJECT + 0.2, "seconds": 0.1}
    record = judge(history({"outside": client(late, outages=outage(300))}))
    assert record.verdict is Verdict.UNKNOWN
    assert record.late_ms == pytest.approx(100)


def test_an_outage_counted_from_the_healing_begins_there() -> None:
    about = setting(anchor="heal", whole_from="heal")
    gone = [(INJECT, HEAL + 0.1, "refused")]
    record = judge(history({"outside": client(outages=gone)}, about, events(whole=HEAL + 0.3)))
    assert record.gap_ms == pytest.approx(105, abs=6)
    assert record.failing_ms == pytest.approx(90, abs=15)


# --- streams -------------------------------------------------------------------------------------------------------


def lost_watch(by: str, at: float, opened: float = 101.0) -> dict[str, object]:
    """A watch that was cut."""
    return {
        "kind": "watch-end",
        "stream": "w",
        "at": at,
        "opened": opened,
        "events": 3,
        "why": "closed",
        "by": by,
    }


def test_streams_of_the_killed_apiserver_are_counted_apart() -> None:
    lines = (lost_watch("m3", INJECT + 0.1), lost_watch("m1", INJECT + 0.1))
    record = judge(history({"outside": client(*lines)}, setting(path="m3", budget_ms=0)))
    assert (record.streams_ended, record.streams_lost) == (1, 1)
    assert record.verdict is Verdict.OVER


def test_a_stream_opened_after_the_fault_is_not_among_those_it_had_to_end() -> None:
    record = judge(history({"outside": client(lost_watch("m2", HEAL + 0.5, opened=INJECT + 1))}))
    assert (record.streams_ended, record.streams_lost) == (0, 1)


@pytest.mark.parametrize(("by", "lost"), [("m1", 0), ("m2", 1)])
def test_a_host_that_shuts_down_in_order_ends_its_apiserver_s_streams_last(by: str, lost: int) -> None:
    """The VIP left it at once; streams through the new holder to its apiserver live until that one ends."""
    about = setting(silenced=("m1",))
    gone = request(INJECT + 0.1, "refused", connected=0.0)
    cut = lost_watch(by, INJECT + 1.5, opened=INJECT + 0.5)
    record = judge(history({"outside": client(gone, cut)}, about, events(injected=INJECT + 1.6)))
    assert (record.streams_ended, record.streams_lost) == (1 - lost, lost)


def test_a_stream_of_which_nobody_said_who_served_it_is_lost() -> None:
    for path in ("m3", ""):
        record = judge(history({"outside": client(lost_watch("", INJECT + 0.1))}, setting(path=path)))
        assert record.streams_lost == 1


def test_without_a_watch_nothing_is_known() -> None:
    blind = tuple(line for line in client() if line["kind"] != "watch-open")
    record = judge(history({"outside": blind}))
    assert record.verdict is Verdict.UNKNOWN
    assert "watch" in record.why


@pytest.mark.parametrize(("why", "lost"), [("", 0), ("closed", 1)])
def test_an_idle_stream_is_judged_when_it_is_used(why: str, lost: int) -> None:
    used = {"kind": "idle-used", "stream": "idle-0", "began": END, "done": END + 0.1, "why": why, "by": "m2"}
    assert judge(history({"outside": client(used)}, setting(path="", budget_ms=0))).streams_lost == lost


@pytest.mark.parametrize(
    ("cuts", "why", "verdict"),
    [
        (True, "closed", Verdict.WITHIN),
        (True, "", Verdict.OVER),
        (False, "", Verdict.WITHIN),
    ],
)
def test_a_stream_of_a_dead_apiserver_must_be_cut(*, cuts: bool, why: str, verdict: Verdict) -> None:
    """It works again once that one does; its client had waited all the time."""
    used = {"kind": "idle-used", "stream": "idle-0", "began": END, "done": END + 0.1, "why": why, "by": "m3"}
    other = {**used, "why": "", "by": "m2"}
    record = judge(history({"outside": client(used, other)}, setting(path="m3", cuts=cuts)))
    assert record.verdict is verdict, record.why


# --- holders -------------------------------------------------------------------------------------------------------


def test_nobody_and_two_holders_are_measured_in_milliseconds() -> None:
    witnesses = {
        "m1": (holder(100.0, held=True), holder(INJECT + 0.1, held=False)),
        "m2": (holder(100.0, held=False), holder(INJECT + 0.04, held=True), holder(INJECT + 2, held=False)),
        "m3": (holder(100.0, held=False), holder(INJECT + 2.25, held=True)),
    }
    record = judge(history({"outside": client()}, witnesses=witnesses))
    assert record.dual_holder_ms == pytest.approx(60, abs=0.5)
    assert record.no_holder_ms == pytest.approx(250, abs=0.5)


def test_a_host_out_of_reach_holds_nothing() -> None:
    witnesses = {
        "m1": (holder(100.0, held=True),),
        "m2": (holder(100.0, held=False), holder(INJECT + 0.5, held=True)),
    }
    about = setting(silenced=("m1",), whole_from="heal")
    record = judge(history({"outside": client()}, about, witnesses=witnesses))
    assert record.no_holder_ms == pytest.approx(500, abs=0.5)
    # Healed, it still has the address until it hears of the other: two of them.
    assert record.dual_holder_ms == pytest.approx((END - HEAL) * 1000, abs=0.5)


def test_a_host_that_comes_back_is_heard_from_the_fault_on() -> None:
    """Its return is the fault: two holders then are two, and an address it takes over is somebody's."""
    witnesses: dict[str, tuple[Line, ...]] = {
        "m1": (holder(100.0, held=False), holder(INJECT + 1, held=True)),
        "m2": (holder(100.0, held=True), holder(INJECT + 1.2, held=False)),
    }
    about = setting(silenced=("m1",), whole_from="inject")
    record = judge(history({"outside": client()}, about, witnesses=witnesses))
    assert record.dual_holder_ms == pytest.approx(200, abs=0.5)
    assert record.no_holder_ms == 0


@pytest.mark.parametrize(
    ("beside_s", "allowed_ms", "late_s", "verdict"),
    [
        (0.1, 150, 0.0, Verdict.WITHIN),
        (0.3, 150, 0.0, Verdict.OVER),
        (0.3, 350, 0.0, Verdict.WITHIN),
        (0.3, 150, 0.2, Verdict.UNKNOWN),
        (3.0, None, 0.0, Verdict.WITHIN),
    ],
)
def test_two_holders_are_judged_against_their_own_promise(
    beside_s: float, allowed_ms: int | None, late_s: float, verdict: Verdict
) -> None:
    witnesses: dict[str, tuple[Line, ...]] = {
        "m1": (holder(100.0, held=True), holder(INJECT + 0.04 + beside_s, held=False)),
        "m2": (holder(100.0, held=False), holder(INJECT + 0.04, held=True)),
    }
    late: Line = {"kind": "late", "at": INJECT + 1, "seconds": late_s}
    about = setting(two_holders_ms=allowed_ms)
    record = judge(history({"outside": client(late)}, about, witnesses=witnesses))
    assert record.verdict is verdict, record.why
    assert verdict is Verdict.WITHIN or "two holders" in record.why


# --- two sides that both serve --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opened", "ended", "lost"),
    [
        (INJECT + 1, HEAL - 1, 0),
        (INJECT + 1, HEAL + 0.1, 0),
        (HEAL + 0.2, HEAL + 0.3, 0),
        (HEAL + 0.6, HEAL + 1, 1),
    ],
)
def test_as_long_as_two_sides_serve_clients_go_from_one_to_the_other(
    opened: float, ended: float, lost: int
) -> None:
    about = setting(parted=True, two_holders_ms=350)
    cut = lost_watch("m2", ended, opened=opened)
    reset = request(opened + 0.001, "reset", connected=opened + 0.002, took=ended - opened)
    record = judge(history({"outside": client(cut, reset)}, about, events(healed=HEAL + 0.01)))
    assert (record.streams_lost, record.failed) == (lost, lost)
    assert record.in_flight == 1 - lost


@pytest.mark.parametrize(("beside_s", "verdict"), [(0.2, Verdict.WITHIN), (0.5, Verdict.OVER)])
def test_two_that_were_parted_are_judged_from_the_healing_on(beside_s: float, verdict: Verdict) -> None:
    witnesses: dict[str, tuple[Line, ...]] = {
        "m1": (holder(100.0, held=True), holder(HEAL + beside_s, held=False)),
        "m2": (holder(100.0, held=False), holder(INJECT + 0.7, held=True)),
    }
    about = setting(parted=True, two_holders_ms=350)
    record = judge(history({"outside": client()}, about, events(healed=HEAL), witnesses=witnesses))
    assert record.verdict is verdict, record.why
    assert record.dual_holder_ms == pytest.approx((HEAL - INJECT - 0.7 + beside_s) * 1000, abs=0.5)


DIED: Line = {"kind": "alive", "at": INJECT + 1}
"""The last line of a witness that died a second after the fault."""


@pytest.mark.parametrize(
    ("witnesses", "why"),
    [
        ({}, "m1"),
        ({"m1": (holder(100.0, held=True),)}, "m2"),
        ({"m1": (holder(100.0, held=True),), "m2": ()}, "m2"),
        ({"m1": (holder(100.0, held=True), DIED), "m2": (holder(100.0, held=False),)}, "m1"),
    ],
)
def test_without_every_witness_nobody_knows_who_held(
    witnesses: dict[str, tuple[Line, ...]], why: str
) -> None:
    record = judge(history({"outside": client()}, setting(balancers=("m1", "m2")), witnesses=witnesses))
    assert record.verdict is Verdict.UNKNOWN
    assert why in record.why


def test_without_a_witness_no_time_is_made_up() -> None:
    record = judge(history({"outside": client()}, witnesses={}))
    assert (record.dual_holder_ms, record.verdict) == (None, Verdict.UNKNOWN)


def test_a_host_that_goes_down_has_nothing_once_its_witness_has_ended() -> None:
    """What it wrote last may be lost with it: that it let go of the address."""
    witnesses: dict[str, tuple[Line, ...]] = {
        "m1": (holder(100.0, held=True), {"kind": "alive", "at": INJECT + 0.1}),
        "m2": (holder(100.0, held=False), holder(INJECT + 0.05, held=True)),
    }
    about = setting(silenced=("m1",), balancers=("m1", "m2"), two_holders_ms=150)
    record = judge(history({"outside": client()}, about, witnesses=witnesses))
    assert record.dual_holder_ms == pytest.approx(50, abs=0.5)
    assert record.verdict is Verdict.WITHIN, record.why
