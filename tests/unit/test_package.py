"""The package for other languages: its schema says everything, and arguments arrive as a Python program gives them."""

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any, cast

import pulumi
import pytest
import yaml
from pulumi.errors import InputPropertiesError
from pulumi.provider.experimental.util import camel_case

from components import ApiServerVip, ApiServerVipArgs
from docs.generate import ROOT
from provider import package
from tests.unit.components import examples
from tests.unit.components.engine import run
from tests.unit.components.test_unknowns import every_argument

pytestmark = pytest.mark.unit
SCHEMA: dict[str, Any] = json.loads(package.schema())


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every type and every property of the schema, by where it is."""
    for token, node in {**SCHEMA["resources"], **SCHEMA["types"]}.items():
        yield token, node
        for part in ("inputProperties", "properties"):
            for key, value in node.get(part, {}).items():
                yield f"{token}.{key}", value
        for member in node.get("enum", []):
            yield f"{token}.{member['name']}", member


def test_everything_has_words_in_one_line() -> None:
    for where, node in properties():
        assert node.get("description"), where
        assert "\n" not in node["description"], where


def test_secrets_are_marked_and_nothing_else() -> None:
    marked = {where.rpartition(".")[2] for where, node in properties() if node.get("secret")}
    assert marked == {"privateKey", "privateKeyPassword", "password", "authPass"}


PLUGIN = ROOT / "provider" / "__main__.py"
OLD_PYTHON = f"""
import runpy, sys
sys.version_info, sys.version = (3, 9, 2), "3.9.2 (default)"
runpy.run_path({str(PLUGIN)!r}, run_name="__main__")
"""


def test_a_python_that_is_too_old_is_told_in_one_line() -> None:
    ast.parse(PLUGIN.read_text(), feature_version=(3, 6))
    done = subprocess.run([sys.executable, "-c", OLD_PYTHON], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is Python 3.9.2, too old for this package; Python 3.11 or newer is needed" in done.stderr
    assert done.stderr.count("\n") == 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"


def test_the_package_says_which_components_there_are() -> None:
    names = {token.rpartition(":")[2] for token in SCHEMA["resources"]}
    assert names == {"ApiServerVip", "Network", "Masters"}
    for token, node in SCHEMA["resources"].items():
        assert node["isComponent"], token
        assert set(node["required"]) == set(node["properties"]), "an output exists always"


def test_its_requirements_are_those_of_the_project() -> None:
    text = (ROOT / "provider" / "requirements.txt").read_text()
    declared = (ROOT / "pyproject.toml").read_text().partition("dependencies = [")[2].partition("]")[0]
    assert text.split() == [line.strip().strip('",') for line in declared.split("\n") if line.strip()]
    plugin = yaml.safe_load((ROOT / "provider" / "PulumiPlugin.yaml").read_text())
    assert plugin["runtime"]["name"] == "python"


def elsewhere(value: Any) -> Any:
    """Return arguments as another language's program sends them: other names, every number a float."""
    if isinstance(value, dict):
        return {camel_case(key): elsewhere(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [elsewhere(entry) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def without_unknowns(value: Any) -> Any:
    """Return inputs with one word for what is not known, of which no two are equal."""
    if isinstance(value, dict):
        return {key: without_unknowns(entry) for key, entry in value.items()}
    return "unknown" if isinstance(value, pulumi.output.Unknown) else value


def construct(arguments: dict[str, Any]) -> dict[str, Any]:
    """Construct an endpoint through the package, inside a run."""
    kind = f"{package.NAME}:index:ApiServerVip"
    made = package.Package().construct("cp", kind, arguments, pulumi.ResourceOptions())
    return dict(made.state)


@pytest.mark.parametrize("preview", [True, False])
def test_arguments_of_another_language_make_the_same_resources(preview: bool) -> None:
    outputs: dict[str, Any] = {}
    got = run(lambda: outputs.update(construct(elsewhere(every_argument()))), preview=preview)
    assert got.error == ""
    assert set(outputs) == {
        "vip",
        "controlPlaneEndpoint",
        "endpoint",
        "haVipId",
        "eip",
        "budget",
        "masters",
    }

    plain = run(lambda: ApiServerVip("cp", cast(ApiServerVipArgs, every_argument())), preview=preview)
    for key, resource in plain.resources.items():
        assert without_unknowns(got.resources[key].inputs) == without_unknowns(resource.inputs), key


def test_hosts_have_the_schema_s_names() -> None:
    seen: list[Any] = []
    run(lambda: construct(elsewhere(every_argument()))["masters"].apply(seen.append), preview=False)
    [masters] = seen
    described = SCHEMA["types"][f"{package.NAME}:index:MasterOutput"]
    for master in masters:
        assert set(master) == set(described["properties"])
    assert [one["sshHost"] for one in masters] == ["192.0.2.0", "192.0.2.1", "192.0.2.1"]
    listed = SCHEMA["resources"][f"{package.NAME}:index:ApiServerVip"]["properties"]["masters"]
    assert listed["items"]["$ref"].endswith(":MasterOutput")


def test_outputs_of_another_language_may_stand_anywhere() -> None:
    def program() -> None:
        arguments = elsewhere(every_argument())
        later = pulumi.Output.from_input
        arguments["port"] = later(8443.0)
        arguments["verify"] = later("off")
        arguments["haproxy"]["maxconn"] = later(500.0)
        arguments["healthCheck"]["kind"] = later("tcp")
        arguments["ssh"]["privateKey"] = pulumi.Output.secret(examples.LOCKED_KEY)
        construct(arguments)

    got = run(program, preview=False)
    assert got.error == ""
    text = got.of("remote:Command")["cp-k8s-master01-haproxy"].inputs["stdin"]
    assert "*:8443" in text
    assert "maxconn 500" in text


def test_broken_rules_come_as_one_message_without_a_traceback() -> None:
    refusals: list[str] = []

    def program() -> None:
        with pytest.raises(InputPropertiesError) as refusal:
            construct({**elsewhere(every_argument()), "port": 0.0, "verify": "strictly", "nonsense": 1.0})
        refusals.append(refusal.value.message)

    got = run(program, preview=True)
    (refusal,) = refusals
    for part in ("port = 0", "verify = 'strictly'", "nonsense", "nothing was changed"):
        assert part in refusal
    assert not got.resources
