"""Starting and stopping a sandbox as a whole: its server, its hosts and its network."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from sandbox import cgroups, claims, leftovers, names
from sandbox.control import Control, NotRunningError, Status
from sandbox.errors import SandboxError
from sandbox.hosts.images import exclusive
from sandbox.progress import Report
from sandbox.revision import revision
from sandbox.settings import Settings

START_LIMIT_S = 60.0
PORT_LIMIT_S = 10.0
TAIL_LINES = 15


def up(settings: Settings, report: Report) -> Status:
    """Start the sandbox's server unless it runs; a second caller waits. Hosts it had before are taken up again.

    A server of another revision than this checkout's is restarted; hosts run on meanwhile.

    Raises :class:`SandboxError` if the name, the port or the EIP range is taken, or the server does not come up within
    a minute.
    """
    claims.refuse_anothers(settings)
    with exclusive(settings.directory):
        return _up(settings, report)


def _up(settings: Settings, report: Report) -> Status:
    control = Control(settings)
    try:
        status = control.status()
    except NotRunningError:
        pass
    else:
        if status.content.get("revision") == revision():
            return status
        report(f"Sandbox {settings.name!r}: its server is another revision's, and is restarted; hosts run on")
        _end_server(settings)
    _refuse_a_taken_range(settings)
    _refuse_a_taken_port(settings)
    settings.save()
    claims.claim(settings)
    log = settings.directory / "server.log"
    report(f"Sandbox {settings.name!r}: starting its API on https://{settings.endpoint}")
    with log.open("ab") as sink:
        # In a cgroup of its own, so that `down` finds it whatever became of this process.
        group = names.cgroup(settings, "server")
        cgroups.create(group)
        server = subprocess.Popen(
            cgroups.inside(group, [sys.executable, "-m", "sandbox.server", settings.name]),
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return control.status()
        except NotRunningError:
            time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
    raise SandboxError(f"the sandbox's server did not come up; the end of {log}:\n{tail}")


def _refuse_a_taken_range(settings: Settings) -> None:
    for other in Settings.all():
        # Without hosts nothing listens on an EIP.
        both = other.with_hosts and settings.with_hosts
        if both and other.name != settings.name and other.eip_range.overlaps(settings.eip_range):
            raise SandboxError(
                f"EIP range {settings.eip_range}: it overlaps {other.eip_range} of sandbox {other.name!r}; "
                "choose another with --eip-range, such as 127.70.0.0/24"
            )


def _refuse_a_taken_port(settings: Settings) -> None:
    if _taken(settings.port):
        raise SandboxError(
            f"port {settings.port}: another program listens on {settings.endpoint}; "
            "stop it, or choose another port with --port"
        )


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _end_server(settings: Settings) -> None:
    cgroups.kill(names.cgroup(settings, "server"))
    # A process is gone for its parent before the last of its threads has let go of the port.
    deadline = time.monotonic() + PORT_LIMIT_S
    while _taken(settings.port) and time.monotonic() < deadline:
        time.sleep(0.05)


def down(settings: Settings, report: Report) -> tuple[str, ...]:
    """End and remove everything of the sandbox, whatever state it is in; return what that was. Safe to repeat.

    Raises :class:`SandboxError` naming what survives, or the other cache whose sandbox it is.
    """
    claims.refuse_anothers(settings)
    found = leftovers.find(settings)
    if not found:
        report(f"Sandbox {settings.name!r}: nothing is left of it")
        return ()
    report(f"Sandbox {settings.name!r}: removing {len(found)} processes, namespaces and directories")
    leftovers.teardown(settings)
    report(f"Sandbox {settings.name!r}: gone")
    return found
