"""``pulumi up`` on the stack under test, as a person would run it; its configuration file is never touched."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from drill.errors import DrillError
from sandbox.stack.engine import Engine


def up(engine: Engine, changes: Mapping[str, str]) -> None:
    """Run ``pulumi up`` with keys (paths such as ``failover.preset``) changed in a copy of the configuration.

    Raises :class:`DrillError` with the engine's own words.
    """
    with tempfile.TemporaryDirectory() as directory:
        more: list[str] = []
        if changes:
            copy = Path(directory) / f"Pulumi.{engine.stack}.yaml"
            shutil.copy(engine.project / copy.name, copy)
            more = ["--config-file", str(copy)]
            for key, value in changes.items():
                engine.must("config", "set", *more, "--path", key, value)
        done = engine.run(
            "up", "--yes", "--skip-preview", "--suppress-outputs", "--color=never", *more, capture=True
        )
    if done.returncode:
        raise DrillError(f"pulumi up failed:\n{(done.stdout + done.stderr)[-3000:]}")
