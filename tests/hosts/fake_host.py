"""``hostctl`` on a host below a directory of the test's own, with stand-ins for what would reach beyond it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from components.rendering import paths, render

STATE = "/var/lib/kube-apiserver-havip"
MOVED = (
    "/etc/haproxy",
    "/etc/keepalived",
    "/etc/systemd",
    "/etc/$service",
    "/run/",
    "/usr/local/lib/",
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
        self, *arguments: str, stdin: str = "", before: tuple[str, ...] = ()
    ) -> "subprocess.CompletedProcess[str]":
        """Run the tool, under the command `before`."""
        self.write(paths.TOOL, self.moved(render.tool()), 0o755)
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
