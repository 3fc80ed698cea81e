"""Clients of an endpoint while something happens to it: requests at a fixed rate, and streams idle until used.

They run in a thread of their own that has entered one of the sandbox's network namespaces: they reach the VIP as a
host of the VPC does, or as the internet does, past the EIP's forwarder, which accepts before anybody answers. These
threads have real-time priority, as the drill's clients do: other tests run on the same processors.
"""

import asyncio
import ctypes
import dataclasses
import itertools
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.faults.network import vpc_of
from sandbox.names import NETNS_DIRECTORY, host_namespace
from tests.e2e.lab import Lab
from tests.waiting import eventually

CLONE_NEWNET = 0x40000000  # sched.h
OK = "ok"
T = TypeVar("T")


@dataclass(frozen=True)
class Endpoint:
    """Where clients connect to, and the network namespace they are in (empty: this machine's own)."""

    address: str
    port: int
    namespace: str = ""


def from_host(lab: Lab, host: str) -> Endpoint:
    """The VIP, as a program on `host` sees it."""
    return _vip(lab, host_namespace(lab.settings, lab.hosts()[host]["id"]))


def from_outside(lab: Lab) -> Endpoint:
    """The VIP, as somebody outside the vSwitch sees it whom no forwarder helps."""
    return _vip(lab, vpc_of(lab.settings, next(iter(lab.hosts().values()))["id"]))


def from_anywhere(lab: Lab) -> Endpoint:
    """The endpoint's EIP, as this machine sees it."""
    return dataclasses.replace(_vip(lab, ""), address=lab.outputs()["eip"])


def _vip(lab: Lab, namespace: str) -> Endpoint:
    address, _, port = lab.outputs()["control_plane_endpoint"].rpartition(":")
    return Endpoint(address, int(port), namespace)


def answers(endpoint: Endpoint) -> bool:
    """Whether one request gets its answer now."""
    prober = Prober(endpoint, rate=1)
    with prober.running():
        pass
    return not prober.failures


class _Loop:
    """An event loop in a thread whose sockets belong to a network namespace."""

    def __init__(self, namespace: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._failed: OSError | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(namespace,), daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed:
            raise self._failed

    def _work(self, namespace: str) -> None:
        try:
            if namespace:
                enter(namespace)
        except OSError as error:
            self._failed = error
            return
        finally:
            self._ready.set()
        with suppress(OSError):  # without the right to it, a client that runs late looks like a late server
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        self.loop.run_forever()

    def run(self, work: Coroutine[Any, Any, T], within_s: float) -> T:
        """Run `work` over there; ``TimeoutError`` if it takes too long."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(within_s)

    def close(self) -> None:
        """End the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)


