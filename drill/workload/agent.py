"""A client of the endpoint, for whatever place it is put in: one file, Python's own library, 3.9 or newer.

It writes one JSON object a line to standard output and takes commands, one a line, on standard input
(``use``: send on every idle stream; ``storm N``: N connections at once; ``stop``). Times are seconds since the epoch.

Open loop: request number n is due at start + n * interval whatever became of those before it, its latency counts
from when it was due, and those under way never hold back the next. What the machine was late by is written too.
"""

import asyncio
import errno
import json
import os
import socket
import ssl
import sys
import time
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

FAILURES = (OSError, EOFError, asyncio.TimeoutError)
"""Before Python 3.11 a timeout of asyncio's is no ``OSError``."""
TICK_S = 0.02
ALIVE_S = 0.2
"""So often a witness says that it lives, in seconds."""
CLOCK = time.time() - time.monotonic()
"""Added to the monotonic clock: times of one agent never jump."""


def now() -> float:
    """Seconds since the epoch."""
    return time.monotonic() + CLOCK


def emit(kind: str, **fields: object) -> None:
    """Write one line of history."""
    rounded = {key: round(value, 5) if isinstance(value, float) else value for key, value in fields.items()}
    sys.stdout.write(json.dumps({"kind": kind, **rounded}, separators=(",", ":")) + "\n")


def reason(error: BaseException) -> str:
    """Return one word for why a request failed."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "reset"
    if isinstance(error, (asyncio.IncompleteReadError, EOFError, ssl.SSLError)):
        return "closed"
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "incomplete"
    return (
        type(error).__name__ if not isinstance(error, OSError) else os.strerror(error.errno or 0) or "error"
    )


class Request:
    """One connection with one request, without a task or a timer of its own: a hundred a second must cost little."""

    __slots__ = (
        "agent",
        "began",
        "by",
        "connected",
        "due",
        "got",
        "inward",
        "kind",
        "outward",
        "plain",
        "shaken",
        "tls",
    )

    def __init__(self, agent: "Agent", kind: str, due: float) -> None:
        self.agent, self.kind, self.due, self.began = agent, kind, due, now()
        self.connected, self.by, self.got, self.shaken = 0.0, "", b"", False
        self.plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        agent.under_way[self] = None
        failed = self.plain.connect_ex((agent.host, agent.port))
        if failed not in (0, errno.EINPROGRESS):
            self.end(reason(OSError(failed, "")))
        else:
            agent.loop.add_writer(self.plain.fileno(), self.on_connected)

    def on_connected(self) -> None:
        """Begin the handshake."""
        failed = self.plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            self.end(
                reason(ConnectionRefusedError() if failed == errno.ECONNREFUSED else OSError(failed, ""))
            )
            return
        self.connected = now()
        self.agent.loop.remove_writer(self.plain.fileno())
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.agent.tls.wrap_bio(self.inward, self.outward, server_hostname=self.agent.host)
        self.agent.loop.add_reader(self.plain.fileno(), self.on_data)
        self.advance()

    def on_data(self) -> None:
        """Take what came."""
        try:
            data = self.plain.recv(16384)
        except OSError as error:
            self.end(reason(error))
            return
        if data:
            self.inward.write(data)
            self.advance()
        else:
            self.end("closed")

    def advance(self) -> None:
        """Go as far as what has come allows."""
        try:
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
                self.tls.write(self.agent.request_text)
            while self in self.agent.under_way:
                data = self.tls.read(16384)
                if not data:
                    self.end("closed")
                self.got += data
                if b"\r\n\r\n" in self.got:
                    self.judge()
        except ssl.SSLWantReadError:
            self.flush()
        except (OSError, ValueError, IndexError) as error:
            self.end(reason(error))

    def flush(self) -> None:
        """Send what TLS wants to say; it is little and goes into the socket's buffer."""
        if self.outward.pending:
            try:
                self.plain.send(self.outward.read())
            except OSError as error:
                self.end(reason(error))

    def judge(self) -> None:
        """End if the whole answer is there."""
        head, _, body = self.got.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])
        }
        self.by = headers.get("x-served-by", "")
        if len(body) >= int(headers.get("content-length", 0)):
            status = lines[0].split(" ")[1]
            self.end("" if self.agent.answers(status) else f"status {status}")

    def end(self, why: str) -> None:
        """Write what became of it."""
        if self.agent.under_way.pop(self, self) is self:
            return  # it ended already
        number = self.plain.fileno()
        self.agent.loop.remove_writer(number)
        self.agent.loop.remove_reader(number)
        self.plain.close()
        emit(
            self.kind,
            due=self.due,
            began=self.began,
            connected=self.connected,
            done=now(),
            why=why,
            by=self.by,
        )


