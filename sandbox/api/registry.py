"""Every action the sandbox serves: its name, version, parameters and handler."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from sandbox.api.model import Body, Call
from sandbox.cloud import errors
from sandbox.cloud.session import Session

C = TypeVar("C", bound=Call)
Handler = Callable[[Session, C], Body]

ECS, VPC, BSS, LOCATION, STS = "2014-05-26", "2016-04-28", "2017-12-14", "2015-06-12", "2015-04-01"
PRODUCTS = {ECS: "Ecs", VPC: "Vpc", BSS: "BssOpenApi", LOCATION: "Location", STS: "Sts"}
"""API version to product: all products share one address, and no two share a version."""


@dataclass(frozen=True)
class Action(Generic[C]):
    """One action; ``changes`` says whether it needs a draft of the state."""

    name: str
    version: str
    call: type[C]
    handler: Handler[C]
    changes: bool


_ACTIONS: dict[tuple[str, str], Action[Any]] = {}


def action(
    version: str, call: type[C], *, changes: bool = False, name: str = ""
) -> Callable[[Handler[C]], Handler[C]]:
    """Register a handler for the action its ``call`` class is named after, unless ``name`` says otherwise."""
    name = name or call.__name__

    def register(handler: Handler[C]) -> Handler[C]:
        key = (version, name.lower())
        if key in _ACTIONS:
            raise ValueError(f"{name} of {version} is registered twice")
        _ACTIONS[key] = Action(name, version, call, handler, changes)
        return handler

    return register


def _load() -> None:
    """Fill the registry: handlers register when they are imported, and they import this module."""
    import_module("sandbox.api.handlers")


def find(version: str, name: str) -> Action[Any]:
    """Return an action by its name, whose case does not matter, or raise the API's error."""
    _load()
    for parameter, value in (("Version", version), ("Action", name)):
        if not value:
            raise errors.common.MissingParameter(parameter)
    if version not in PRODUCTS:
        served = ", ".join(f"{known} ({product})" for known, product in PRODUCTS.items())
        raise errors.common.InvalidVersion(version, served)
    found = _ACTIONS.get((version, name.lower()))
    if found is None:
        raise errors.common.ActionNotServed(name, f"{PRODUCTS[version]} {version}")
    return found


def all_actions() -> Iterator[Action[Any]]:
    """Return every action, by product and name."""
    _load()
    for key in sorted(_ACTIONS, key=lambda key: (PRODUCTS[key[0]], key[1])):
        yield _ACTIONS[key]