def enter(namespace: str) -> None:
    """Move the calling thread, and no other, into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (NETNS_DIRECTORY / namespace).open() as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), namespace)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = (
        False  # every backend signs its own certificate; whether it answers is the question
    )
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True)
class Request:
    """What became of one request."""

    start: float
    """When it was due (``time.monotonic``), whether or not the client was late."""
    took_s: float
    outcome: str
    """``ok``, or what went wrong."""
    server: str = ""
    """Who answered."""


@dataclass
class Prober:
    """Asks at a fixed rate, each request on a connection of its own, however long the ones before it take."""

    endpoint: Endpoint
    rate: float = 50.0
    """Requests a second."""
    limit_s: float = 2.0
    """A request that is not complete by then has failed."""
    path: str = "/version"
    requests: list[Request] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator["Prober"]:
        """Ask while the block runs; afterwards every request has its outcome."""
        work, tls = _Loop(self.endpoint.namespace), _tls()
        stop = asyncio.Event()

        async def ask_on() -> None:
            due, pending = time.monotonic(), []
            while not stop.is_set():
                pending.append(asyncio.ensure_future(self._ask(due, tls)))
                due += 1 / self.rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await asyncio.gather(*pending)

        asking = asyncio.run_coroutine_threadsafe(ask_on(), work.loop)
        try:
            eventually("the first request", lambda: bool(self.requests), self.limit_s + 3)
            yield self
        finally:
            work.loop.call_soon_threadsafe(stop.set)
            asking.result(self.limit_s + 10)
            work.close()

    async def _ask(self, due: float, tls: ssl.SSLContext) -> None:
        outcome, server = OK, ""
        try:
            async with asyncio.timeout(self.limit_s):
                stream = await Stream.open(self.endpoint, tls)
                try:
                    server = await stream.get(self.path)
                finally:
                    stream.abort()
        except TimeoutError:
            outcome = "incomplete"
        except (OSError, EOFError, ValueError) as error:
            outcome = f"{type(error).__name__}: {error}"
        self.requests.append(Request(due, time.monotonic() - due, outcome, server))

    @property
    def failures(self) -> list[Request]:
        """Requests without a whole answer, in the order in which they were due."""
        return self.since(0.0)

    def since(self, moment: float) -> list[Request]:
        """Failures of requests due after `moment` (``time.monotonic``)."""
        return sorted((r for r in self.requests if r.outcome != OK and r.start >= moment), key=_by_start)

    def answered(self) -> list[float]:
        """When whole answers came (``time.monotonic``), in order."""
        return sorted(request.start + request.took_s for request in self.requests if request.outcome == OK)

    def gap_s(self) -> float:
        """The longest time between two answers."""
        return max((later - earlier for earlier, later in itertools.pairwise(self.answered())), default=0.0)

    def report(self, since: float = 0.0) -> str:
        """What failed, for a message: count, kinds, and when after `since`."""
        failed = self.since(since)
        kinds = dict(Counter(request.outcome for request in failed))
        when = [round(request.start - (since or self.requests[0].start), 2) for request in failed]
        slowest = max((request.took_s for request in self.requests), default=0.0)
        return (
            f"{len(failed)} of {len(self.requests)} failed: {kinds} at {when[:20]} s; longest gap "
            f"{self.gap_s() * 1000:.0f} ms, slowest {slowest * 1000:.0f} ms"
        )


def _by_start(request: Request) -> float:
    return request.start


@dataclass
class Stream:
    """One connection with TLS on it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: str = ""
    """Who is at the other end, once it was used."""

    @classmethod
    async def open(cls, endpoint: Endpoint, tls: ssl.SSLContext) -> "Stream":
        """Connect and shake hands."""
        return cls(*await asyncio.open_connection(endpoint.address, endpoint.port, ssl=tls))

    async def get(self, path: str) -> str:
        """Ask; return who answered. Raises ``OSError``, ``EOFError`` or ``ValueError`` unless a whole 200 comes."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: kube-apiserver\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        await self.reader.readexactly(int(headers["content-length"]))
        if " 200 " not in status:
            raise ValueError(status)
        self.server = headers.get("x-served-by", "")
        return self.server

    def abort(self) -> None:
        """End it without a word."""
        self.writer.transport.abort()


class Streams:
    """So many connections that are used once, lie idle while the block runs, and are used again."""

    def __init__(self, endpoint: Endpoint, count: int, path: str = "/version") -> None:
        self.endpoint, self.count, self.path = endpoint, count, path
        self.open: list[Stream] = []

    def __enter__(self) -> "Streams":
        self._work, tls = _Loop(self.endpoint.namespace), _tls()

        async def opened() -> Stream:
            stream = await Stream.open(self.endpoint, tls)
            await stream.get(self.path)
            return stream

        async def all_opened() -> list[Stream]:
            return await asyncio.gather(*(opened() for _ in range(self.count)))

        self.open = self._work.run(all_opened(), 30)
        return self

    def lost(self) -> list[str]:
        """Use every stream; name the server of each that no longer works. May be asked again and again."""

        async def lives(stream: Stream) -> bool:
            try:
                async with asyncio.timeout(2):
                    await stream.get(self.path)
            except (OSError, EOFError, ValueError, TimeoutError):
                return False
            return True

        async def all_used() -> list[bool]:
            return await asyncio.gather(*(lives(stream) for stream in self.open))

        used = self._work.run(all_used(), 30)
        return sorted(stream.server for stream, alive in zip(self.open, used, strict=True) if not alive)

    def closed(self) -> list[str]:
        """Name the server of each stream whose end has reached the client by itself."""
        return sorted(
            stream.server for stream in self.open if stream.reader.at_eof() or stream.reader.exception()
        )

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            for stream in self.open:
                stream.abort()

        self._work.run(end(), 10)
        self._work.close()
