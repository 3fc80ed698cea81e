"""The package's servicer: the engine asks it for one component after the other, and the rules across them hold."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from pulumi.provider import server
from pulumi.runtime import settings
from pulumi.runtime.proto import provider_pb2, resource_pb2_grpc

from provider import package
from tests.unit.components.engine import Monitor, Recorder
from tests.unit.components.test_composition import arguments
from tests.unit.test_package import elsewhere

pytestmark = pytest.mark.unit
PREVIEW, UPDATE = "127.0.0.1:4001", "127.0.0.1:4002"
"""Where the engine's monitor of each run listens."""
FIRST = elsewhere(arguments(verify="off"))
_HOSTS = {key: arguments()[key] for key in ("balancers", "backends")}
SHARED = elsewhere({**arguments(1, verify="off"), **_HOSTS, "vswitch_id": "vsw-0"})
"""Another endpoint on the hosts of the first."""


class _Refused(Exception):
    """What the engine gets to read."""


class _Call:
    async def abort_with_status(self, status: Any) -> None:
        raise _Refused(status.details)


@pytest.fixture(autouse=True)
def _monitors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every stub of a monitor be a new one that records, as the SDK has every stub be new."""
    monkeypatch.setattr(
        resource_pb2_grpc,
        "ResourceMonitorStub",
        lambda _: Monitor(Recorder(bool(settings.is_dry_run()), [""])),
    )
    monkeypatch.setattr("grpc.insecure_channel", lambda *_, **__: None)


def request(name: str, inputs: dict[str, Any], monitor: str, stack: str) -> provider_pb2.ConstructRequest:
    """Return the engine's request for the endpoint `name`."""
    asked = provider_pb2.ConstructRequest(
        project="p",
        stack=stack,
        monitorEndpoint=monitor,
        dryRun=monitor == PREVIEW,
        type=f"{package.NAME}:index:ApiServerVip",
        name=name,
    )
    asked.inputs.update(inputs)
    return asked


def refusal(asked: Sequence[provider_pb2.ConstructRequest]) -> str:
    """Return what one process says of these components, one after the other; empty if it makes them all."""
    servicer = package.Servicer(package.Package(), [], engine_address="")

    async def every() -> None:
        for one in asked:
            await asyncio.create_task(servicer.Construct(one, _Call()))

    try:
        asyncio.run(every())
    except _Refused as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("monitor", [PREVIEW, UPDATE])
def test_endpoints_that_share_a_host_are_refused_in_every_language(monitor: str) -> None:
    both = [request("blue", FIRST, monitor, "dev"), request("green", SHARED, monitor, "dev")]
    said = refusal(both)
    assert "balancers[0] = 'm1': serves the endpoint 'blue' of this program already" in said


def test_runs_in_one_process_do_not_refuse_each_other() -> None:
    runs = [(PREVIEW, "dev2"), (UPDATE, "dev2"), ("127.0.0.1:4003", "dev2"), (UPDATE, "prod2")]
    asked = [request("blue", FIRST, *run) for run in runs]
    asked.append(request("green", SHARED, "127.0.0.1:4004", "dev2"))
    assert refusal(asked) == ""


def test_the_engine_is_served_by_that_servicer(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[type] = []
    monkeypatch.setattr(server, "ProviderServicer", server.ProviderServicer)  # put back afterwards
    monkeypatch.setattr(package, "main", lambda *_: served.append(server.ProviderServicer))
    package.serve(["127.0.0.1:4000"])
    assert served == [package.Servicer]
