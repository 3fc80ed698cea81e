"""Bad input ends with one clear message (value, rule, remedy), before anything changes."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.settings import Settings
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.endpoint, pytest.mark.timeout(120)]


def masters(*addresses: str) -> list[dict[str, str]]:
    """Masters with these addresses."""
    return [{"name": f"k8s-master{number:02}", "address": one} for number, one in enumerate(addresses, 1)]


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong address": ({"masters": masters("10.0.0.11", "10.0.0.300")}, "10.0.0.300"),
    "a VIP outside the vSwitch": ({"vip": "10.0.1.10"}, "10.0.1.10"),
    "a reserved VIP": ({"vip": "10.0.0.254"}, "10.0.0.254"),
    "a VIP that is a host's address": ({"vip": "10.0.0.12"}, "10.0.0.12"),
    "two hosts with one address": ({"masters": masters("10.0.0.11", "10.0.0.11", "10.0.0.13")}, "10.0.0.11"),
    "one balancer only": ({"balancers": ["k8s-master01"]}, "at least 2 balancers"),
    "an unknown balancer": ({"balancers": ["k8s-master01", "k8s-master09"]}, "k8s-master09"),
    "a vSwitch outside its VPC": ({"vswitchCidr": "192.168.0.0/24"}, "192.168.0.0/24"),
    "no image": ({"imageId": ""}, "image_id"),
    "no zone": ({"zoneId": ""}, "zone_id"),
    "a port out of range": ({"port": 70000}, "70000"),
    "an SSH key that is not there": ({"sshPrivateKeyFile": "/nowhere/id_ed25519"}, "/nowhere/id_ed25519"),
    "a variable that is not set": ({"sshPrivateKeyFile": "$NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
    "user data that is not there": ({"userDataFile": "no/such/file"}, "no/such/file"),
    "an unknown directive": ({"haproxy": {"timeout_clinet": "1h"}}, "timeout_clinet"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_configuration_is_one_clear_message_at_preview(
    settings: Settings, dev: Lab, tmp_path: Path, case: str
) -> None:
    assert dev.cloud()["api"]  # the sandbox runs
    changes, value = CASES[case]
    lab = make_lab(settings, tmp_path / "bad", "bad", changes)
    preview = lab.pulumi("preview", "--non-interactive", "--color=never")
    said = preview.stdout + preview.stderr
    assert preview.returncode != 0, said
    assert value in said
    assert "Traceback" not in said
    assert "+ alicloud" not in said.replace("  ", " "), "resources were registered before the check"