class Connection:
    """One TLS connection that speaks HTTP/1.1, for streams."""

    def __init__(self, agent: "Agent") -> None:
        self.agent = agent
        self.connected_at = 0.0
        self.by = ""

    async def open(self) -> None:
        """Connect, then shake hands, so that it is known how far a failed one got."""
        loop = asyncio.get_running_loop()
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await loop.sock_connect(plain, (self.agent.host, self.agent.port))
            self.connected_at = now()
            self.reader, self.writer = await asyncio.open_connection(
                sock=plain, ssl=self.agent.tls, server_hostname=self.agent.host
            )
        except BaseException:
            plain.close()
            raise

    async def ask(self, path: str, *, close: bool) -> None:
        """Send a GET and read its whole answer; another status than those of an answer raises ``OSError``."""
        ending = "close" if close else "keep-alive"
        self.writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self.agent.host}\r\nConnection: {ending}\r\n\r\n".encode()
        )
        length = await self.head()
        await self.reader.readexactly(length)

    async def head(self, *, watch: bool = False) -> int:
        """Read status and headers; return the length of the body. Nobody watches where a stranger is sent away."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = lines[0].split(" ")[1]
        headers = {
            key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])
        }
        self.by = headers.get("x-served-by", "")
        if status != "200" and (watch or not self.agent.answers(status)):
            raise OSError(0, f"status {status}")
        return int(headers.get("content-length", 0))

    def close(self) -> None:
        """Close at once: what is open after a fault must not wait for a peer that is gone."""
        writer = getattr(self, "writer", None)
        if writer is not None:
            writer.transport.abort()


class Agent:
    """All clients of one place."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.host, self.port, self.path = options["host"], options["port"], options["path"]
        self.interval = options["interval_ms"] / 1000
        self.limit = options["limit_ms"] / 1000
        self.statuses: list[tuple[int, int]] = options["statuses"]
        self.watches, self.idles = options["watches"], options["idle"]
        self.vip = options.get("vip") or ""
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        self.stopping = asyncio.Event()
        ending = "Connection: close\r\n\r\n"
        self.request_text = f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n{ending}".encode()
        self.under_way: dict[Request, None] = {}
        self.open: dict[str, Connection] = {}
        self.tasks: set[asyncio.Future[None]] = set()

    def answers(self, status: str) -> bool:
        """Whether a status is an answer: strangers may be told to go away, if health checks are."""
        return any(low <= int(status) <= high for low, high in self.statuses)

    def start(self, coroutine: Coroutine[None, None, None]) -> None:
        """Run something beside everything else."""
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: "asyncio.Future[None]") -> None:
        """End the process with a task that failed: without its last line, nobody takes silence for an answer."""
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            traceback.print_exception(type(error), error, error.__traceback__)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    # --- short requests ------------------------------------------------------------------------------------

    async def requests(self) -> None:
        """Start a request each interval."""
        first = now() + 0.05
        number = 0
        while self.interval and not self.stopping.is_set():
            due = first + number * self.interval
            if (wait := due - now()) > 0:
                await asyncio.sleep(wait)
            Request(self, "req", due)
            number += 1

    async def limits(self) -> None:
        """End requests that are over their limit; the oldest come first."""
        while True:
            await asyncio.sleep(TICK_S)
            over = now() - self.limit
            for request in list(self.under_way):
                if request.due > over:
                    break
                request.end("incomplete")

    # --- streams -------------------------------------------------------------------------------------------

    async def idle(self, name: str) -> None:
        """Open a stream and use it once; :meth:`use` uses it again."""
        connection = Connection(self)
        try:
            await asyncio.wait_for(connection.open(), self.limit)
            await asyncio.wait_for(connection.ask(self.path, close=False), self.limit)
        except FAILURES as error:
            connection.close()
            emit("idle-failed", stream=name, at=now(), why=reason(error))
            return
        self.open[name] = connection
        emit("idle-open", stream=name, at=now(), by=connection.by)

    async def use(self, name: str) -> None:
        """Send on an idle stream; it is lost unless an answer comes."""
        connection, began, why = self.open.pop(name), now(), ""
        try:
            await asyncio.wait_for(connection.ask(self.path, close=True), self.limit)
        except FAILURES as error:
            why = reason(error)
        connection.close()
        emit("idle-used", stream=name, began=began, done=now(), why=why, by=connection.by)

    async def watch(self, name: str) -> None:
        """Follow a stream of events, one a second; when it is lost, connect again at once, as a watch does."""
        while not self.stopping.is_set():
            connection, opened, why, events = Connection(self), 0.0, "", 0
            try:
                await asyncio.wait_for(connection.open(), self.limit)
                connection.writer.write(
                    f"GET /watch?interval=1 HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
                )
                await asyncio.wait_for(connection.head(watch=True), self.limit)
                opened = now()
                emit("watch-open", stream=name, at=opened, by=connection.by)
                # Three events missing: a client-go watch would wait for its ping to fail; the stream is dead.
                while await asyncio.wait_for(connection.reader.readline(), 3.5):
                    events += 1
                    if self.stopping.is_set():
                        break
                else:
                    why = "closed"
            except FAILURES as error:
                why = "silent" if opened and reason(error) == "incomplete" else reason(error)
            connection.close()
            if opened:
                emit(
                    "watch-end",
                    stream=name,
                    at=now(),
                    opened=opened,
                    events=events,
                    why=why,
                    by=connection.by,
                )
            else:
                await asyncio.sleep(0.05)

    # --- the address ---------------------------------------------------------------------------------------

    async def holder(self) -> None:
        """Write when this host's interfaces get and lose the address, as the kernel says it [rtnetlink(7)].

        At once: a host that reboots takes along what is not written. So does a line now and then tell until when it
        lived.
        """
        kernel = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        kernel.bind((0, 0x10 | 0x1))  # RTMGRP_IPV4_IFADDR and RTMGRP_LINK
        held = has(self.vip)
        emit("holder", at=now(), held=held)
        sys.stdout.flush()
        loop = asyncio.get_running_loop()
        while not self.stopping.is_set():
            try:
                await asyncio.wait_for(loop.sock_recv(kernel, 65536), ALIVE_S)
            except asyncio.TimeoutError:  # noqa: UP041 - before Python 3.11 it is another one
                emit("alive", at=now())
            except OSError as error:
                # ENOBUFS: the kernel had more to say than there is room for. The address is looked at all the same.
                if error.errno != errno.ENOBUFS:
                    raise
            if has(self.vip) != held:
                held = not held
                emit("holder", at=now(), held=held)
            sys.stdout.flush()

    # --- commands ------------------------------------------------------------------------------------------

    async def commands(self) -> None:
        """Do what standard input says until it ends."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().split():
            if line[0] == "use":
                for name in list(self.open):
                    self.start(self.use(name))
            elif line[0] == "storm":
                due = now()
                for _ in range(int(line[1])):
                    Request(self, "storm", due)
            elif line[0] == "stop":
                break
        self.stopping.set()

    async def lateness(self) -> None:
        """Write how late this process itself gets to run: what no gap shorter than it can be blamed for."""
        while not self.stopping.is_set():
            due = now() + TICK_S
            await asyncio.sleep(TICK_S)
            late = now() - due
            if late > TICK_S:
                emit("late", at=now(), seconds=late)

    async def flush(self) -> None:
        """Put history out twice a second."""
        while not self.stopping.is_set():
            await asyncio.sleep(0.5)
            sys.stdout.flush()

    async def run(self) -> None:
        """Do everything until told to stop, then let what is under way end."""
        self.loop = asyncio.get_running_loop()
        emit("start", at=now(), pid=os.getpid(), interval=self.interval)
        if self.vip:
            self.start(self.holder())
        for coroutine in (self.flush(), self.lateness(), self.limits(), self.requests()):
            self.start(coroutine)
        for number in range(self.watches):
            self.start(self.watch(f"watch-{number}"))
        for number in range(self.idles):
            self.start(self.idle(f"idle-{number}"))
        await self.commands()
        deadline = now() + self.limit + 0.5
        while self.under_way and now() < deadline:
            await asyncio.sleep(0.05)
        emit("stop", at=now())
        sys.stdout.flush()


def has(address: str) -> bool:
    """Whether an interface that is up has the address: whether a socket can be bound to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.bind((address, 0))
        return True
    return False


if __name__ == "__main__":
    # Its own lateness must not look like an outage: it runs before whatever else the machine does, for moments.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    asyncio.run(Agent(json.loads(sys.argv[1])).run())
    os._exit(0)
