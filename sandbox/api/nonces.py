"""No call twice: a signature's nonce is accepted once. Source: API documentation "Common parameters"."""

import threading
from datetime import datetime

from sandbox.api.signature import WINDOW
from sandbox.cloud import errors

KEPT = 2 * WINDOW
"""A call signed ahead of the server's clock can come again as long after it; later its time stamp gives it away."""


class Nonces:
    """Those of the last half hour, in the server's memory only. Calls may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[str, datetime] = {}

    def use(self, nonce: str, now: datetime) -> None:
        """Remember a nonce, or raise SignatureNonceUsed."""
        with self._lock:
            # In the order of their coming: the first that is young enough ends the search.
            while self._used and now - next(iter(self._used.values())) > KEPT:
                del self._used[next(iter(self._used))]
            if nonce in self._used:
                raise errors.common.SignatureNonceUsed
            self._used[nonce] = now
