"""A later version of a package, as an upgrade finds it: the same program under a higher version number."""

import base64
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.hosts import images
from sandbox.hosts.mirror import ensure_mirror

_INDEX = """\
mkdir -p {place} && cd {place}
base64 -d >{package}.deb
{{
    dpkg-deb -f {package}.deb
    echo "Filename: ./{package}.deb"
    echo "Size: $(stat -c %s {package}.deb)"
    echo "SHA256: $(sha256sum <{package}.deb | cut -c1-64)"
}} >Packages
echo "deb [trusted=yes] file:{place} ./" >/etc/apt/sources.list.d/later-{package}.list
"""


@dataclass(frozen=True)
class Later:
    """One such package."""

    wanted: str
    """NAME=VERSION, as a stack asks for it."""
    offer: str
    """Shell script that makes it a package source of a host."""
    stdin: str
    """The script's standard input."""


def later(package: str, mark: str, tell: Callable[[str], None]) -> Later:
    """Build `package` of the default image with `mark`, such as ``later1``, at the end of its version."""
    [deb] = ensure_mirror(images.DEFAULT.id, tell).glob(f"{package}_*.deb")
    with tempfile.TemporaryDirectory() as directory:
        tree, built = Path(directory, "tree"), Path(directory, f"{package}.deb")
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        control = tree / "DEBIAN/control"
        text, count = re.subn(r"(?m)^Version: (.*)$", rf"Version: \1+{mark}", control.read_text())
        if count != 1:
            raise ValueError(f"{deb.name} has {count} versions")
        control.write_text(text)
        # Not compressed: that takes longer than everything else here.
        subprocess.run(["dpkg-deb", "-b", "-Znone", tree, built], check=True, stdout=subprocess.DEVNULL)
        content = base64.b64encode(built.read_bytes()).decode()
        version = subprocess.run(
            ["dpkg-deb", "-f", built, "Version"], capture_output=True, text=True, check=True
        ).stdout.strip()
    return Later(
        f"{package}={version}", _INDEX.format(place=f"/srv/later/{package}", package=package), content
    )
