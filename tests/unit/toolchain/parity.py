"""Differences between a plugin's Pulumi schema and the installed Python SDK, in words."""

import importlib
import inspect
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import pulumi
from pulumi import _types as pulumi_types

Shape = Any
"""A type without its wrappings: a primitive's name, ("array", item), ("map", value) or {property: shape}."""

_PRIMITIVES = {str: "string", int: "integer", float: "number", bool: "boolean", Any: "any"}


def load_class(package: str, token: str, name: str) -> type[Any]:
    """Import the SDK's class ``name`` of the module that a token belongs to."""
    module = token.split(":")[1].split("/", maxsplit=1)[0]
    suffix = "" if module == "index" else f".{module}"
    found = getattr(importlib.import_module(package + suffix), name)
    assert isinstance(found, type)
    return found


def schema_shape(schema: Mapping[str, Any], spec: Mapping[str, Any]) -> Shape:
    """Resolve a schema's type specification."""
    if reference := spec.get("$ref"):
        if reference == "pulumi.json#/Any":
            return "any"
        found = schema["types"][reference.removeprefix("#/types/")]
        return {name: schema_shape(schema, value) for name, value in found["properties"].items()}
    if spec["type"] == "array":
        return ("array", schema_shape(schema, spec["items"]))
    if spec["type"] == "object":
        return ("map", schema_shape(schema, spec.get("additionalProperties", {"type": "string"})))
    return spec["type"]


def sdk_shape(annotation: object) -> Shape:
    """Unwrap Input, Output, Optional and the ``...ArgsDict`` alternative of an annotation of the SDK."""
    candidates = [member for member in _members(annotation) if not typing.is_typeddict(member)]
    if len(candidates) != 1:
        return f"unknown: {annotation}"
    (candidate,) = candidates
    origin, arguments = get_origin(candidate), get_args(candidate)
    if candidate in _PRIMITIVES:
        return _PRIMITIVES[candidate]
    if origin is not None and issubclass(origin, Mapping):
        return ("map", sdk_shape(arguments[1]))
    if origin is not None:
        return ("array", sdk_shape(arguments[0]))
    if pulumi_types.is_input_type(candidate):
        hints = _hints(candidate)
        names = pulumi_types.input_type_py_to_pulumi_names(candidate)
        return {names[python]: sdk_shape(hints[python]) for python in names}
    return {name: sdk_shape(kind) for name, kind in pulumi_types.output_type_types(candidate).items()}


def _members(annotation: object) -> Iterator[Any]:
    """Flatten unions; an Input is a union of the value, an awaitable of it and an Output of it."""
    origin = get_origin(annotation)
    if (
        annotation is type(None)
        or origin is pulumi.Output
        or str(origin) == "<class 'collections.abc.Awaitable'>"
    ):
        return
    if origin is typing.Union or str(origin) == "<class 'types.UnionType'>":
        seen: list[Any] = []
        for argument in get_args(annotation):
            for member in _members(argument):
                if member not in seen:
                    seen.append(member)
                    yield member
    else:
        yield annotation


def inputs_of(arguments: type[Any]) -> tuple[dict[str, Shape], set[str]]:
    """Return the shapes and the required names of an SDK's arguments class."""
    hints = _hints(arguments)
    names = pulumi_types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters
    required = {names[p] for p in names if parameters[p].default is inspect.Parameter.empty}
    return {names[p]: sdk_shape(hints[p]) for p in names}, required


def _hints(arguments: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(
        arguments.__init__, {**vars(pulumi.output), **vars(inspect.getmodule(arguments))}
    )


def compare(where: str, ours: Mapping[str, Shape], theirs: Mapping[str, Shape]) -> Iterator[str]:
    """Say in what two sets of properties differ."""
    for name in sorted(ours.keys() | theirs.keys()):
        left, right = ours.get(name, "absent"), theirs.get(name, "absent")
        if left != right:
            yield f"{where}.{name}: {json.dumps(left)} here, {json.dumps(right)} in the SDK"


def shapes(schema: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Shape]:
    """Resolve every property of a schema object."""
    return {name: schema_shape(schema, spec) for name, spec in properties.items()}
