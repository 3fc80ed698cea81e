"""Many TLS connections to one endpoint, for whatever place it is put in: one file, Python's own library.

It keeps one request under way on each connection for some seconds (a closed loop: it measures how much goes through,
not how long a fixed rate waits), or, with a pause, leaves each alone for so long and uses it once more. One JSON
object goes to standard output; a line goes there, too, when every connection is open. It ends with its standard
input, however far it is.
"""

import asyncio
import json
import os
import resource
import ssl
import sys
import time
from typing import Any

FAILURES = (OSError, EOFError, asyncio.TimeoutError, ValueError)
LIMIT_S = 15.0
OPENING = 50
"""Handshakes at the same time."""


class Hammer:
    """All connections."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.host, self.port, self.count = options["host"], options["port"], options["connections"]
        self.seconds, self.pause = options["seconds"], options.get("pause_s", 0)
        self.text = f"GET /version HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        self.gate = asyncio.Semaphore(OPENING)
        self.open, self.failed = 0, 0
        self.latencies: list[float] = []
        self.all_tried, self.go = asyncio.Event(), asyncio.Event()
        self.tried = 0
        self.deadline = 0.0

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Make one request and read its whole answer."""
        began = time.monotonic()
        writer.write(self.text)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.latencies.append(time.monotonic() - began)

    async def one(self) -> None:
        """Use one connection."""
        try:
            async with self.gate:
                opening = asyncio.open_connection(
                    self.host, self.port, ssl=self.tls, server_hostname=self.host
                )
                reader, writer = await asyncio.wait_for(opening, LIMIT_S)
                await self.ask(reader, writer)
            self.open += 1
        except FAILURES:
            self.failed += 1
            return
        finally:
            self.tried += 1
            if self.tried == self.count:
                self.all_tried.set()
        await self.go.wait()
        try:
            if self.pause:
                async with self.gate:
                    await self.ask(reader, writer)
            while time.monotonic() < self.deadline:
                await self.ask(reader, writer)
        except FAILURES:
            self.failed += 1
        writer.transport.abort()

    def left(self) -> None:
        """End when nobody listens any more."""
        if not os.read(sys.stdin.fileno(), 1024):
            os._exit(1)

    async def run(self) -> None:
        """Open all, use all, tell."""
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self.left)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        began = time.monotonic()
        tasks = [asyncio.ensure_future(self.one()) for _ in range(self.count)]
        await self.all_tried.wait()
        opened_in = time.monotonic() - began
        print(json.dumps({"open": self.open, "seconds": round(opened_in, 2)}), flush=True)  # noqa: T201 - its answer
        await asyncio.sleep(self.pause)
        self.latencies.clear()
        self.deadline = time.monotonic() + self.seconds
        started = time.monotonic()
        self.go.set()
        await asyncio.gather(*tasks)
        took = max(time.monotonic() - started, 0.001)
        found = sorted(self.latencies)
        told = {
            "open": self.open,
            "failed": self.failed,
            "requests": len(found),
            "per_second": round(len(found) / took, 1),
            "p50_ms": round(found[len(found) // 2] * 1000, 2) if found else None,
            "p99_ms": round(found[int(len(found) * 0.99)] * 1000, 2) if found else None,
        }
        print(json.dumps(told), flush=True)  # noqa: T201 - its answer - this is its output


if __name__ == "__main__":

    async def main() -> None:
        """Make everything inside the loop that runs it."""
        await Hammer(json.loads(sys.argv[1])).run()

    asyncio.run(main())
