"""Every parameter Alibaba's SDKs can send: acted on, or refused by name as not served; never an unknown one."""

import inspect
from types import ModuleType
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from sandbox.api import registry
from sandbox.api.handlers.security_group_rules import Permission, Rules
from sandbox.api.registry import ECS, VPC, Action

pytestmark = pytest.mark.unit

MODELS: dict[str, ModuleType] = {ECS: ecs, VPC: vpc}
SERVED = [action for action in registry.all_actions() if action.version in MODELS]
MODELLED = 60
"""Fewer would mean that the SDKs call their models by other names than this test thinks."""


class Anything:
    """A value of any type a request may hold."""

    def to_map(self) -> dict[str, str]:
        """As a nested model."""
        return {}

    def __iter__(self) -> Any:
        """As a list."""
        return iter(())


def wire_names(request: type[Any]) -> set[str]:
    """The names a request of the SDK has on the wire, found by setting one attribute after another."""
    found: set[str] = set()
    for attribute in list(inspect.signature(request).parameters):
        one = request()
        setattr(one, attribute, Anything())
        found |= set(one.to_map())
    return found


def request_of(action: Action[Any]) -> type[Any] | None:
    """The SDK's request of an action; the SDKs leave out what the products no longer document."""
    found: type[Any] | None = getattr(MODELS[action.version], f"{action.name}Request", None)
    return found


@pytest.mark.parametrize("action", SERVED, ids=lambda action: f"{action.version} {action.name}")
def test_every_parameter_of_the_sdk_is_known(action: Action[Any]) -> None:
    request = request_of(action)
    if request is None:
        pytest.skip("the SDK does not have it")
    known = action.call.wire_names()
    if issubclass(action.call, Rules):
        known |= Permission.wire_names()  # may be spelt out beside the group
    assert wire_names(request) <= known


def test_the_sdks_have_nearly_all_that_is_served() -> None:
    assert sum(request_of(action) is not None for action in SERVED) >= MODELLED
