"""The same program with other addresses: a /28 in 172.16.0.0/12 and a VIP that the cloud chooses."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from sandbox.settings import Settings
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

VSWITCH = IPv4Network("172.20.1.16/28")
MASTERS = [{"name": f"cp-{number}", "address": str(VSWITCH[number])} for number in (3, 4, 5)]


def test_a_small_vswitch_and_a_vip_chosen_by_the_cloud(settings: Settings, dev: Lab, tmp_path: Path) -> None:
    assert dev.cloud()["api"]  # the sandbox runs
    addresses = {"vpcCidr": "172.16.0.0/12", "vswitchCidr": str(VSWITCH), "vip": "", "masters": MASTERS}
    lab = make_lab(settings, tmp_path / "small", "small", {**addresses, "keepalived": {}})
    try:
        up = lab.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
        outputs = lab.outputs()
        vip = IPv4Address(outputs["vip"])
        assert vip in VSWITCH
        assert str(vip) not in [master["address"] for master in MASTERS]
        assert outputs["control_plane_endpoint"] == f"{vip}:16443"
        assert lab.answers()
        for master in MASTERS:
            assert lab.ssh(master["name"], f"curl -sk --max-time 2 https://{vip}:16443/readyz") == "ok"
        again = lab.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        assert again.returncode == 0, again.stdout + again.stderr
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
