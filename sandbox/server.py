"""``python -m sandbox.server NAME``: the API of one sandbox, in the foreground, until SIGTERM."""

import fcntl
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from sandbox.api import credentials, tls
from sandbox.api.app import LONGEST_HEAD, create_app
from sandbox.api.calllog import CallLog
from sandbox.api.control import Access
from sandbox.cloud.catalogue import Image
from sandbox.cloud.cloud import Cloud
from sandbox.cloud.dataplane import DataPlane
from sandbox.cloud.session import Offer
from sandbox.cloud.store import Store
from sandbox.dataplane import LocalDataPlane
from sandbox.errors import SandboxError
from sandbox.hostless import HostlessDataPlane
from sandbox.hosts import images
from sandbox.settings import Settings

log = logging.getLogger(__name__)

GRACE_S = 5
"""How long calls under way have to end when the server stops."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Hosts go on running; the next start finds them.

    Raises:
        SandboxError: the state on disk is not the sandbox's own, or the network cannot be made.

    """
    directory = settings.directory
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    with _alone(directory):
        _serve(settings)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep a second server off the same state; the kernel lets go when the process dies."""
    with (directory / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(
                f"{directory}: another server of this sandbox is running; stop it first"
            ) from None
        yield


def _serve(settings: Settings) -> None:
    directory = settings.directory
    certificates = tls.certificates(directory)
    access = Access(
        token=credentials.control_token(directory),
        key=credentials.access_key(directory),
        ca=certificates.ca,
        ca_bundle=certificates.bundle,
    )
    offer = Offer(
        images=offered_images(),
        eip_range=settings.eip_range,
        endpoint=settings.endpoint,
        with_hosts=settings.with_hosts,
    )
    plane: DataPlane = (
        LocalDataPlane(settings, log.info) if settings.with_hosts else HostlessDataPlane(settings)
    )
    cloud = Cloud(Store(directory / "state.json"), plane, offer)
    # Before the first call is served, and where a failure is still one message.
    cloud.start()
    (directory / "server.pid").write_text(f"{os.getpid()}\n")
    uvicorn.run(
        create_app(cloud, access, CallLog(directory / "api.log")),
        host="127.0.0.1",
        port=settings.port,
        ssl_certfile=certificates.server,
        ssl_keyfile=certificates.server_key,
        http="h11",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_S,
    )


def offered_images() -> dict[str, Image]:
    """Return the hosts' images in the cloud's words; an image's id ends in the day it was made."""
    return {
        image.id: Image(
            id=image.id, os_name=image.description, platform="Debian", created=_creation_time(image.id)
        )
        for image in images.CATALOGUE.values()
    }


def _creation_time(image_id: str) -> str:
    found = re.search(r"_(\d{4})(\d{2})(\d{2})\.vhd$", image_id)
    return "-".join(found.groups()) + "T00:00:00Z" if found else "2025-01-01T00:00:00Z"


def main(arguments: list[str]) -> None:
    """Serve the sandbox of a name with the settings it was started with."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if len(arguments) != 1:
        raise SandboxError("name one sandbox: python -m sandbox.server NAME")
    [name] = arguments
    serve(Settings.load(name) or Settings(name))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SandboxError as error:
        sys.exit(f"error: {error}")
