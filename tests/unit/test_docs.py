"""Generated documents are as the code is, and what docstrings say of defaults is true."""

import dataclasses
import re
from itertools import chain

import pytest
import yaml

from components.planning import settings
from docs import arguments, generate
from sandbox.api import registry

pytestmark = pytest.mark.unit

SETTINGS = {
    "ApiServerVipArgs": settings.Settings,
    "HealthCheckArgs": settings.HealthCheck,
    "HaproxyArgs": settings.Haproxy,
    "KeepalivedArgs": settings.Keepalived,
    "PackagesArgs": settings.Packages,
}
CONSTANTS: dict[str, dict[str, object]] = {
    "NetworkArgs": {
        "vpc_cidr": settings.VPC_CIDR,
        "vswitch_cidr": settings.VSWITCH_CIDR,
        "api_port": settings.PORT,
    },
    "MastersArgs": {"instance_type": settings.INSTANCE_TYPE},
}
CONFIGURED: dict[str, object] = {
    "vpcCidr": settings.VPC_CIDR,
    "instanceType": settings.INSTANCE_TYPE,
    "port": settings.PORT,
    "backendPort": settings.Settings.backend_port,
    "monitorPort": settings.Settings.monitor_port,
    "verify": settings.Settings.verify,
    "verifyTimeoutS": settings.Settings.verify_timeout_s,
}


@pytest.mark.parametrize("name", generate.documents())
def test_no_document_is_stale(name: str) -> None:
    file = generate.ROOT / name
    assert file.exists(), f"{name} is missing; run: make docs"
    assert file.read_text() == generate.documents()[name], f"{name} is stale; run: make docs"


def said(name: str) -> dict[str, str]:
    """Return the defaults that the docstrings of one class of arguments name."""
    files = ("args.py", "args_services.py", "network.py", "masters.py")
    classes = dict(chain.from_iterable(arguments.described(file).items() for file in files))
    return {attribute.key: attribute.default.strip("`") for attribute in classes[name].attributes}


def plain(value: object) -> str:
    """Return a default the way a docstring writes it."""
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def names(text: str, value: object) -> bool:
    """Say whether a docstring's words for a default are the one that holds, or begin with it."""
    return bool(re.match(rf"{re.escape(plain(value))}\b|\*$", text))


@pytest.mark.parametrize("name", SETTINGS)
def test_docstrings_name_the_defaults_that_hold(name: str) -> None:
    held = SETTINGS[name]()
    keys = [field.name for field in dataclasses.fields(held) if field.name in said(name)]
    values = {key: getattr(held, key) for key in keys}
    # What is derived unless it is given has its words for that.
    values = {key: value for key, value in values.items() if value not in (settings.NOT_GIVEN, None)}
    values = {key: value for key, value in values.items() if value and not dataclasses.is_dataclass(value)}
    assert values
    for key, value in values.items():
        assert names(said(name)[key], value), f"{name}.{key}: {value!r}"


@pytest.mark.parametrize("name", CONSTANTS)
def test_docstrings_name_the_constants_that_are_defaults(name: str) -> None:
    for key, value in CONSTANTS[name].items():
        assert names(said(name)[key], value), f"{name}.{key}: {value!r}"


def test_the_configuration_has_the_defaults_that_hold() -> None:
    declared = yaml.safe_load((generate.ROOT / "Pulumi.yaml").read_text())["config"]
    assert {key: declared[key]["default"] for key in CONFIGURED} == CONFIGURED
    assert settings.VSWITCH_CIDR in declared["vswitchCidr"]["description"]


def test_every_argument_is_described() -> None:
    files = ("args.py", "args_services.py", "network.py", "masters.py")
    for found in chain.from_iterable(arguments.described(file).values() for file in files):
        if found.name.endswith("Args"):
            assert found.attributes, found.name
            assert all(attribute.description for attribute in found.attributes), found.name


def test_every_class_of_arguments_is_in_the_options() -> None:
    text = generate.options()
    for link in re.findall(r"\]\(#(\w+)\)", text):
        assert re.search(rf"^##+ {link}$", text, re.MULTILINE | re.IGNORECASE), link


def test_the_coverage_names_every_action() -> None:
    text = generate.documents()["docs/api-coverage.md"]
    assert all(f"| {action.name} |" in text for action in registry.all_actions())


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("NotRequired[pulumi.Input[int]]", "integer"),
        ("NotRequired[list[pulumi.Input[str]]]", "list of string"),
        ("NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]", "map of string"),
        ("list[BalancerArgs]", "list of [BalancerArgs](#balancerargs)"),
        ("NotRequired[pulumi.Input[CheckKind]]", "`https`, `tcp`"),
    ],
)
def test_types_in_words(annotation: str, words: str) -> None:
    assert arguments.type_words(annotation) == words


def test_a_document_without_marks_is_an_error() -> None:
    for text in ("# nothing here\n", "<!-- /options -->\n", "<!-- options -->\n"):
        with pytest.raises(ValueError, match="options"):
            generate.with_table(text, "options", "")
