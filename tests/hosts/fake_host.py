"""``hostctl`` on a host below a directory of the test's own, with stand-ins for what would reach beyond it."""

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.rendering import paths, render
from tests.unit.components import examples

STATE = "/var/lib/kube-apiserver-havip"
SHIPPED = "# as the package brought it\n"
MOVED = (
    "/etc/haproxy",
    "/etc/keepalived",
    "/etc/systemd",
    "/etc/$service",
    "/run/",
    "/usr/local/lib/",
    "/usr/sbin/policy-rc.d",
    "/proc/sys/",
    STATE,
)
PROGRAMS = {
    "systemctl": """
        echo "systemctl $*" >>"$ROOT/asked"
        case $1 in
        is-active) cat "$ROOT/active" ;;
        show) echo 1 ;;
        reload | restart) [ ! -e "$ROOT/broken" ] ;;
        esac""",
    "systemd-run": 'echo "systemd-run $*" >>"$ROOT/asked"',
    "journalctl": "echo 'cannot bind socket'",
    "dpkg-query": 'cat "$ROOT/conffiles"',
    "pgrep": "false",
    "pkill": 'echo "pkill $*" >>"$ROOT/asked"',
    "ip": """
        [[ $* != *" dev "* || $* == *" dev eth0" ]] || exit 0
        echo "2: eth0    inet 10.0.0.11/24 scope global eth0\"""",
    "haproxy": "echo 'HAProxy version 2.6.12'",
    "keepalived": "echo 'Keepalived v2.2.7'",
    "ss": "true",
    "curl": "true",
    "socat": "true",
}


@dataclass(frozen=True)
class Host:
    """One below `root`."""

    root: Path

    def path(self, there: str) -> Path:
        """Where a path of a host is."""
        return self.root / there.lstrip("/")

    def write(self, there: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the host."""
        self.path(there).parent.mkdir(parents=True, exist_ok=True)
        self.path(there).write_text(text)
        self.path(there).chmod(mode)

    def program(self, name: str, script: str) -> None:
        """Put a program where it is found before any other."""
        self.write(f"bin/{name}", f"#!/bin/bash\n{script}\n", 0o755)

    def moved(self, text: str) -> str:
        """Have a text name this host's paths."""
        for prefix in MOVED:
            text = text.replace(prefix, f"{self.root}{prefix}")
        return text

    def hostctl(
        self, *arguments: str, stdin: str = "", before: tuple[str, ...] = (), patience_s: int = 15
    ) -> "subprocess.CompletedProcess[str]":
        """Run the tool, under the command `before`; a service that is not well after `patience_s` has failed."""
        tool = re.sub(
            r"^HEALTHY_WITHIN_S=.*", f"HEALTHY_WITHIN_S={patience_s}", render.tool(), flags=re.MULTILINE
        )
        self.write(paths.TOOL, self.moved(tool), 0o755)
        return subprocess.run(
            [*before, "bash", str(self.path(paths.TOOL)), *arguments],
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "ROOT": str(self.root)},
            input=self.moved(stdin),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def asked(self) -> str:
        """What systemd was asked."""
        file = self.root / "asked"
        return file.read_text() if file.exists() else ""


def made(root: Path) -> Host:
    """A host with a HAProxy that runs with the files of its package."""
    host = Host(root)
    for name, script in PROGRAMS.items():
        host.program(name, script)
    host.write("active", "active\n")
    host.write("conffiles", "")
    host.path("/run/lock").mkdir(parents=True)
    return host


def shipped(root: Path) -> Host:
    """A host that has HAProxy, with the configuration of its package, and nothing of ours."""
    host = made(root)
    host.write(paths.HAPROXY_CFG, SHIPPED)
    digest = hashlib.md5(SHIPPED.encode(), usedforsecurity=False).hexdigest()
    host.write("conffiles", f" {host.path(paths.HAPROXY_CFG)} {digest}\n")
    return host


def bundle(
    name: str = "cp",
    service: str = "haproxy",
    interface: str = "",
    timeout: str = "24h",
    **more: Any,
) -> str:
    """The files of a balancer of the endpoint `name`."""
    args = examples.topology() | {"haproxy": {"maxconn": 1000, "timeout_client": timeout}} | more
    args["balancers"] = [{**args["balancers"][0], "interface": interface}, *args["balancers"][1:]]
    plan = examples.planned(args)
    text = (
        render.haproxy_bundle(plan, plan.balancers[0])
        if service == "haproxy"
        else render.keepalived_bundle(plan, plan.balancers[0], examples.VIP)
    )
    return text.replace("==== owner cp", f"==== owner {name}")
