"""The Pulumi package: its schema, and the way of arguments from another language into a component."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, main, server
from pulumi.provider.experimental.analyzer import (
    ComponentDefinition,
    PropertyDefinition,
    PropertyType,
    TypeDefinition,
)
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError
from pulumi.runtime.proto import provider_pb2

from components import ApiServerVip, Masters, Network
from components.rules import claims
from components.rules.shapes import HIDDEN

NAME, VERSION = "kube-apiserver-havip", "0.1.0"
COMPONENTS: list[type[pulumi.ComponentResource]] = [ApiServerVip, Network, Masters]


class Package(ComponentProvider):
    """The SDK's component provider, with arguments mapped so that an ``Output`` may stand anywhere.

    What is wrong is left to the components' own rules, which name everything at once.
    """

    def __init__(self) -> None:
        """Find out what the components take and give."""
        super().__init__(COMPONENTS, NAME, version=VERSION)
        self.schema = json.dumps(_polished(json.loads(self.schema or "")))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make a component; broken rules come as they are, without a traceback."""
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, pulumi.RunError):
                raise InputPropertiesError(str(error.inner), []) from None
            raise

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> pulumi.Inputs:
        """Return the arguments with Python's names."""
        return self._renamed(inputs, component_def.inputs, component_def.inputs_mapping)

    def get_state(
        self, instance: pulumi.ComponentResource, component_def: ComponentDefinition
    ) -> dict[str, Any]:
        """Return the outputs; in lists of objects the SDK would leave Python's names."""
        state = super().get_state(instance, component_def)
        for key, form in component_def.outputs.items():
            kind = self.get_type_definition(form.items) if form.items and form.items.ref else None
            if kind:
                state[key] = pulumi.Output.from_input(state[key]).apply(partial(self._listed, kind))
        return state

    def _listed(self, kind: TypeDefinition, entries: Sequence[dict[str, Any]]) -> list[object]:
        return [self.map_complex_output(entry, kind) for entry in entries]

    def _renamed(
        self, given: Mapping[str, object], properties: dict[str, PropertyDefinition], names: dict[str, str]
    ) -> dict[str, object]:
        # A key that is not known keeps its name, and the rules refuse it.
        return {
            names.get(key, key): self._value(value, properties[key]) if key in properties else value
            for key, value in given.items()
            if value is not None
        }

    def _value(self, value: object, form: PropertyDefinition) -> object:
        if isinstance(value, dict) and form.ref and (kind := self.get_type_definition(form)):
            return self._renamed(value, kind.properties, kind.properties_mapping)
        if isinstance(value, list) and form.items:
            return [self._value(entry, form.items) for entry in value]
        if isinstance(value, float) and form.type is PropertyType.INTEGER and value.is_integer():
            return int(value)  # every number comes as a float
        return value


class Servicer(server.ProviderServicer):
    """The SDK's servicer, with components that know of those made before them in the same run.

    Every run, a preview or an update, has a monitor of its own; the SDK makes a new stub of it for each component.
    """

    async def Construct(  # noqa: N802 - gRPC's
        self,
        request: provider_pb2.ConstructRequest,
        context: Any,  # noqa: ANN401 - gRPC's has no types
    ) -> provider_pb2.ConstructResponse:
        """Make a component, as one of the run that asks for it."""
        claims.name_run((request.monitorEndpoint, request.project, request.stack, request.dryRun))
        return await super().Construct(request, context)


def serve(arguments: Sequence[str]) -> None:
    """Serve the package to the engine that started this process."""
    server.ProviderServicer = Servicer  # type: ignore[misc] # main takes no other way
    main(Package(), list(arguments))


def schema() -> str:
    """Return ``schema.json``."""
    return json.dumps(json.loads(Package().schema or ""), indent=2, ensure_ascii=False) + "\n"


def _polished(node: object, key: str = "") -> object:
    """Return a part of the schema with descriptions in one line each, and secrets marked."""
    if isinstance(node, list):
        return [_polished(entry) for entry in node]
    if not isinstance(node, dict):
        return re.sub(r"\s+", " ", str(node)).strip() if key == "description" else node
    found = {name: _polished(value, name) for name, value in node.items()}
    properties = found.get("properties")
    for name, value in properties.items() if isinstance(properties, dict) else ():
        if re.sub("([A-Z])", r"_\1", name).lower() in HIDDEN:
            value["secret"] = True
    return found
