"""Programs of this checkout, run as they are on a recording engine."""

import runpy
from collections.abc import Mapping
from pathlib import Path

from pulumi.runtime import config as pulumi_config

from tests.unit.components.engine import Run, run
from tests.unit.components.examples import KEY

ROOT = Path(__file__).resolve().parents[3]
KEY_FILE = "key"
"""The file with the private key, beside the public one, where `run_file` is called."""


def run_file(file: str, config: Mapping[str, str], *, preview: bool) -> Run:
    """Run the program `file` of the checkout with this configuration, every value as the engine hands it over."""
    for name in (KEY_FILE, f"{KEY_FILE}.pub"):
        Path(name).write_text(KEY)
    known = {"sshPrivateKeyFile": KEY_FILE, **config}
    pulumi_config.set_all_config({f"project:{key}": value for key, value in known.items()})
    try:
        return run(lambda: runpy.run_path(str(ROOT / file)), preview=preview)
    finally:
        pulumi_config.set_all_config({})
