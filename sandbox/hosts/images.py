"""Images: an Alibaba image id becomes a root directory made by mmdebstrap, kept in the cache."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.hosts import apt, guest
from sandbox.progress import Report, step
from sandbox.settings import cache_dir
from sandbox.shell import run

KEY_LENGTH = 12


@dataclass(frozen=True)
class Image:
    """One entry of the catalogue."""

    id: str
    release: str
    """Debian's code name."""
    description: str


DEFAULT = Image("debian_12_9_x64_20G_alibase_20250117.vhd", "bookworm", "Debian 12.9 64 bit")
"""What the dev stack's masters run; its HAProxy also serves the EIPs."""

CATALOGUE = {
    image.id: image
    for image in (
        DEFAULT,
        # As Alibaba names its images of that release. The newest keepalived there is 2.1, the newest HAProxy 2.2.
        Image("debian_11_11_x64_20G_alibase_20240926.vhd", "bullseye", "Debian 11.11 64 bit"),
    )
}
"""Made when an instance first wants it, but for the default's."""


def find(image_id: str) -> Image:
    """Return the catalogue's entry. Raises :class:`SandboxError` for an id it does not hold."""
    try:
        return CATALOGUE[image_id]
    except KeyError:
        raise SandboxError(
            f"image {image_id!r}: the sandbox has {', '.join(CATALOGUE)}; use one of these"
        ) from None


def location(image: Image) -> Path:
    """Return where the image is or will be: its name changes with what it is made of."""
    recipe = json.dumps(
        [image.release, guest.PACKAGES, guest.FILES, guest.MASKED, guest.LEFT_OUT], sort_keys=True
    )
    key = hashlib.sha256(recipe.encode()).hexdigest()[:KEY_LENGTH]
    return cache_dir() / "images" / f"{image.id}-{key}"


def ensure_image(image_id: str, report: Report) -> Path:
    """Return the root directory of an image, made first if need be (a minute; a second caller waits for it).

    Raises :class:`SandboxError` for an unknown id or when apt cannot get the packages.
    """
    image = find(image_id)
    place = location(image)
    with exclusive(place):
        if not place.exists():
            with step(report, f"image {image.description}", usually="70 s"), building(place) as work:
                _bootstrap(image, work)
                guest.finish(work)
    return place


@contextmanager
def exclusive(place: Path) -> Iterator[None]:
    """Hold the right to make ``place``; the kernel gives it back when the process dies."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with _lock(place).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def in_work(place: Path) -> bool:
    """Whether somebody has the right to make ``place`` now."""
    file = _lock(place)
    if not file.exists():
        return False
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock(place: Path) -> Path:
    return place.parent / f".{place.name}.lock"


@contextmanager
def building(place: Path) -> Iterator[Path]:
    """Give a directory to build in that becomes ``place`` at the end, or nothing at all.

    What a killed builder left is removed first (the caller holds the lock).
    """
    work = place.parent / f".{place.name}.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
        work.rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _bootstrap(image: Image, root: Path) -> None:
    # mmdebstrap mounts proc, sys and dev inside the new root and starts daemons' scripts there. In
    # namespaces of its own that end with this process, a killed build leaves neither mounts nor processes.
    contained = ["setpriv", "--pdeathsig", "KILL"]
    contained += [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]
    options = [f"--include={','.join(guest.PACKAGES)}", "--aptopt=Acquire::Languages none"]
    options += [f"--aptopt={option}" for option in apt.network_options()]
    # The cache can be made again: no need to wait for the disk after every file.
    options += ["--dpkgopt=force-unsafe-io", *(f"--dpkgopt=path-exclude={path}" for path in guest.LEFT_OUT)]
    lines = [source.line() for source in apt.sources(image.release)]
    # What a killed mmdebstrap leaves in its directory for temporary files is removed by the next build.
    scratch = root.with_name(f"{root.name}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    run(
        [
            "env",
            f"TMPDIR={scratch}",
            *contained,
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            *options,
            image.release,
            root,
            *lines,
        ],
        seconds=1800,
    )
    shutil.rmtree(scratch, ignore_errors=True)
