"""For every tier: whoever ends a test run, its hosts go with it."""

import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001 - pytest's signature
    """Take every way in which people and CI end a run for ^C, which lets fixtures take down what they made."""

    def interrupted(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
