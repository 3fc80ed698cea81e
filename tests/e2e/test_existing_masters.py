"""Masters that exist already: ids and addresses in the configuration, nothing of them created or destroyed."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT, Engine
from sandbox.stack.ssh_key import ensure_key
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

VIP = "192.168.8.10"
PLUGIN = "pulumi-resource-kube-apiserver-havip"


def configuration(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The program's configuration for these masters."""
    return {
        "vswitchId": base["vswitch_id"],
        "vswitchCidr": "192.168.8.0/24",
        "vip": VIP,
        "masters": base["masters"],
        **changes,
    }


def example(base: dict[str, Any]) -> dict[str, Any]:
    """What the example, and a program in another language, are told of these masters."""
    return {**configuration(base), "sshPrivateKeyFile": "$SANDBOX_SSH_KEY"}


def nothing_is_left(lab: Lab, base: dict[str, Any]) -> None:
    """Check that no master holds the VIP or runs what the stack brought."""
    for master in base["masters"]:
        assert VIP not in lab.ssh(master["name"], "ip -4 address show")
        services = lab.ssh(master["name"], "systemctl is-active haproxy keepalived", check=False)
        assert "active" not in services.split()


def test_the_example_brings_an_endpoint_to_existing_masters_and_takes_it_away(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    program = PROJECT / "examples" / "existing_masters"
    lab = make_lab(settings, tmp_path / "existing", "existing", example(base), program)
    before = {name: host["id"] for name, host in lab.hosts().items()}
    up = lab.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    assert lab.outputs()["control_plane_endpoint"] == f"{VIP}:16443"
    for master in base["masters"]:
        assert lab.ssh(master["name"], f"curl -sk --max-time 2 https://{VIP}:16443/readyz") == "ok"
    assert lab.answers()
    destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert {name: host["id"] for name, host in lab.hosts().items()} == before
    nothing_is_left(lab, base)


def test_a_program_in_another_language_gets_the_same(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    lab = make_lab(
        settings, tmp_path / "other", "other", example(base), PROJECT / "tests" / "e2e" / "other_language"
    )
    engine = with_package(lab.engine, tmp_path / "bin")
    schema = engine.must("package", "get-schema", str(tmp_path / "bin" / PLUGIN))
    kept = json.loads((PROJECT / "provider" / "schema.json").read_text())
    assert set(json.loads(schema)["types"]) == set(kept["types"])
    engine.must("config", "set", "badPort", "70000")
    bad = engine.run("preview", "--color=never", capture=True)
    assert bad.returncode != 0
    assert "port = 70000: is not a TCP port" in bad.stdout
    assert "havip create" not in bad.stdout, "nothing of the component was registered"
    engine.must("config", "rm", "badPort")
    preview = engine.run("preview", "--color=never", capture=True)
    assert preview.returncode == 0, preview.stdout + preview.stderr
    try:
        engine.must("up", "--yes", "--skip-preview")
        outputs = lab.outputs()
        assert outputs["controlPlaneEndpoint"] == f"{VIP}:16443"
        assert outputs["budget"]["host_loss"] < 1000
        assert lab.answers()
        engine.must("up", "--yes", "--skip-preview", "--expect-no-changes")
        state = (settings.directory / "state").rglob("other.json")
        assert all("PRIVATE KEY" not in file.read_text() for file in state), "a secret stays one"
    finally:
        engine.must("destroy", "--yes", "--skip-preview")
    nothing_is_left(lab, base)


def with_package(engine: Engine, directory: Path) -> Engine:
    """Put the package where the engine looks for plugins first, as `pulumi package add` would."""
    directory.mkdir()
    plugin = directory / PLUGIN
    plugin.write_text(f'#!/bin/sh\nexec "$PULUMI_PYTHON_CMD" {PROJECT / "provider"} "$@"\n')
    plugin.chmod(0o755)
    path = f"{directory}:{engine.environment['PATH']}"
    return dataclasses.replace(engine, environment={**engine.environment, "PATH": path})


BAD_LOGINS: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong key": ({"sshPrivateKeyFile": "WRONG"}, "Permission denied"),
    "a wrong user": ({"sshUser": "nobody-here"}, "Permission denied"),
    "an unreachable host": ({"sshHost": "127.67.0.250"}, "127.67.0.250"),
}


@pytest.mark.parametrize("case", BAD_LOGINS)
def test_a_master_that_cannot_be_entered_is_named_before_anything_changes(
    settings: Settings, base: dict[str, Any], tmp_path: Path, case: str
) -> None:
    changes, said = BAD_LOGINS[case]
    config = configuration(base)
    if "sshHost" in changes:
        config["masters"] = [{**base["masters"][0], "sshHost": changes["sshHost"]}, *base["masters"][1:]]
    elif "sshPrivateKeyFile" in changes:
        config["sshPrivateKeyFile"] = str(ensure_key(tmp_path / "wrong"))
    else:
        config |= changes
    lab = make_lab(settings, tmp_path / "bad", "badlogin", config)
    up = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
    words = up.stdout + up.stderr
    assert up.returncode != 0, words
    assert said in words
    assert "m1" in words
    assert "Traceback" not in words
    assert lab.component not in {vip["name"] for vip in lab.cloud()["ha_vips"]}
