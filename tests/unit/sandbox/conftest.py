"""A cloud on a fake data plane, and clients of it."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from sandbox.api.credentials import AccessKey
from sandbox.cloud.catalogue import Image
from sandbox.cloud.cloud import Cloud
from sandbox.cloud.session import Offer
from sandbox.cloud.store import Store
from tests.unit.sandbox.client import IMAGE, Client
from tests.unit.sandbox.fake_plane import FakePlane

KEY = AccessKey("LTAItestkey", "testsecret")
OFFER = Offer(
    images={IMAGE: Image(IMAGE, "Debian 12.9 64 bit", "Debian", "2025-01-17T00:00:00Z")},
    eip_range=IPv4Network("127.66.0.0/29"),
    endpoint="127.0.0.1:7443",
)


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def cloud(state_file: Path, plane: FakePlane) -> Iterator[Cloud]:
    cloud = Cloud(Store(state_file), plane, OFFER)
    cloud.start()
    yield cloud
    plane.boots.set()
    cloud.stop()


@pytest.fixture
def client(cloud: Cloud, plane: FakePlane) -> Client:
    return Client(cloud, plane, KEY)
