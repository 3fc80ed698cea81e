"""Other configurations on the same hosts, so that all are measured beside each other in one run."""

from drill.configurations.other import OTHERS, install
from drill.configurations.own import Own, captured, check_installed, put_back

__all__ = ["OTHERS", "Own", "captured", "check_installed", "install", "put_back"]
