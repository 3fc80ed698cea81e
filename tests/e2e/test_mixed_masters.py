"""A master that the stack creates beside ones that exist: they reach each other through a group they share."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.settings import Settings
from tests.e2e.conftest import make_lab, serves
from tests.e2e.lab import Lab
from tests.e2e.test_existing_masters import VIP, configuration, nothing_is_left
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CREATED = {"name": "m4", "address": "192.168.8.14"}


def mixed(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Two masters that exist and one to create; one of each kind balances, so VRRP passes between them."""
    return {
        **configuration(base),
        "zoneId": "",
        "vpcId": base["vpc_id"],
        "masters": [*base["masters"][:2], CREATED],
        "balancers": ["m1", "m4"],
        "securityGroupIds": [base["security_group_id"]],
        # What the group of the existing masters lets in reaches the created one too.
        "sshCidrs": [],
        "apiCidrs": [],
        **changes,
    }


def existing(lab: Lab, base: dict[str, Any]) -> dict[str, Any]:
    """What the cloud says of the existing masters and of their group."""
    cloud = lab.cloud()
    ids = {base["security_group_id"], *(master["instanceId"] for master in base["masters"])}
    return {one["id"]: one for one in (*cloud["hosts"], *cloud["security_groups"]) if one["id"] in ids}


def test_a_created_master_joins_existing_ones(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    lab = make_lab(settings, tmp_path / "mixed", "mixed", mixed(base))
    before = existing(lab, base)
    assert len(before) == 4
    try:
        up = lab.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
        eventually("m4 serves", lambda: serves(lab, "m4"), within_s=60)
        for name in ("m1", "m2", "m4"):
            assert lab.ssh(name, f"curl -sk --max-time 2 https://{VIP}:16443/readyz") == "ok"
        assert lab.answers()
        assert lab.verified()[lab.component]["failures"] == []
        again = lab.pulumi("preview", "--expect-no-changes")
        assert again.returncode == 0, again.stdout + again.stderr
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert existing(lab, base) == before
    assert CREATED["name"] not in lab.hosts()
    nothing_is_left(lab, base)


def test_without_a_group_to_share_nothing_is_created(
    settings: Settings, base: dict[str, Any], tmp_path: Path
) -> None:
    alone = mixed(base, vswitchId="", vpcId="", securityGroupIds=[], zoneId="cn-hangzhou-i")
    lab = make_lab(settings, tmp_path / "alone", "alone", alone)
    preview = lab.pulumi("preview", "--non-interactive", "--color=never")
    said = preview.stdout + preview.stderr
    assert preview.returncode != 0, said
    for key in ("vswitchId", "vpcId", "securityGroupIds"):
        assert f"  - {key} = " in said
    assert "Traceback" not in said
    assert "alicloud:" not in said, "resources were registered before the check"
