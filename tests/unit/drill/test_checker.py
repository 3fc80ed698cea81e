"""Every figure, and every verdict both ways. Unknown is not a pass."""

import pytest

from drill.checker import Verdict, judge
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
    about = setting(silenced=("m1",))
    record = judge(history({"outside": client(), "m1": client(outages=outage(3000))}, about))
    assert record.failed == 0
    assert record.verdict is Verdict.WITHIN


def test_a_gap_before_the_fault_is_the_floor_and_not_the_fault_s() -> None:
    clients = {"outside": client(outages=[(103.0, 103.05, "")])}
    lines = [
        line for line in clients["outside"] if not (line["kind"] == "req" and 103.0 <= line["due"] < 103.05)
    ]
    record = judge(history({"outside": tuple(lines)}))
    assert record.floor_ms == pytest.approx(60, abs=1)
    assert record.gap_ms == pytest.approx(10, abs=1)


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


@pytest.mark.parametrize(("lasting_ms", "verdict"), [(2000, Verdict.WITHIN), (1500, Verdict.OVER)])
def test_a_vanished_host_s_apiserver_has_a_budget_of_its_own(lasting_ms: int, verdict: Verdict) -> None:
    third = [(INJECT + n * 0.03, INJECT + n * 0.03 + 0.01, "closed") for n in range(60)]
    about = setting(lasting_ms=lasting_ms)
    assert judge(history({"outside": client(outages=third)}, about)).verdict is verdict
    long = history({"outside": client(outages=outage(300))}, about)
    assert judge(long).verdict is Verdict.OVER


@pytest.mark.parametrize(("failed", "verdict"), [(0, Verdict.WITHIN), (1, Verdict.OVER)])
def test_where_nothing_may_fail_one_request_is_too_many(failed: int, verdict: Verdict) -> None:
    about = setting(budget_ms=0, path="m3")
    record = judge(history({"outside": client(outages=outage(10 * failed))}, about))
    assert record.failed == failed
    assert record.verdict is verdict


@pytest.mark.parametrize(("whole", "verdict"), [(INJECT + 1, Verdict.WITHIN), (None, Verdict.OVER)])
def test_redundancy_has_to_come_back_by_itself(whole: float | None, verdict: Verdict) -> None:
    record = judge(history({"outside": client()}, when=events(whole=whole)))
    assert record.verdict is verdict
    assert (record.whole_again_ms is None) == (whole is None)


def test_whole_again_counts_from_the_healing_of_a_fault_that_lasts() -> None:
    record = judge(history({"outside": client()}, setting(whole_from="heal"), events(whole=HEAL + 0.7)))
    assert record.whole_again_ms == pytest.approx(700)


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


def test_an_address_that_moves_before_the_fault_makes_the_run_unknown() -> None:
    moved = {"m1": (holder(100.0, held=False), holder(103.0, held=True)), "m2": (holder(100.0, held=True),)}
    record = judge(history({"outside": client()}, witnesses=moved))
    assert record.verdict is Verdict.UNKNOWN
    assert "m1" in record.why


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


@pytest.mark.parametrize(("why", "lost"), [("", 0), ("closed", 1)])
def test_an_idle_stream_is_judged_when_it_is_used(why: str, lost: int) -> None:
    used = {"kind": "idle-used", "stream": "idle-0", "began": END, "done": END + 0.1, "why": why, "by": "m2"}
    assert judge(history({"outside": client(used)}, setting(path="", budget_ms=0))).streams_lost == lost


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
    record = judge(history({"outside": client()}, setting(silenced=("m1",)), witnesses=witnesses))
    assert record.no_holder_ms == pytest.approx(500, abs=0.5)
    # Healed, it still has the address until it hears of the other: two of them.
    assert record.dual_holder_ms == pytest.approx((END - HEAL) * 1000, abs=0.5)


def test_without_a_witness_nobody_knows_who_held() -> None:
    record = judge(history({"outside": client()}, witnesses={}))
    assert record.dual_holder_ms is None
