"""What a drill has in force that nobody else would know of: kept on disk, so that the next one heals it.

(Faults of the sandbox have records of their own, and hosts that SSH reaches have timers.)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Left:
    """A file of facts, each written before it becomes true and forgotten when it is healed."""

    file: Path | None = None
    """``None``: nothing is kept."""

    def read(self) -> dict[str, Any]:
        """Return what is in force; nothing where all is healed."""
        if self.file is None or not self.file.exists():
            return {}
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def note(self, **facts: object) -> None:
        """Add facts."""
        self._write({**self.read(), **facts})

    def forget(self, *names: str) -> None:
        """Take facts away; the file goes with the last one."""
        self._write({name: fact for name, fact in self.read().items() if name not in names})

    def _write(self, facts: Mapping[str, object]) -> None:
        if self.file is None:
            return
        if not facts:
            self.file.unlink(missing_ok=True)
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps(facts))
        draft.replace(self.file)  # as a whole: whoever is killed meanwhile leaves the old one


NOWHERE = Left()
