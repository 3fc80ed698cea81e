"""A change that is not complete holds what it replaces: taking it back is refused with the way out."""

from typing import Any

import pulumi
import pytest

from components.preflight import interrupted, replaced

pytestmark = pytest.mark.unit
HA_VIP, ATTACHMENT = "alicloud:vpc/haVipv2:HaVipv2", "alicloud:vpc/hAVipAttachment:HAVipAttachment"
OLD, NEW = "10.0.0.10", "10.0.0.20"


def ha_vip(id_: str, address: str, *, delete: bool = False) -> dict[str, Any]:
    resource = {"type": HA_VIP, "urn": "urn:havip", "id": id_, "outputs": {"ipAddress": address}}
    return {**resource, "delete": delete}


def attachment(id_: str, *, delete: bool = False, urn: str = "urn:m1") -> dict[str, Any]:
    return {"type": ATTACHMENT, "urn": urn, "id": id_, "delete": delete}


CHANGED_VIP = {
    "resources": [
        ha_vip("havip-2", NEW),
        attachment("havip-2:i-1"),
        ha_vip("havip-1", OLD, delete=True),
        attachment("havip-1:i-1", delete=True),
    ]
}
CHANGED_INSTANCE = {
    "resources": [
        ha_vip("havip-1", OLD),
        attachment("havip-1:i-3"),
        attachment("havip-1:i-2", urn="urn:m2"),
        attachment("havip-1:i-1", delete=True),
    ]
}


def test_a_vip_that_is_taken_back_is_held_until_its_change_is_complete() -> None:
    said = replaced.message(CHANGED_VIP, [OLD], ["i-1", "i-2"], "dev")
    [first, held] = said.splitlines()
    assert first == "dev: a change that is not complete cannot be taken back, nothing was changed:"
    assert f"vip = '{OLD}': havip-1, which the change to '{NEW}' replaces, has it" in held
    assert f"say '{NEW}' again and `pulumi up` until it succeeds" in held


def test_an_instance_that_is_taken_back_is_held_until_its_change_is_complete() -> None:
    [_, held] = replaced.message(CHANGED_INSTANCE, [OLD], ["i-1", "i-2"], "dev").splitlines()
    assert "instance_id = 'i-1': it is attached to havip-1 until the change to 'i-3' is complete" in held
    assert "or detach i-1 in the console, `pulumi refresh`, and `pulumi up`" in held


def test_the_same_change_again_and_another_one_are_let_through() -> None:
    assert replaced.message(CHANGED_VIP, [NEW], ["i-1", "i-2"], "dev") == ""
    assert replaced.message(CHANGED_VIP, ["10.0.0.30"], ["i-1", "i-2"], "dev") == ""
    assert replaced.message(CHANGED_VIP, [], [], "dev") == "", "where the cloud chooses the address"
    assert replaced.message(CHANGED_INSTANCE, [OLD], ["i-3", "i-2"], "dev") == ""
    elsewhere = {"resources": [ha_vip("havip-2", OLD), ha_vip("havip-1", OLD, delete=True)]}
    assert replaced.message(elsewhere, [OLD], ["i-1"], "dev") == "", "in another vSwitch"
    assert replaced.message({}, [OLD], ["i-1"], "dev") == ""


def test_the_program_is_stopped_before_it_changes_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    interrupted.check(CHANGED_VIP)
    with pytest.raises(pulumi.RunError, match="dev: a change that is not complete"):
        interrupted.check(CHANGED_VIP, vips=[OLD])
    with pytest.raises(pulumi.RunError, match="dev: a change that is not complete"):
        interrupted.check(CHANGED_INSTANCE, instances=["i-1"])
