"""The dev program on masters of another release: Debian 11, with HAProxy 2.2, keepalived 2.1 and systemd 247."""

from pathlib import Path

import pytest

from sandbox.hosts import images
from sandbox.settings import Settings
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]  # the image may have to be made first

[OTHER] = set(images.CATALOGUE) - {images.DEFAULT.id}


def test_the_program_works_on_the_release_before(settings: Settings, dev: Lab, tmp_path: Path) -> None:
    assert dev.cloud()["api"]  # the sandbox runs
    masters = [{"name": f"eleven-{number}", "address": f"10.11.0.1{number}"} for number in (1, 2)]
    changes = {"vpcCidr": "10.11.0.0/16", "vswitchCidr": "10.11.0.0/24", "vip": "10.11.0.10"}
    lab = make_lab(settings, tmp_path / "eleven", "eleven", {**changes, "imageId": OTHER, "masters": masters})
    up = lab.pulumi("up", "--yes", "--skip-preview")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert lab.answers()
        [vip] = [one for one in lab.cloud()["ha_vips"] if one["address"] == "10.11.0.10"]
        names = {host["id"]: host["name"] for host in lab.cloud()["hosts"]}

        def holder() -> str | None:
            found = next(one for one in lab.cloud()["ha_vips"] if one["id"] == vip["id"])
            return names.get(found["holder"])

        first = holder()
        assert first in {master["name"] for master in masters}
        assert "2.1." in lab.ssh(first, "keepalived --version 2>&1")
        said = lab.ssh(first, "journalctl -u keepalived -u haproxy --no-pager")
        assert "Unknown keyword" not in said
        lab.ssh(first, "systemctl stop haproxy")
        eventually("the other one holds the VIP", lambda: holder() not in (None, first), within_s=15)
        eventually("the endpoint answers", lab.answers, within_s=15)
        lab.ssh(first, "systemctl start haproxy")
        again = lab.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        assert again.returncode == 0, again.stdout + again.stderr
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
