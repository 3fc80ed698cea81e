"""A HAProxy that would find no kube-apiserver ready is refused before it serves, if the present one finds some."""

import os
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.rendering import paths, render
from tests.hosts.conftest import Judges
from tests.ports import free_port
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]

BEGIN = f"""
set -euo pipefail
for part in head transaction trial; do source {render.TEMPLATES}/hostctl/$part.sh; done
service=haproxy stage=$1/new undo=$1/old ours=$1/ours unfinished=$1 reached="" ahead=m2
"""
"""As after a run that was killed: what it kept is what is in force."""


@contextmanager
def apiserver(directory: Path, *, pause_s: float = 0) -> Iterator[int]:
    """What answers 200 on /readyz and 404 elsewhere, through TLS; its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(pause_s)
            self.send_response(200 if self.path == "/readyz" else 404)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    certificate(directory, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(directory: Path, name: str) -> Path:
    """Make a key and a certificate that it has signed itself."""
    made = directory / f"{name}.crt"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
    ]
    subprocess.run(
        [*command, "-keyout", directory / f"{name}.key", "-out", made], check=True, capture_output=True
    )
    return made


class Change:
    """From one configuration to another, each with kube-apiservers on a port of this machine."""

    def __init__(self, judges: Judges, directory: Path) -> None:
        self.judges, self.directory = judges, directory
        # The present one is the stack's.
        mark = directory / "ours" / paths.HAPROXY_CFG.lstrip("/")
        mark.parent.mkdir(parents=True)
        mark.touch()

    def configure(self, which: str, port: int, **changes: Any) -> None:
        """Write a haproxy.cfg."""
        plan = examples.planned(examples.topology() | changes)
        text = self.judges.lines_for("haproxy", render.haproxy_cfg(plan))
        file = self.directory / which / paths.HAPROXY_CFG.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(re.sub(r"\b10\.0\.0\.\d+:6443\b", f"127.0.0.1:{port}", text))

    def tried(self) -> "subprocess.CompletedProcess[str]":
        """Try it out."""
        return subprocess.run(
            ["bash", "-c", f"{BEGIN}try_out", "bash", self.directory],
            env={**os.environ, "PATH": f"{self.judges.haproxy.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def change(judges: Judges, tmp_path_factory: pytest.TempPathFactory) -> Change:
    """One below a short path, for the socket in it."""
    return Change(judges, tmp_path_factory.mktemp("c"))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong path": ({"health_check": {"path": "/redyz"}}, "L7[A-Z]+ 404"),
    "a wrong status": ({"health_check": {"expect_status": "201"}}, "L7[A-Z]+ 200"),
    "another CA": ({"health_check": {"ca_file": "CA"}}, "L6RSP"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_would_end_all_service_is_refused(change: Change, case: str) -> None:
    changes, said = WRONG[case]
    if "ca_file" in changes["health_check"]:
        changes = {"health_check": {"ca_file": str(certificate(change.directory, "ca"))}}
    with apiserver(change.directory) as port:
        change.configure("old", port)
        change.configure("new", port, **changes)
        done = change.tried()
    assert done.returncode == 1
    assert "no kube-apiserver ready under the new configuration" in done.stderr
    assert "nothing was changed" in done.stderr
    assert re.search(rf"^k8s-master01: {said}", done.stderr, re.MULTILINE), done.stderr
    assert "and so do: m2" in done.stderr


def test_so_is_a_port_where_nobody_is(change: Change) -> None:
    with apiserver(change.directory) as port:
        change.configure("old", port)
        change.configure("new", free_port())
        done = change.tried()
    assert done.returncode == 1
    assert "k8s-master01: L4CON" in done.stderr


def test_what_works_is_tried_in_a_moment(change: Change) -> None:
    with apiserver(change.directory) as port:
        change.configure("new", port, health_check={"ca_file": str(change.directory / "server.crt")})
        began = time.monotonic()
        done = change.tried()
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("monitor_needs_backend", [True, False])
def test_what_mends_a_broken_one_is_taken(change: Change, *, monitor_needs_backend: bool) -> None:
    with apiserver(change.directory) as port:
        haproxy = {"monitor_needs_backend": monitor_needs_backend}
        change.configure("old", port, health_check={"path": "/redyz"}, haproxy=haproxy)
        change.configure("new", port, haproxy=haproxy)
        assert change.tried().returncode == 0


def test_without_any_kube_apiserver_nothing_is_refused(change: Change) -> None:
    nobody = free_port()
    change.configure("old", nobody)
    change.configure("new", nobody, health_check={"path": "/redyz"})
    assert change.tried().returncode == 0


def test_nor_is_the_first_configuration_of_a_host(change: Change) -> None:
    change.configure("new", free_port())
    assert change.tried().returncode == 0


def test_somebody_else_s_haproxy_for_other_servers_says_nothing(change: Change) -> None:
    with apiserver(change.directory) as port:
        change.configure("old", port)
        change.configure("new", free_port())
        shutil.rmtree(change.directory / "ours")
        assert change.tried().returncode == 0


def test_a_kube_apiserver_that_takes_its_time_is_waited_for(change: Change) -> None:
    with apiserver(change.directory, pause_s=2) as port:
        change.configure("old", port, health_check={"kind": "tcp"})
        change.configure("new", port)
        assert change.tried().returncode == 0


def test_a_check_that_is_a_connection_counts_as_well(change: Change) -> None:
    with apiserver(change.directory) as port:
        change.configure("old", port, health_check={"kind": "tcp"})
        change.configure("new", port, health_check={"path": "/redyz"})
        assert change.tried().returncode == 1
        change.configure("new", port, health_check={"kind": "tcp"})
        assert change.tried().returncode == 0
