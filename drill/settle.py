"""Is redundancy whole: would the stack survive the next fault? Asked before a fault, and after it until it is."""

import time
from concurrent.futures import ThreadPoolExecutor

from drill.errors import DrillError
from drill.hosts import Host
from drill.stack import Stack

PAUSE_S = 0.1

BALANCER = """\
systemctl is-active --quiet haproxy || echo haproxy is not running
systemctl is-active --quiet keepalived || echo keepalived is not running
! grep -qx FAULT /run/kube-apiserver-havip/vrrp-state 2>/dev/null || echo keepalived takes no part
curl -sk -o /dev/null --noproxy '*' --max-time 1 https://127.0.0.1:{port}{path} || echo its haproxy does not answer
[ -z "$(ip -4 -oneline address show up to {vip})" ] || echo holds
"""

BACKEND = """\
[ "$(curl -sk -o /dev/null -w '%{{http_code}}' --noproxy '*' --max-time 1 https://127.0.0.1:6443/readyz)" = 200 ] ||
    echo its apiserver is not ready
"""


def missing(stack: Stack, path: str = "/version") -> list[str]:
    """Return what is not as it should be, in words; nothing when redundancy is whole."""

    def ask(host: Host) -> list[str]:
        script = BACKEND.format()
        if host in stack.balancers:
            script += BALANCER.format(port=stack.port, path=path, vip=stack.vip)
        try:
            said = host.run(script, seconds=8).splitlines()
        except DrillError as error:
            return [f"{host.name}: {error}"]
        return [f"{host.name}: {words}" for words in said]

    with ThreadPoolExecutor(len(stack.hosts)) as pool:
        found = [words for answer in pool.map(ask, stack.hosts) for words in answer]
    holders = [words.partition(":")[0] for words in found if words.endswith(": holds")]
    wrong = [words for words in found if not words.endswith(": holds")]
    if len(holders) != 1:
        wrong.append(f"{stack.vip} is held by {', '.join(holders) or 'nobody'}")
    return wrong


def await_whole(stack: Stack, seconds: float) -> float | None:
    """Wait until redundancy is whole; return when it was (seconds since the epoch), ``None`` if not in time."""
    deadline = time.monotonic() + seconds
    while True:
        if not missing(stack):
            return time.time()
        if time.monotonic() > deadline:
            return None
        time.sleep(PAUSE_S)
