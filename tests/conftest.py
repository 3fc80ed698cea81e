"""For every tier: whoever ends a test run, its hosts go with it."""

import os
import signal

import pytest

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STANDARD_ERROR = 2


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001 - pytest's signature
    """Take every way in which people and CI end a run for ^C, which lets fixtures take down what they made."""

    def interrupted(_number: int, _frame: object) -> None:
        finish()
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupted)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """After the last test, too, the sandboxes of the whole run go."""
    if nextitem is None:
        finish()


def finish() -> None:
    """From now on nobody interrupts: fixtures take down what they made, and nobody would do it after them."""

    def going_on(_number: int, _frame: object) -> None:
        os.write(STANDARD_ERROR, b"still removing what the tests made ...\n")

    for number in SIGNALS:
        signal.signal(number, going_on)
