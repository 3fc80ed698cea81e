"""Configurations of others: the how-to's, and the one that kubeadm documents.

They run with the distribution's units as their authors left them, without this project's drop-ins.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.rendering.paths import (
    HAPROXY_CFG,
    HAPROXY_DROP_IN,
    KEEPALIVED_CONF,
    KEEPALIVED_DROP_IN,
    VRRP_STATE,
)
from drill.errors import DrillError
from drill.hosts import Host
from drill.settle import await_whole, missing
from drill.stack import Stack

HERE = Path(__file__).parent
OTHERS = ("howto", "kubeadm")
FILES = {
    "haproxy.cfg": (HAPROXY_CFG, "644"),
    "keepalived.conf": (KEEPALIVED_CONF, "644"),
    "check_apiserver.sh": ("/etc/keepalived/check_apiserver.sh", "755"),
}
SETTLE_LIMIT_S = 60.0

DROP_ADDRESS = """\
ip -4 -oneline address show to {vip} | while read -r _ link _; do ip address delete {vip}/32 dev "$link"; done
"""

_PREPARE = f"""\
systemctl stop keepalived haproxy
rm -f {HAPROXY_DROP_IN} {KEEPALIVED_DROP_IN}
systemctl daemon-reload
rm -f {VRRP_STATE}
"""


def rendered(name: str, stack: Stack, host: Host, interface: str) -> dict[str, str]:
    """Return the files of one balancer: path to text."""
    environment = Environment(
        loader=FileSystemLoader(HERE / name),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
    )
    facts = {
        "vip": stack.vip,
        "port": stack.port,
        "own": host,
        "first": host == stack.balancers[0],
        "peers": [peer for peer in stack.balancers if peer != host],
        "backends": stack.backends,
        "interface": interface,
    }
    return {path: environment.get_template(f"{file}.j2").render(facts) for file, (path, _) in FILES.items()}


def install(name: str, stack: Stack) -> Stack:
    """Put a configuration on every balancer and wait until it is whole. Raises :class:`DrillError`."""
    with ThreadPoolExecutor(len(stack.balancers)) as pool:
        list(pool.map(lambda host: _install(name, stack, host), stack.balancers))
    installed = stack.with_config(name, {})
    if await_whole(installed, SETTLE_LIMIT_S) is None:
        raise DrillError(f"configuration {name!r} is not whole: {'; '.join(missing(installed))}")
    return installed


def _install(name: str, stack: Stack, host: Host) -> None:
    shown = json.loads(host.run(f"ip -json -4 address show to {host.address}"))
    interface = next(str(link["ifname"]) for link in shown if link)
    host.run(_PREPARE + DROP_ADDRESS.format(vip=stack.vip))
    for path, text in rendered(name, stack, host, interface).items():
        mode = next(mode for where, mode in FILES.values() if where == path)
        host.run(f"cat >{path} && chmod {mode} {path}", stdin=text)
    host.run("systemctl reset-failed haproxy keepalived; systemctl start haproxy keepalived", seconds=40)
