"""One JSON line for every call: time, action, parameters without secrets, code, status, milliseconds."""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sandbox.api import wire
from sandbox.api.dispatch import Answer


class CallLog:
    """An append-only file."""

    def __init__(self, path: Path) -> None:
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
        with self._lock:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
