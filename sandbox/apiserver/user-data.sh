#!/bin/bash
# User data of a master in the dev stack: something real that serves TLS on 6443 the way a kube-apiserver does,
# as a systemd service. Any user data that ends with a service on 6443 takes its place (kubeadm, a kube-apiserver).
set -euo pipefail

install -d -m 0755 /usr/local/lib/apiserver /etc/apiserver
cat >/usr/local/lib/apiserver/apiserver.py <<'PYTHON'
"""A stand-in for kube-apiserver: /readyz, /livez, /version, a name saying who answered, and watch-like streams."""

import asyncio
import json
import signal
import socket
import ssl
import sys
from pathlib import Path

NOT_READY = Path("/run/apiserver/not-ready")  # while it exists, /readyz fails and everything else is served
SLOW = Path("/run/apiserver/slow")  # while it exists, /readyz takes as many seconds as it says (etcd is in trouble)
NAME = socket.gethostname()
SHUTDOWN_DELAY_S = 2.0  # like --shutdown-delay-duration: /readyz fails first, requests are still served
IDLE_LIMIT_S = 4 * 3600.0


class ApiServer:
    """HTTP/1.1 over TLS; one coroutine a connection."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a GET."""
        if path in ("/livez", "/healthz"):
            return 200, "text/plain", b"ok"
        if path == "/readyz":
            if self.stopping.is_set() or NOT_READY.exists():
                return 500, "text/plain", b"[-]shutdown failed: reason withheld\nreadyz check failed\n"
            return 200, "text/plain", b"ok"
        if path in ("/", "/version", "/whoami"):
            return 200, "application/json", json.dumps({"server": NAME, "kind": "apiserver stand-in"}).encode()
        missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
        return 404, "application/json", json.dumps(missing).encode()

    async def watch(self, writer: asyncio.StreamWriter, interval_s: float) -> None:
        """Send one event every `interval_s`, chunked, until the client leaves or the server stops."""
        writer.write(head(200, "application/json", ["Transfer-Encoding: chunked"]))
        number = 0
        while not self.stopping.is_set():
            event = json.dumps({"type": "BOOKMARK", "object": {"server": NAME, "number": number}}).encode() + b"\n"
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            await writer.drain()
            number += 1
            try:
                await asyncio.wait_for(self.stopping.wait(), interval_s)
            except TimeoutError:
                continue
        writer.write(b"0\r\n\r\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests on one connection until it closes."""
        try:
            while request := await asyncio.wait_for(reader.readline(), IDLE_LIMIT_S):
                method, target = (request.decode("latin-1").split() + ["", ""])[:2]
                close = False
                while (line := await reader.readline()).strip():
                    close = close or line.lower().replace(b" ", b"").startswith(b"connection:close")
                path, _, query = target.partition("?")
                if path == "/watch":
                    options = dict(item.partition("=")[::2] for item in query.split("&"))
                    await self.watch(writer, max(0.01, float(options.get("interval") or 1)))
                else:
                    if path == "/readyz" and SLOW.exists():
                        await asyncio.sleep(float(SLOW.read_text()))
                    status, kind, body = self.answer(path)
                    writer.write(head(status, kind, [f"Content-Length: {len(body)}"]))
                    writer.write(b"" if method == "HEAD" else body)
                await writer.drain()
                if close:
                    break
        except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client left or spoke something else: there is nobody to tell
        finally:
            writer.close()


REASONS = {200: "OK", 404: "Not Found", 500: "Internal Server Error"}


def head(status: int, kind: str, more: list[str]) -> bytes:
    """Status line and headers; X-Served-By says which master answered."""
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", f"Content-Type: {kind}", f"X-Served-By: {NAME}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def main(certificate: str, key: str, port: int) -> None:
    """Serve until SIGTERM, then fail /readyz for a moment before closing."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    api = ApiServer()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, api.stopping.set)
    server = await asyncio.start_server(api.serve, "0.0.0.0", port, ssl=tls, backlog=1024)
    async with server:
        await api.stopping.wait()
        await asyncio.sleep(SHUTDOWN_DELAY_S)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
PYTHON

cat >/etc/systemd/system/apiserver.service <<'UNIT'
[Unit]
Description=Stand-in for kube-apiserver
After=network.target

[Service]
ExecStartPre=/bin/sh -c 'test -s /etc/apiserver/tls.key || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$$(hostname)" -addext "subjectAltName=DNS:$$(hostname),DNS:kubernetes" -keyout /etc/apiserver/tls.key -out /etc/apiserver/tls.crt'
ExecStart=/usr/bin/python3 /usr/local/lib/apiserver/apiserver.py /etc/apiserver/tls.crt /etc/apiserver/tls.key 6443
RuntimeDirectory=apiserver
Restart=always
RestartSec=500ms
TimeoutStopSec=10
# A stream is a descriptor; the usual soft limit is 1024.
LimitNOFILE=16384

[Install]
WantedBy=multi-user.target
UNIT

systemctl daemon-reload
systemctl enable --now apiserver.service
