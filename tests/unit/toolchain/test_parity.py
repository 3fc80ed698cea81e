"""The built alicloud plugin against the SDK that programs use: tokens, properties, types, secrets."""

import importlib.metadata
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pulumi import _types as pulumi_types

from sandbox import toolchain
from sandbox.toolchain.home import plugin_file
from sandbox.toolchain.parts import ALICLOUD
from tests.unit.toolchain import parity

pytestmark = pytest.mark.hosts  # needs the plugin built; `make prepare` does it

SDK = "pulumi_alicloud"
NEWER_THAN_THE_PLUGIN = {
    "Instance.enableNetworkEncryption",
    "Instance.instanceMetadataTags",
    "Instance.cpuOptions",  # its property `accelerators`
    "SecurityGroupRule.sourceGroupOwnerId",
    "NatGateway.availabilityMode",
    "Provider.features",
    "GetInstanceTypes.instanceTypes",  # its gpus, localStorages and burstableInstances: maps became lists
}
"""The SDK is generated from a newer provider than can be had as a Go module."""


@pytest.fixture(scope="module")
def schema() -> Mapping[str, Any]:
    built = toolchain.find_built()
    if built is None:
        pytest.skip("an official Pulumi is in use: its plugin is not ours to compare")
    printed = subprocess.run(
        [built.pulumi, "package", "get-schema", plugin_file(built.home, ALICLOUD)],
        env=os.environ | built.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: Mapping[str, Any] = json.loads(printed.stdout)
    return found


def _unexpected(differences: Iterator[str]) -> list[str]:
    return [line for line in differences if line.partition(":")[0] not in NEWER_THAN_THE_PLUGIN]


def test_version_is_the_sdks(schema: Mapping[str, Any]) -> None:
    assert schema["version"] == importlib.metadata.version("pulumi-alicloud")


def test_resources(schema: Mapping[str, Any]) -> None:
    differences: list[str] = []
    for token, resource in schema["resources"].items():
        name = token.split(":")[2]
        inputs, required = parity.inputs_of(parity.load_class(SDK, token, f"{name}Args"))
        types = pulumi_types.resource_types(parity.load_class(SDK, token, name))
        outputs = {key: parity.sdk_shape(kind) for key, kind in types.items()}
        differences += _unexpected(
            parity.compare(name, parity.shapes(schema, resource["inputProperties"]), inputs)
        )
        differences += _unexpected(
            parity.compare(name, parity.shapes(schema, resource["properties"]), outputs)
        )
        if required != set(resource.get("requiredInputs", [])):
            differences.append(f"{name}: required inputs {required}")
    assert differences == []


def test_tokens_are_the_sdks(schema: Mapping[str, Any]) -> None:
    for token in schema["resources"]:
        found = parity.load_class(SDK, token, token.split(":")[2])
        assert getattr(found, "pulumi_type", token) == token


def test_provider_configuration(schema: Mapping[str, Any]) -> None:
    inputs, _ = parity.inputs_of(parity.load_class(SDK, "alicloud:index:Provider", "ProviderArgs"))
    ours = parity.shapes(schema, schema["provider"]["inputProperties"])
    assert _unexpected(parity.compare("Provider", ours, inputs)) == []
    defaults = {
        name: spec["defaultInfo"]["environment"]
        for name, spec in schema["provider"]["inputProperties"].items()
        if "defaultInfo" in spec
    }
    assert defaults == {
        "ecsRoleName": ["ALICLOUD_ECS_ROLE_NAME"],
        "profile": ["ALICLOUD_PROFILE"],
        "region": ["ALICLOUD_REGION"],
    }


def test_functions(schema: Mapping[str, Any]) -> None:
    differences: list[str] = []
    for token, function in schema["functions"].items():
        if not token.startswith("alicloud:"):
            continue  # the bridge's own
        name = token.split(":")[2]
        title = name[0].upper() + name[1:]
        awaitable = parity.load_class(SDK, token, f"Awaitable{title}Result")
        types = pulumi_types.output_type_types(awaitable.__mro__[1])
        results = {key: parity.sdk_shape(kind) for key, kind in types.items()}
        ours = parity.shapes(schema, function["outputs"]["properties"])
        differences += _unexpected(parity.compare(title, ours, results))
    assert differences == []


def test_only_the_password_is_secret(schema: Mapping[str, Any]) -> None:
    secret = {
        f"{token.split(':')[2]}.{name}"
        for token, resource in schema["resources"].items()
        for name, spec in resource["inputProperties"].items()
        if spec.get("secret")
    }
    assert secret == {"Instance.password"}
