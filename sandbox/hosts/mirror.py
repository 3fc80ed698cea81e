"""An offline apt repository: what hosts can install, with everything it depends on beyond the image."""

import hashlib
import json
import shutil
from pathlib import Path

from sandbox.hosts import apt, images
from sandbox.progress import Report, step
from sandbox.settings import cache_dir
from sandbox.shell import run

PACKAGES = ("haproxy", "keepalived", "socat", "rsyslog", "jq", "tcpdump", "conntrack", "sudo")
JUDGES = ("usr/sbin/haproxy", "usr/sbin/keepalived", "usr/bin/socat")
"""Programs that are also run on this machine, without being installed here."""


def location(image: images.Image, packages: tuple[str, ...] = PACKAGES) -> Path:
    """Return where a mirror is or will be."""
    return cache_dir() / "mirror" / f"{image.release}-{_key(images.location(image).name, *packages)}"


def tools_location(image: images.Image) -> Path:
    """Return where an image's tools are or will be."""
    return cache_dir() / "tools" / f"{location(image).name}-{_key(_WRAPPER, *JUDGES)}"


def ensure_mirror(image_id: str, report: Report, packages: tuple[str, ...] = PACKAGES) -> Path:
    """Return a directory with .deb files and their index for hosts of ``image_id``.

    Raises :class:`SandboxError` when apt cannot get a package.
    """
    image = images.find(image_id)
    root = images.ensure_image(image_id, report)
    place = location(image, packages)
    with images.exclusive(place):
        if not place.exists():
            with step(report, "package mirror", usually="15 s"), images.building(place) as work:
                _download(image.release, root, packages, work)
                _index(work)
    return place


def ensure_tools(image_id: str, report: Report) -> Path:
    """Return a directory with ``haproxy``, ``keepalived`` and ``socat`` to run here: unpacked, not installed."""
    image, mirror = images.ensure_image(image_id, report), ensure_mirror(image_id, report)
    place = tools_location(images.find(image_id))
    with images.exclusive(place):
        if not place.exists():
            with images.building(place) as work:
                for package in sorted(mirror.glob("*.deb")):
                    run(["dpkg-deb", "-x", package, work / "root"])
                for program in JUDGES:
                    _wrap(work, program, image)
    return place


# With the image's own loader and libraries: this machine may be another release, or lack some of them.
_WRAPPER = """\
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
for libraries in "$root"/usr/lib/*-linux-gnu* "$root"/lib/*-linux-gnu* \\
    IMAGE/usr/lib/*-linux-gnu* IMAGE/lib/*-linux-gnu*; do
    path=${path:+$path:}$libraries
done
for loader in IMAGE/usr/lib/*-linux-gnu*/ld-linux-*.so.* IMAGE/lib/*-linux-gnu*/ld-linux-*.so.*; do
    [ ! -x "$loader" ] || exec "$loader" --library-path "$path" "$root/PROGRAM" "$@"
done
echo "IMAGE holds no loader for $root/PROGRAM" >&2
exit 127
"""


def _wrap(directory: Path, program: str, image: Path) -> None:
    wrapper = directory / Path(program).name
    wrapper.write_text(_WRAPPER.replace("PROGRAM", program).replace("IMAGE", str(image)))
    wrapper.chmod(0o755)


def _download(release: str, root: Path, packages: tuple[str, ...], place: Path) -> None:
    """Let apt resolve against the image's list of installed packages; this machine's own is left alone."""
    work = place / ".apt"
    for directory in ("state/lists/partial", "cache/archives/partial"):
        (work / directory).mkdir(parents=True)
    (work / "sources.list").write_text("".join(f"{source.line()}\n" for source in apt.sources(release)))
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": work / "state",
        "Dir::State::status": root / "var/lib/dpkg/status",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    command = [
        "apt-get",
        "-q",
        *(word for name, value in settings.items() for word in ("-o", f"{name}={value}")),
    ]
    run([*command, "update"], seconds=300)
    run([*command, "install", "--yes", "--download-only", *packages], seconds=600)
    for package in sorted((work / "cache/archives").glob("*.deb")):
        package.rename(place / package.name)
    shutil.rmtree(work)


def _index(place: Path) -> None:
    for kind, file in (("packages", "Packages"), ("release", "Release")):
        text = run(["apt-ftparchive", kind, "."], cwd=place)
        (place / file).write_text(text)
    place.chmod(0o755)


def _key(*words: str) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[: images.KEY_LENGTH]
