"""Long work at hosts: one thing at a time for each host, any number of hosts at once."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable

from sandbox.cloud.transitions import Work


class Lanes:
    """A queue for each host, worked off by a thread that lives as long as the queue has something in it."""

    def __init__(self, perform: Callable[[str, Work], None]) -> None:
        self._perform = perform
        self._queues: defaultdict[str, deque[Work]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._closed = False

    def submit(self, host: str, work: Work) -> None:
        """Queue ``work``; returns at once."""
        with self._lock:
            if self._closed:
                return
            queue = self._queues[host]
            queue.append(work)
            if len(queue) == 1:
                threading.Thread(target=self._run, args=(host,), name=f"host {host}", daemon=True).start()

    def under_way(self, host: str) -> Work | None:
        """Return what is being done at a host now, or None."""
        with self._lock:
            queue = self._queues.get(host)
            return queue[0] if queue else None

    def _run(self, host: str) -> None:
        while True:
            with self._lock:
                work = self._queues[host][0]
            try:
                self._perform(host, work)
            finally:
                with self._lock:
                    queue = self._queues[host]
                    queue.popleft()
                    done = not queue or self._closed
                    if done:
                        del self._queues[host]
                        self._idle.notify_all()
            if done:
                return

    def close(self, timeout: float) -> bool:
        """Take nothing more, wait up to ``timeout`` seconds for what is being done; tell whether it ended."""
        with self._lock:
            self._closed = True
            return self._idle.wait_for(lambda: not self._queues, timeout)

    def settle(self, timeout: float) -> None:
        """Wait until nothing is under way.

        Raises:
            TimeoutError: something still is after ``timeout`` seconds.

        """
        with self._lock:
            if not self._idle.wait_for(lambda: not self._queues, timeout):
                raise TimeoutError(f"work at {', '.join(self._queues)} did not end within {timeout:g} s")
