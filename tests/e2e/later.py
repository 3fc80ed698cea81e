"""A later version of a package, for hosts to find."""

import base64
import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sandbox.hosts import images
from sandbox.hosts.mirror import ensure_mirror
from tests.e2e.lab import Lab

INDEX = """\
cd {place}
{{
    dpkg-deb -f {package}.deb
    echo "Filename: ./{package}.deb"
    echo "Size: $(stat -c %s {package}.deb)"
    echo "SHA256: $(sha256sum <{package}.deb | cut -c1-64)"
}} >Packages
echo "deb [trusted=yes] file:{place} ./" >/etc/apt/sources.list.d/later-{package}.list
"""


def later_version(lab: Lab, hosts: Iterable[str], package: str) -> str:
    """Offer `hosts` a later version of what they have; return it as NAME=VERSION. Its program is the same."""
    [deb] = ensure_mirror(images.DEFAULT.id, print).glob(f"{package}_*.deb")
    with tempfile.TemporaryDirectory() as directory:
        tree, built = Path(directory, "tree"), Path(directory, f"{package}.deb")
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        control = tree / "DEBIAN/control"
        text, count = re.subn(r"(?m)^(Version: .*)$", r"\1+later1", control.read_text())
        assert count == 1, control.read_text()
        control.write_text(text)
        # Not compressed: that takes longer than everything else here.
        subprocess.run(["dpkg-deb", "-b", "-Znone", tree, built], check=True, stdout=subprocess.DEVNULL)
        content = base64.b64encode(built.read_bytes()).decode()
        version = subprocess.run(
            ["dpkg-deb", "-f", built, "Version"], capture_output=True, text=True, check=True
        ).stdout.strip()
    place = f"/srv/later/{package}"
    for host in hosts:
        lab.ssh(host, f"mkdir -p {place} && base64 -d >{place}/{package}.deb", stdin=content)
        lab.ssh(host, INDEX.format(place=place, package=package))
    return f"{package}={version}"
