"""Calls refused, late or left hanging, before or after they took effect."""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from sandbox.api.app import create_app
from sandbox.api.calllog import CallLog
from sandbox.api.control import Access
from sandbox.api.dispatch import Answer
from sandbox.api.faults import ApiFault, ApiFaults, Effect, When
from sandbox.cloud.cloud import Cloud
from tests.unit.sandbox.client import VERSIONS, signed
from tests.unit.sandbox.conftest import KEY

pytestmark = pytest.mark.unit

CALL = {"Action": "CreateVpc"}


class Calls:
    """An API that counts."""

    def __init__(self) -> None:
        self.done = 0

    async def perform(self) -> Answer:
        self.done += 1
        return Answer(200, "", {})


def ask(faults: ApiFaults, calls: Calls, action: str = "CreateVpc") -> Answer:
    async def once() -> Answer:
        return await faults.around({"Action": action}, calls.perform)

    return asyncio.run(once())


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [("throttled", 400, "Throttling"), ("unavailable", 503, "ServiceUnavailable")],
)
@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
def test_a_refused_call_took_effect_or_not(effect: str, status: int, code: str, when: str, done: int) -> None:
    faults, calls = ApiFaults(), Calls()
    faults.add(ApiFault(id="a", effect=Effect(effect), when=When(when), actions=("createvpc",)))
    answer = ask(faults, calls)
    assert (answer.status, answer.code, calls.done) == (status, code, done)
    assert ask(faults, calls, "DescribeVpcs").status == 200
    faults.remove("a")
    assert ask(faults, calls).status == 200


def test_a_slow_answer_is_right_and_late() -> None:
    faults, calls = ApiFaults(), Calls()
    faults.add(ApiFault(id="a", effect=Effect.SLOW, delay_s=0.2))
    began = time.monotonic()
    assert ask(faults, calls).status == 200
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
def test_a_hanging_call_ends_with_the_fault(when: str, done: int) -> None:
    faults, calls = ApiFaults(), Calls()
    faults.add(ApiFault(id="a", effect=Effect.HANGING, when=When(when)))

    async def hang() -> Answer:
        call: Awaitable[Answer] = asyncio.ensure_future(faults.around(CALL, calls.perform))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(call), 0.3)
        assert calls.done == done
        faults.remove("a")
        return await asyncio.wait_for(call, 2)

    assert asyncio.run(hang()).status == 503
    assert calls.done == done


def test_an_action_that_is_not_served_is_refused() -> None:
    with pytest.raises(ValidationError, match="'CreateVcp' is no action of the sandbox; there are: Allocate"):
        ApiFault(id="a", effect=Effect.SLOW, actions=("CreateVcp",))


def test_the_control_routes_put_faults_in_force(cloud: Cloud, tmp_path: Path) -> None:
    access = Access("token", KEY, tmp_path / "ca.pem", tmp_path / "ca-bundle.pem")
    app = create_app(cloud, access, CallLog(tmp_path / "api.log"))
    headers = {"Authorization": "Bearer token"}
    fault = {"id": "a", "effect": "throttled", "actions": ["CreateVpc"], "when": "after"}
    call = {"Action": "CreateVpc", "Version": VERSIONS["vpc"], "RegionId": "cn-hangzhou"}

    async def run() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://sandbox"
        ) as client:
            assert (await client.post("/_sandbox/faults", json=fault)).status_code == 401
            wrong = await client.post("/_sandbox/faults", json={**fault, "actions": ["X"]}, headers=headers)
            assert wrong.status_code == 400
            assert (await client.post("/_sandbox/faults", json=fault, headers=headers)).status_code == 200
            refused = await client.post("/", data=signed("POST", call, KEY))
            assert (refused.status_code, refused.json()["Code"]) == (400, "Throttling")
            [shown] = (await client.get("/_sandbox/faults", headers=headers)).json()["faults"]
            assert shown["actions"] == ["CreateVpc"]
            assert (await client.post("/_sandbox/faults/heal", json={"id": "a"}, headers=headers)).is_success
            assert (await client.post("/", data=signed("POST", call, KEY))).is_success

    asyncio.run(run())
    assert len(cloud.read("cn-hangzhou").state.vpcs) == 2
    assert '"code": "Throttling"' in (tmp_path / "api.log").read_text()
