"""What is done to hosts, with hosts that only say what is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Barrier

import pytest

from drill.faults.injections import at_once

pytestmark = pytest.mark.unit


@contextmanager
def noted(
    name: str, log: list[str], together: Barrier | None = None, *, fails: bool = False
) -> Iterator[None]:
    """Say when it is in force and when it is healed; with a barrier, only together with others."""
    if together:
        together.wait(5)
    if fails:
        raise ValueError(name)
    log.append(f"{name} in force")
    try:
        yield
    finally:
        log.append(f"{name} healed")


def test_faults_of_several_hosts_begin_together_and_are_all_healed() -> None:
    log: list[str] = []
    together = Barrier(2)
    with at_once([noted("m1", log, together), noted("m2", log, together)]):
        assert sorted(log) == ["m1 in force", "m2 in force"]
    assert sorted(log[2:]) == ["m1 healed", "m2 healed"]


def test_a_fault_whose_neighbour_cannot_be_injected_is_healed() -> None:
    log: list[str] = []
    with pytest.raises(ValueError, match="m2"), at_once([noted("m1", log), noted("m2", log, fails=True)]):
        raise AssertionError("not to be reached")
    assert log == ["m1 in force", "m1 healed"]
