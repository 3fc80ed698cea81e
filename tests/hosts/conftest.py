"""The real haproxy and keepalived, unpacked from the packages that hosts install; nothing is installed here."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.planning.plan import Plan
from components.rendering import marks, paths, render
from sandbox.hosts import images
from sandbox.hosts.mirror import ensure_tools

IMAGE = images.DEFAULT.id
"""The release that other tests of this tier take their programs from."""


@dataclass(frozen=True)
class Judges:
    """The two programs that say whether a configuration is valid."""

    haproxy: Path
    keepalived: Path

    def lines_for(self, service: str, text: str) -> str:
        """Return what hostctl leaves of a file for a program of this age."""
        script = f"source {render.TEMPLATES}/hostctl/bundle.sh; version=$(version_of $1) lua=$(lua_of $1)\n"
        script += "while IFS= read -r line; do\n"
        script += 'fits "$line" "$version" "$lua" && printf \'%s\\n\' "$line"\ndone; true'
        program = {"haproxy": self.haproxy, "keepalived": self.keepalived}[service]
        command = ["bash", "-c", script, "bash", str(program)]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    def of_haproxy(self, config: Path) -> subprocess.CompletedProcess[str]:
        """Run ``haproxy -c``."""
        return _run(self.haproxy, "-c", "-f", str(config))

    def of_keepalived(self, config: Path) -> subprocess.CompletedProcess[str]:
        """Run ``keepalived -t``."""
        return _run(self.keepalived, "-t", "-f", str(config))


def haproxy_cfg(plan: Plan, directory: Path) -> str:
    """The configuration, with what it refers to on a host in `directory`."""
    (directory / "server-state").write_text("1\n")
    (directory / Path(paths.CUT_DEAD).name).write_text(render.cut_dead_backends(plan))
    here = {
        paths.RUNTIME: str(directory),
        paths.LIBRARY: str(directory),
        marks.MAXCONN: "9000",
        marks.MAXCONN_ENDPOINT: "8950",
    }
    text = render.haproxy_cfg(plan)
    for there, instead in here.items():
        text = text.replace(there, instead)
    return text


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="session", params=images.CATALOGUE.values(), ids=lambda image: image.release)
def judges(request: pytest.FixtureRequest) -> Judges:
    """Paths of both programs, of each release: haproxy 2.6 and keepalived 2.2.7, haproxy 2.2 and keepalived 2.1.5."""
    return judges_of(request.param.id)


def judges_of(image_id: str) -> Judges:
    """Both programs of one release."""
    found = ensure_tools(image_id, lambda _: None)
    return Judges(found / "haproxy", found / "keepalived")
