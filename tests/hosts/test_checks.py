"""How long HAProxy takes to notice a kube-apiserver that answers no more, against what the budget says."""

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.api.tls import Certificates, certificates
from tests.hosts import live
from tests.hosts.conftest import Judges
from tests.hosts.test_streams import ended
from tests.unit.components import examples
from tests.waiting import eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]

QUICK = {"check_timeout": "1s", "check_inter": "300ms", "check_fastinter": "100ms", "check_fall": 2}


class Apiserver:
    """TLS with `/readyz`, until it falls silent: it takes connections and TLS then, and answers no request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.silent = threading.Event()
        self.over = threading.Event()


@contextmanager
def apiserver(files: Certificates) -> Iterator[Apiserver]:
    """One that runs on a loopback port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if one.silent.is_set():
                one.over.wait(60)
                return
            self.send_response(200)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.server_key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one = Apiserver(server.server_port)
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield one
        finally:
            one.over.set()
            server.shutdown()
            thread.join(10)


def test_one_that_answers_tls_and_no_request_is_noticed_within_the_budget(
    judges: Judges, tmp_path: Path
) -> None:
    budget = examples.planned(examples.topology() | {"failover": QUICK}).budget
    with (
        apiserver(certificates(tmp_path / "tls")) as backend,
        live.running(judges, tmp_path, backend=backend.port, failover=QUICK) as haproxy,
    ):
        eventually("it is ready", lambda: haproxy.get("/monitor").status_code == 200)
        time.sleep(1)
        backend.silent.set()
        since = time.monotonic()
        eventually("it is marked down", lambda: haproxy.get("/monitor").status_code == 503)
        took_ms = (time.monotonic() - since) * 1000
    # Every check waits its whole time: one that merely is slow is no fault.
    assert 2 * 1000 <= took_ms <= budget["backend_silence"] + 100
    assert took_ms > budget["backend_hang"], "two faults with one budget"


def test_one_that_may_only_be_slow_keeps_its_streams(judges: Judges, tmp_path: Path) -> None:
    """Though it is marked down, and those that an old worker has after a reload as well."""
    with (
        apiserver(certificates(tmp_path / "tls")) as backend,
        live.running(judges, tmp_path, backend=backend.port, failover=QUICK) as haproxy,
    ):
        eventually("it is ready", lambda: haproxy.get("/monitor").status_code == 200)
        with socket.create_connection(("127.0.0.1", haproxy.port), 10) as raw:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            stream = context.wrap_socket(raw)
            backend.silent.set()
            eventually("it is marked down", lambda: haproxy.get("/monitor").status_code == 503)
            assert not ended(stream, 2)
            with live.reloaded(judges, tmp_path, haproxy):
                assert not ended(stream, 4)
