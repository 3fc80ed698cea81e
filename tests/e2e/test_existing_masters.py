"""Masters that exist already: ids and addresses in the configuration, nothing of them created or destroyed."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT, Engine
from sandbox.stack.ssh_key import ensure_key
from tests.e2e import by_hand
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

VIP = "192.168.8.10"
PLUGIN = "pulumi-resource-kube-apiserver-havip"
ASK_ON = (
    "last=$(date +%s%N); worst=0; while [ ! -e /tmp/enough ]; do {} >/dev/null && {{ now=$(date +%s%N); "
    "gap=$((now - last)); last=$now; [ $gap -lt $worst ] || worst=$gap; }}; sleep 0.05; done; echo $worst"
)
"""Ask again and again; in the end say the longest time in nanoseconds between two answers."""


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


def test_the_endpoint_is_there_before_the_first_kube_apiserver(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    """``kubeadm init`` needs it; once it has run, the same stack asks for more."""
    lab = make_lab(settings, tmp_path / "first", "first", configuration(base, verify="auto"))
    masters = [master["name"] for master in base["masters"]]
    for master in masters:
        lab.ssh(master, "systemctl stop apiserver")
    try:
        try:
            up = lab.pulumi("up", "--yes", "--skip-preview")
            assert up.returncode == 0, up.stdout + up.stderr
            assert "no kube-apiserver is up yet" in up.stdout
            assert lab.outputs()["control_plane_endpoint"] == f"{VIP}:16443"
            again = lab.pulumi("preview", "--expect-no-changes")
            assert again.returncode == 0, again.stdout + again.stderr
            lab.configure(verify="strict", verifyTimeoutS=3)
            strict = lab.pulumi("up", "--yes", "--skip-preview")
            assert strict.returncode != 0
            assert "[kube-apiserver] none is ready" in strict.stdout
        finally:
            for master in masters:
                lab.ssh(master, "systemctl start apiserver")
        lab.configure(verifyTimeoutS=60)
        up = lab.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
        assert "no kube-apiserver is up yet" not in up.stdout
        assert lab.answers()
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    nothing_is_left(lab, base)


def test_what_takes_an_output_finds_the_endpoint_there_and_changes_with_nothing_else(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    program = PROJECT / "tests" / "e2e" / "composed"
    lab = make_lab(settings, tmp_path / "composed", "composed", example(base), program)
    try:
        up = lab.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
        assert json.loads(lab.outputs()["answer"])["server"] in {master["name"] for master in base["masters"]}
        lab.engine.must("config", "set", "timeoutClient", "12h")
        steps = json.loads(lab.engine.must("preview", "--json"))["steps"]
        touched = {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}
        assert touched == dict.fromkeys(["composed-m1-haproxy", "composed-m2-haproxy"], "update")
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr  # it answered to the last
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
        assert [(one["name"], one["balancer"], one["sshHost"]) for one in outputs["masters"][:2]] == [
            (one["name"], True, one["sshHost"]) for one in base["masters"][:2]
        ]
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


AS_MADE_BY_HAND: dict[str, Any] = {
    # What VRRP's peers must agree on is as it was, so that there are never two holders.
    "keepalived": {"vrrp_version": 2, "virtual_router_id": 52, "auth_pass": "K8SHA_KA"},
    "failover": {"advert_interval_ms": 1000},
}


def test_a_setup_made_by_hand_is_adopted_and_given_back(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    addresses = {master["name"]: master["address"] for master in base["masters"]}
    balancers = base["masters"][:2]
    adopting = configuration(base, takeOver="true", **AS_MADE_BY_HAND)
    lab = make_lab(settings, tmp_path / "adopt", "adopt", adopting)
    console = by_hand.Console(lab)
    ids = [master["instanceId"] for master in balancers]
    ha_vip = console.make(base["vswitch_id"], VIP, ids)
    by_hand.set_up(lab, VIP, addresses)
    asked = f"curl -sk --max-time 2 https://{VIP}:16443/readyz"
    eventually("what was made by hand works", lambda: lab.ssh("m3", asked, check=False) == "ok", 60)
    before = {master["name"]: by_hand.files(lab, master["name"]) for master in balancers}

    try:
        lab.configure(adopt={"ha_vip_id": ha_vip})
        steps = json.loads(lab.engine.must("preview", "--json"))["steps"]
        imported = [step["urn"].rpartition("::")[2] for step in steps if step["op"] == "import"]
        assert len(imported) == 1 + len(balancers), imported
        assert not any(
            "HaVip" in step["urn"] or "HAVip" in step["urn"] for step in steps if step["op"] == "create"
        )
        lab.ssh("m3", f"nohup sh -c '{ASK_ON.format(asked)}' >/tmp/asked 2>/dev/null </dev/null & true")
        up = lab.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
        lab.ssh("m3", "touch /tmp/enough")
        eventually("the last answer", lambda: lab.ssh("m3", "cat /tmp/asked") != "", within_s=30)
        gap = int(lab.ssh("m3", "cat /tmp/asked")) / 1e9
        # A restart of each service on each host at most; the bound is for a busy machine.
        assert gap < 10, f"nothing answered for {gap} s while the setup was adopted"
        assert console.shows(ha_vip) == (by_hand.NAME, set(ids))
        assert lab.outputs()["ha_vip_id"] == ha_vip
        again = lab.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        assert again.returncode == 0, again.stdout + again.stderr

        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
        assert destroy.returncode == 0, destroy.stdout + destroy.stderr
        assert {master["name"]: by_hand.files(lab, master["name"]) for master in balancers} == before
        assert console.shows(ha_vip) == (by_hand.NAME, set(ids)), "what was made by hand outlives the stack"
        eventually("what was made by hand works again", lambda: lab.ssh("m3", asked, check=False) == "ok", 60)
    finally:
        lab.pulumi("destroy", "--yes", "--skip-preview")
        by_hand.take_down(lab, before)
        console.remove(ha_vip)


@pytest.mark.timeout(1200)
def test_what_was_adopted_is_taken_out_and_given_back_without_a_second_holder(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    first, second, _ = base["masters"]
    adopting = configuration(base, takeOver="true", **AS_MADE_BY_HAND)
    lab = make_lab(settings, tmp_path / "leave", "leave", adopting)
    console = by_hand.Console(lab)
    ha_vip = console.make(base["vswitch_id"], VIP, [first["instanceId"], second["instanceId"]])
    by_hand.set_up(lab, VIP, {master["name"]: master["address"] for master in base["masters"]})
    asked = f"curl -sk --max-time 2 https://{VIP}:16443/readyz"
    eventually("what was made by hand works", lambda: lab.ssh("m3", asked, check=False) == "ok", 60)
    before = {name: by_hand.files(lab, name) for name in ("m1", "m2")}

    def up(**changes: Any) -> str:
        lab.configure(**changes)
        done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def holders() -> list[str]:
        return [name for name in ("m1", "m2", "m3") if VIP in lab.ssh(name, "ip -4 address show")]

    try:
        up(adopt={"ha_vip_id": ha_vip})
        up(keepalived={}, failover={"preset": "tolerant"})
        said = up(balancers=["m2", "m3"], adopt={"ha_vip_id": ha_vip, "balancers": ["m2"]})
        assert "is left stopped" in said
        eventually("one has the VIP", lambda: len(holders()) == 1, 30)
        assert holders() != ["m1"]
        left = by_hand.files(lab, "m1")
        assert left == before["m1"].replace("active\nactive", "active\ninactive"), "its haproxy runs again"
        assert lab.ssh("m1", "systemctl is-enabled keepalived", check=False) == "disabled\n"
        assert first["instanceId"] in console.shows(ha_vip)[1]

        destroy = lab.pulumi("destroy", "--yes", "--skip-preview", "--color=never")
        assert destroy.returncode == 0, destroy.stdout + destroy.stderr
        assert "m2: keepalived: runs again" in destroy.stdout
        assert by_hand.files(lab, "m2") == before["m2"]
        assert by_hand.files(lab, "m1") == left
        eventually("what was made by hand works again", lambda: lab.ssh("m3", asked, check=False) == "ok", 60)
        assert holders() == ["m2"]
    finally:
        lab.pulumi("destroy", "--yes", "--skip-preview")
        by_hand.take_down(lab, before)
        console.remove(ha_vip)


def test_a_balancer_is_renamed(settings: Settings, base: dict[str, Any], tmp_path: Path) -> None:
    lab = make_lab(
        settings, tmp_path / "rename", "rename", configuration(base, failover={"preset": "tolerant"})
    )
    up = lab.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    try:
        first, *others = base["masters"]
        lab.configure(masters=[{**first, "name": "front"}, *others])
        refused = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
        assert "ResourceAlreadyAssociated" in refused.stdout, "to the engine it is another attachment"
        old = f"{lab.component}-m1-attachment"
        (urn,) = [one for one in lab.engine.must("stack", "--show-urns").split() if one.endswith(f"::{old}")]
        lab.engine.must("state", "rename", "--yes", urn, old.replace("-m1-", "-front-"))
        done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "serves as the balancer front: left as it is" in done.stdout
        assert lab.answers()
        again = lab.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        assert again.returncode == 0, again.stdout + again.stderr
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    nothing_is_left(lab, base)
