"""One JSON line for every call: time, action, parameters without secrets, code, status, milliseconds.

What the cloud may have and the sandbox has not is refused, and said aloud, since callers may pass over a refusal: the
line says ``"not_served": true``, the server warns on standard error, and ``sandbox status`` and ``sandbox stack up``
name it.
"""

import json
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sandbox.api import wire
from sandbox.api.dispatch import Answer

log = logging.getLogger(__name__)


class CallLog:
    """An append-only file, and what was asked for since the server started that the sandbox does not serve."""

    def __init__(self, path: Path) -> None:
        self.not_served: Counter[str] = Counter()
        """How often, by the error's message."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def write(self, parameters: Mapping[str, str], answer: Answer, milliseconds: float) -> None:
        """Append one call."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "action": parameters.get("Action", ""),
            "version": parameters.get("Version", ""),
            "params": wire.for_log(parameters),
            "status": answer.status,
            "code": answer.code,
            "message": str(answer.body.get("Message", "")),
            "ms": round(milliseconds, 1),
        }
        if answer.not_served:
            line["not_served"] = True
            log.warning("NOT SERVED: %s", line["message"])
        with self._lock:
            if answer.not_served:
                self.not_served[str(line["message"])] += 1
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
