"""Faults of the API itself: calls of chosen actions refused, delayed or left hanging, before or after they took effect.

They are the server's memory only: a server that starts anew has none.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sandbox.api import registry
from sandbox.api.dispatch import Answer
from sandbox.api.model import Body
from sandbox.cloud import errors, ids

POLL_S = 0.05
ALL = "*"


class Effect(StrEnum):
    """What happens to a call."""

    THROTTLED = "throttled"
    """HTTP 400 ``Throttling``."""
    UNAVAILABLE = "unavailable"
    """HTTP 503 ``ServiceUnavailable``."""
    SLOW = "slow"
    """The answer is right, and late."""
    HANGING = "hanging"
    """No answer as long as the fault is in force, then ``ServiceUnavailable``."""


class When(StrEnum):
    """Where the fault strikes: a call it strikes afterwards took effect, and its caller does not know."""

    BEFORE = "before"
    AFTER = "after"


class ApiFault(BaseModel):
    """One fault, as ``POST /_sandbox/faults`` takes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    effect: Effect
    actions: tuple[str, ...] = (ALL,)
    """Names of actions, whose case does not matter; ``*`` stands for all."""
    when: When = When.BEFORE
    delay_s: float = Field(default=5.0, ge=0, le=3600)
    """How late a slow answer is, in seconds."""

    @field_validator("actions")
    @classmethod
    def _known(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        names = {action.name.lower(): action.name for action in registry.all_actions()}
        for name in actions:
            if name != ALL and name.lower() not in names:
                raise ValueError(
                    f"{name!r} is no action of the sandbox; there are: {', '.join(sorted(names.values()))}"
                )
        return tuple(names.get(name.lower(), name) for name in actions)

    def strikes(self, action: str) -> bool:
        """Whether calls of an action are meant."""
        return any(name == ALL or name.lower() == action.lower() for name in self.actions)


class ApiFaults:
    """The faults in force. Calls may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, ApiFault] = {}

    def add(self, fault: ApiFault) -> None:
        """Put a fault in force; one with the same id is replaced."""
        with self._lock:
            self._faults[fault.id] = fault

    def remove(self, identifier: str) -> None:
        """End a fault. One that is not there is fine."""
        with self._lock:
            self._faults.pop(identifier, None)

    def all(self) -> list[ApiFault]:
        """Return what is in force."""
        with self._lock:
            return list(self._faults.values())

    async def around(self, parameters: Mapping[str, str], perform: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to a call under the faults in force when it comes."""
        action = parameters.get("Action", "")
        struck = [fault for fault in self.all() if fault.strikes(action)]
        for fault in struck:
            if fault.when is When.BEFORE and (refusal := await self._strike(fault)):
                return refusal
        answer = await perform()
        for fault in struck:
            if fault.when is When.AFTER and (refusal := await self._strike(fault)):
                return refusal
        return answer

    async def _strike(self, fault: ApiFault) -> Answer | None:
        match fault.effect:
            case Effect.THROTTLED:
                return refused(errors.common.Throttling())
            case Effect.UNAVAILABLE:
                return refused(errors.common.ServiceUnavailable())
            case Effect.SLOW:
                await self._wait(fault, fault.delay_s)
                return None
            case Effect.HANGING:
                await self._wait(fault, float("inf"))
                return refused(errors.common.ServiceUnavailable())

    async def _wait(self, fault: ApiFault, seconds: float) -> None:
        """Wait, as long as the fault is in force. No thread is held: other calls go on."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and fault in self.all():
            await asyncio.sleep(POLL_S)


def refused(error: errors.ApiError) -> Answer:
    """Return an error as the API words it."""
    body: Body = {
        "RequestId": ids.request_id(),
        "HostId": "sandbox",
        "Code": error.code,
        "Message": error.message,
    }
    return Answer(error.status, error.code, body, error.not_served)
