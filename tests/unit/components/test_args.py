"""The typed arguments and the settings they become say the same, and say it with words."""

import ast
import dataclasses
import re
from pathlib import Path
from typing import is_typeddict

import pytest
from pulumi.provider.experimental.analyzer import Analyzer

from components import ApiServerVip, args, args_services, inputs
from components.enums import Preset
from components.planning import failover, settings

pytestmark = pytest.mark.unit
PAIRS = [
    (args.PackagesArgs, settings.Packages, set(), set()),
    (args_services.HealthCheckArgs, settings.HealthCheck, set(), set()),
    (args_services.FailoverArgs, settings.Failover, set(), set()),
    (args_services.HaproxyArgs, settings.Haproxy, set(), set()),
    (args_services.KeepalivedArgs, settings.Keepalived, {"auth_pass"}, {"auth"}),
    (args.BalancerArgs, settings.Balancer, set(inputs.CLOUD_ONLY), set()),
    (args.BackendArgs, settings.Backend, {"ssh", "instance", "instance_id"}, set()),
    (args.ApiServerVipArgs, settings.Settings, {"vswitch_id", "eip", "ssh", "tags", "adopt"}, set()),
]


@pytest.mark.parametrize(("typed", "dataclass", "only_typed", "only_plain"), PAIRS)
def test_same_keys(typed: type, dataclass: type, only_typed: set[str], only_plain: set[str]) -> None:
    assert is_typeddict(typed)
    keys = set(typed.__annotations__)
    fields = {field.name for field in dataclasses.fields(dataclass)}
    assert keys - only_typed == fields - only_plain


def words(module: object) -> dict[str, str]:
    """What is said under every key of the typed arguments in `module`."""
    found: dict[str, str] = {}
    for node in ast.parse(Path(str(getattr(module, "__file__", ""))).read_text()).body:
        if isinstance(node, ast.ClassDef):
            for key, after in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(key, ast.AnnAssign):
                    said = after.value if isinstance(after, ast.Expr) else None
                    text = said.value if isinstance(said, ast.Constant) else ""
                    found[f"{node.name}.{ast.unparse(key.target)}"] = str(text)
    return found


@pytest.mark.parametrize("module", [args, args_services])
def test_every_key_has_words_under_it(module: object) -> None:
    assert [key for key, said in words(module).items() if not said] == []


@pytest.mark.parametrize("key", vars(failover.PRESETS[Preset.STANDARD]))
def test_the_words_say_what_a_timer_is_in_every_preset(key: str) -> None:
    said = words(args_services)[f"FailoverArgs.{key}"]
    found = re.search(r"Default: (\w+)(?: \((?:fast )?(\w+), (?:tolerant )?(\w+)\))?", said)
    assert found, said
    standard, fast, tolerant = (value or found[1] for value in found.groups())
    wanted = {Preset.FAST: fast, Preset.STANDARD: standard, Preset.TOLERANT: tolerant}
    assert {preset: str(vars(timers)[key]) for preset, timers in failover.PRESETS.items()} == wanted


def test_the_schema_of_other_languages_can_be_made() -> None:
    found = Analyzer("kube-apiserver-havip").analyze([ApiServerVip])
    component = found["component_definitions"]["ApiServerVip"]
    assert set(component.outputs) == {
        "vip",
        "controlPlaneEndpoint",
        "endpoint",
        "haVipId",
        "eip",
        "budget",
        "masters",
    }
    assert all(definition.description for definition in component.inputs.values())
    for type_ in found["type_definitions"].values():
        assert all(definition.description for definition in type_.properties.values()), type_.name
