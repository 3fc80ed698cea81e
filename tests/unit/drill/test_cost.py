"""What the cost of the program is made of: growth from row to row, whose memory counts, and a stack's file."""

from dataclasses import replace

import pytest

from drill.cost.figures import HEAD, Cost, Growth, as_data, growths, markdown
from drill.cost.processes import family
from drill.cost.site import configuration

pytestmark = pytest.mark.unit


def of(planes: int | None, seconds: float, mebibytes: float, operation: str = "preview") -> Cost:
    """A figure."""
    return Cost(f"{planes} control planes", planes, operation, 1 + 21 * (planes or 0), seconds, mebibytes)


FOUND = [of(None, 3.4, 380), of(1, 4.5, 460), of(1, 9, 500, "up"), of(5, 6.5, 480), of(20, 14, 525)]


def test_growth_is_that_of_each_plane_more_than_the_row_before_of_the_same_operation() -> None:
    assert growths(FOUND) == [None, None, None, Growth(0.5, 5.0), Growth(0.5, 3.0)]


def test_what_only_has_as_many_resources_grows_by_itself() -> None:
    bare = [replace(one, ours=False, seconds=one.seconds / 2) for one in (FOUND[1], FOUND[3])]
    assert growths([FOUND[1], bare[0], FOUND[3], bare[1]]) == [
        None,
        None,
        Growth(0.5, 5.0),
        Growth(0.25, 5.0),
    ]


def test_the_table_and_the_data_carry_it() -> None:
    assert [one["growth"] for one in as_data(FOUND)][2:4] == [None, {"seconds": 0.5, "mebibytes": 5.0}]
    lines = markdown(FOUND).splitlines()
    assert lines[0] == f"| {' | '.join(HEAD)} |"
    assert lines[5] == "| 5 control planes | preview | 106 | 6.5 | 480 | 0.50 | 5.0 |"


def test_a_process_counts_with_all_below_it_and_nobody_else() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20}
    assert family(parents, 10) == {10, 11, 12}
    assert family({10: 10}, 10) == {10}


def test_a_project_has_the_providers_words_of_the_dev_stack_and_the_api_of_its_own_sandbox() -> None:
    config = configuration("planes", {"sshPort": 2222}, "127.0.0.1:7001")["config"]
    assert config["alicloud:region"]
    assert set(config["alicloud:endpoints"][0].values()) == {"127.0.0.1:7001"}
    assert {key for key in config if not key.startswith("alicloud:")} == {"drill-cost-planes:sshPort"}
