"""The examples run as they are, on the sandbox."""

from pathlib import Path

import httpx
import pytest

from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab
from tests.e2e.test_drill import drill

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def served_by(endpoint: str) -> str:
    """Name of the master that answers at `endpoint`."""
    # The backends sign their own certificates; who answers is the question.
    answer = httpx.get(f"{endpoint}/version", verify=False, timeout=5, trust_env=False)  # noqa: S501
    return str(answer.json()["server"])


def test_two_control_planes_in_one_vswitch_work_beside_each_other(
    settings: Settings, dev: Lab, tmp_path: Path
) -> None:
    assert dev.cloud()["api"]  # the sandbox runs
    program = PROJECT / "examples" / "two_control_planes"
    lab = make_lab(settings, tmp_path / "two", "two", {}, program)
    up = lab.pulumi("up", "--yes", "--skip-preview")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        outputs = lab.outputs()
        assert outputs["blue_control_plane_endpoint"] == "10.20.0.10:16443"
        assert outputs["green_control_plane_endpoint"] == "10.20.0.20:16443"
        for cluster in ("blue", "green"):
            served = {served_by(outputs[f"{cluster}_endpoint"]) for _ in range(6)}
            assert served == {f"{cluster}-1", f"{cluster}-2"}
        assert {vip["name"] for vip in lab.cloud()["ha_vips"]} >= {"blue", "green"}
        # The cloud's view of both included, each asked with its own login.
        assert {name: one["failures"] for name, one in lab.verified().items()} == {"blue": [], "green": []}
        assert [*lab.verified("green")] == ["green"]
        # Another shape than the dev stack's: both masters balance.
        _, figures = drill(lab, tmp_path / "drill", "apiserver-killed", prefix="green_")
        killed = figures["apiserver-killed"]
        assert killed["config"] == "green"
        assert killed["streams_ended"] > 0, killed["why"]
        assert (killed["failed"], killed["streams_lost"]) == (0, 0), killed["why"]
    finally:
        destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
