"""Other configurations on the same hosts, so that all are measured beside each other in one run."""

from drill.configurations.other import OTHERS, install
from drill.configurations.own import (
    Own,
    captured,
    check_installed,
    heal_installed,
    put_back,
    restored,
)

__all__ = [
    "OTHERS",
    "Own",
    "captured",
    "check_installed",
    "heal_installed",
    "install",
    "put_back",
    "restored",
]
