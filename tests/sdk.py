"""Alibaba Cloud's own Python SDKs, pointed at a sandbox."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428.client import Client as VpcClient

REGION = "cn-hangzhou"


@dataclass(frozen=True)
class Clients:
    """A client for each product."""

    ecs: Any
    vpc: Any


class Refusal(NamedTuple):
    """How the API refused a call."""

    status: int
    code: str


def clients(endpoint: str, key_id: str, secret: str, ca: Path) -> Clients:
    """Clients for a sandbox's ``HOST:PORT``, access key and CA."""
    config = Config(
        endpoint=endpoint, access_key_id=key_id, access_key_secret=secret, ca=str(ca), region_id=REGION
    )
    return Clients(EcsClient(config), VpcClient(config))


def refusal(call: Callable[[Any], Any], request: Any) -> Refusal:
    """Make a call that must fail; how it was refused."""
    try:
        answer = call(request)
    except AlibabaCloudException as error:
        return Refusal(error.status_code, error.code)
    raise AssertionError(f"it was not refused: {answer.body.to_map()}")
