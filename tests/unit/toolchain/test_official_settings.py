"""What the checkout must say so that newer official parts behave as the built ones do."""

import socket
from pathlib import Path

import pulumi_alicloud as alicloud
import pytest
import yaml
from pulumi import _types as pulumi_types
from pulumi_alicloud import config

from sandbox.control import Status
from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT
from sandbox.stack.environment import stack_environment

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("project", ["Pulumi.yaml", "tests/e2e/base/Pulumi.yaml"])
def test_no_lock_file_chooses_the_python(project: str) -> None:
    """Language hosts take a uv.lock, here or in a directory above, for a toolchain unless one is named."""
    runtime = yaml.safe_load((PROJECT / project).read_text())["runtime"]
    assert runtime == {"name": "python", "options": {"toolchain": "pip"}}


def test_the_dev_stacks_provider_settings_are_the_sdks() -> None:
    stack = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]
    settings = {key.partition(":")[2]: value for key, value in stack.items() if key.startswith("alicloud:")}
    known = set(pulumi_types.input_type_py_to_pulumi_names(alicloud.ProviderArgs).values())
    assert settings.keys() <= known
    products = set(pulumi_types.input_type_py_to_pulumi_names(alicloud.ProviderEndpointArgs).values())
    assert settings["endpoints"][0].keys() <= products
    assert hasattr(config, "account_type")


def test_an_agent_that_has_ended_is_unset_and_another_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    status = Status({"access_key_id": "id", "access_key_secret": "secret", "ca_bundle": str(tmp_path)})
    path = tmp_path / "agent"

    def said() -> str | None:
        return stack_environment(Settings("unit"), status, {}, "dev").get("SSH_AUTH_SOCK")

    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert said() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    assert said() == ""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(path))
        agent.listen()
        assert said() is None


def test_credentials_have_both_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    status = Status({"access_key_id": "id", "access_key_secret": "secret", "ca_bundle": str(tmp_path)})
    variables = stack_environment(Settings("unit"), status, {}, "dev")
    assert variables["ALICLOUD_ACCESS_KEY"] == variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "id"
    assert variables["ALICLOUD_SECRET_KEY"] == variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == "secret"
