"""Is redundancy whole: would the stack survive the next fault? Asked before a fault, and after it until it is."""

import shlex
import time
from concurrent.futures import ThreadPoolExecutor

from components.rendering.paths import ADMIN_SOCKET, VRRP_STATE
from drill.errors import DrillError
from drill.hosts import Host
from drill.stack import Stack

PAUSE_S = 0.1

BALANCER = """\
systemctl is-active --quiet haproxy || echo haproxy is not running
systemctl is-active --quiet keepalived || echo keepalived is not running
! grep -qx FAULT {state} 2>/dev/null || echo keepalived takes no part
holds=$(ip -4 -oneline address show up to {vip})
[ -z "$holds" ] || echo holds
place={listens}
# One that listens on the VIP alone can be asked where that is; of the others keepalived knows.
[ -n "$place" ] || [ -z "$holds" ] || place={vip}
[ -z "$place" ] || curl -sk -o /dev/null --noproxy '*' --max-time 1 "https://$place:{port}{path}" ||
    echo its haproxy does not answer
"""

SERVERS = """\
# What is back counts from when HAProxy uses it again; other configurations, without this socket, say nothing.
[ ! -S {socket} ] || echo "show servers state" | timeout 2 socat -t 1 stdio UNIX-CONNECT:{socket} 2>/dev/null |
    awk 'NF > 6 && $6 == {stopped} {{ print "its haproxy has " $4 " down" }}
        NF > 6 && $6 == {stopping} {{ print "its haproxy lets " $4 " drain" }}'
"""
SERVER_STATES = {"stopped": 0, "stopping": 3}
"""`srv_op_state` of HAProxy's "show servers state" (management guide, 9.3) where it gets no new connection; 1 is
slowstart, 2 running."""

BACKEND = """\
echo "apiserver: $(curl -sk -o /dev/null -w '%{{http_code}}' --noproxy '*' --max-time 1 {url})"
"""
_SAID, _NOT_READY = "apiserver: ", "its apiserver is not ready"


def missing(stack: Stack, path: str = "/version") -> list[str]:
    """Return what is not as it should be, in words; nothing when redundancy is whole."""

    def ask(host: Host) -> list[str]:
        script = ""
        if host.apiserver:
            url = f"https://{host.address}:{host.apiserver.port}{host.apiserver.path or '/'}"
            script += BACKEND.format(url=shlex.quote(url))
        if host in stack.balancers:
            script += BALANCER.format(
                state=VRRP_STATE, port=stack.port, path=path, vip=stack.vip, listens=host.listens
            )
            script += SERVERS.format(socket=ADMIN_SOCKET, **SERVER_STATES)
        try:
            said = host.run(script, seconds=8).splitlines()
        except DrillError as error:
            return [f"{host.name}: {error}"]
        return [f"{host.name}: {words}" for line in said if (words := _in_words(host, line))]

    with ThreadPoolExecutor(len(stack.hosts)) as pool:
        found = [words for answer in pool.map(ask, stack.hosts) for words in answer]
    holders = [words.partition(":")[0] for words in found if words.endswith(": holds")]
    wrong = [words for words in found if not words.endswith(": holds")]
    if len(holders) != 1:
        wrong.append(f"{stack.vip} is held by {', '.join(holders) or 'nobody'}")
    return wrong


def _in_words(host: Host, line: str) -> str:
    """Return what a line of a host's answer means; nothing where it says that an apiserver is ready."""
    if host.apiserver is None or not line.startswith(_SAID):
        return line
    code = line.removeprefix(_SAID)
    return "" if host.apiserver.ready(int(code or 0)) else _NOT_READY


def await_whole(stack: Stack, seconds: float) -> float | None:
    """Wait until redundancy is whole; return when it was (seconds since the epoch), ``None`` if not in time."""
    deadline = time.monotonic() + seconds
    while True:
        if not missing(stack):
            return time.time()
        if time.monotonic() > deadline:
            return None
        time.sleep(PAUSE_S)
