"""A sandbox's API served over HTTPS, on a fake data plane."""

import ssl
import threading
import time
from pathlib import Path

import httpx
import uvicorn

from sandbox.api import credentials, tls
from sandbox.api.app import LONGEST_HEAD, create_app
from sandbox.api.calllog import CallLog
from sandbox.api.control import Access
from sandbox.cloud.cloud import Cloud
from sandbox.cloud.session import Offer
from sandbox.cloud.store import Store
from tests.sdk import Clients, clients
from tests.unit.sandbox.conftest import OFFER
from tests.unit.sandbox.fake_plane import FakePlane


class Server:
    """A running server and what a client of it needs; its certificates and keys are kept in ``directory``."""

    def __init__(self, directory: Path, state: Path | None = None, offer: Offer = OFFER) -> None:
        files = tls.certificates(directory)
        self.directory = directory
        self.ca = files.ca
        self.key = credentials.access_key(directory)
        self.token = credentials.control_token(directory)
        self.plane = FakePlane()
        self.cloud = Cloud(Store(state or directory / "state.json"), self.plane, offer)
        self.cloud.start()
        access = Access(self.token, self.key, files.ca, files.bundle)
        config = uvicorn.Config(
            create_app(self.cloud, access, CallLog(directory / "api.log")),
            port=0,
            ssl_certfile=files.server,
            ssl_keyfile=files.server_key,
            log_level="critical",
            http="h11",
            h11_max_incomplete_event_size=LONGEST_HEAD,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 10
        while not self.server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.endpoint = f"127.0.0.1:{port}"
        self.client = httpx.Client(
            base_url=f"https://{self.endpoint}", verify=ssl.create_default_context(cafile=str(files.bundle))
        )

    def sdk(self, *, key_id: str = "", secret: str = "") -> Clients:
        """Alibaba's own clients of it, with its access key unless another is given."""
        return clients(self.endpoint, key_id or self.key.id, secret or self.key.secret, self.ca)

    def stop(self) -> None:
        """End it and wait."""
        self.client.close()
        self.plane.boots.set()
        self.cloud.stop()
        # The SDKs keep their connections open and answer no goodbye on them.
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(10)
