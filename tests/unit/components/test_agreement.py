"""The end of an ``up``: the cloud's master instance is the balancer that has the VIP."""

from collections.abc import Sequence
from typing import cast

import pulumi
import pytest
from pulumi_alicloud import Provider

from components import ApiServerVip, ApiServerVipArgs, agreement
from tests.unit.components import engine
from tests.unit.components.engine import Run, run
from tests.unit.components.test_apiserver_vip import arguments

pytestmark = pytest.mark.unit
ENDPOINT = "kube-apiserver-havip:index:ApiServerVip::cp"
NOW, EARLIER = "9999-01-01T00:00:00+00:00", "2020-01-01T00:00:00+00:00"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "PAUSE_S", 0)
    monkeypatch.setattr(agreement, "WITHIN_S", 0.1)


def up(
    monkeypatch: pytest.MonkeyPatch,
    masters: Sequence[str],
    *,
    at: str = NOW,
    found: str = "holder: k8s-master01 i-1",
    preview: bool = False,
    attached: tuple[str, ...] = ("i-1", "i-2"),
) -> Run:
    """Run a program whose verification found, at that time, that the instance i-1 has the VIP."""
    said = f"all is well\nnote: m3 is not ready\nlooked: {at}\n{found}"
    verified = {"command:local:Command::cp-verify": {"stdout": said}}
    monkeypatch.setattr(engine, "COMPUTED", {**engine.COMPUTED, **verified})

    def program() -> None:
        provider = Provider("elsewhere", region="cn-beijing")
        opts = pulumi.ResourceOptions(providers=[provider])
        ApiServerVip("cp", cast(ApiServerVipArgs, arguments()), opts)

    return run(program, preview=preview, masters=masters, attached=attached)


def test_it_ends_when_the_cloud_agrees(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        got = up(monkeypatch, ["", "i-2", "i-1"])
    assert got.error == ""
    assert "m3 is not ready" in caplog.messages
    assert ENDPOINT in got.complete
    assert len(got.asked) == 3, "the cloud learns of a master later than the hosts"
    assert set(got.asked) == {"elsewhere"}, "the component's own provider"


@pytest.mark.parametrize(("master", "named"), [("i-2", "i-2"), ("", "nobody")])
def test_it_fails_naming_both_when_the_cloud_does_not(
    monkeypatch: pytest.MonkeyPatch, master: str, named: str
) -> None:
    got = up(monkeypatch, [master])
    assert "k8s-master01 (i-1) had the VIP" in got.error
    assert ENDPOINT not in got.complete, "that is all that a plugin's process waits for"
    assert f"the cloud has taken {named} for the master of id-cp-havip" in got.error


def test_a_standby_that_is_not_attached_is_named_with_the_command_that_forgets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    got = up(monkeypatch, ["i-1"], attached=("i-1", "i-left"))
    assert (
        "k8s-master02 (i-2) is not attached to id-cp-havip and cannot take over: `pulumi refresh" in got.error
    )
    assert "--target 'urn:pulumi:" in got.error
    assert "HAVipAttachment::cp-k8s-master02-attachment' --skip-preview --yes --stack dev`" in got.error
    assert ENDPOINT not in got.complete
    everybody = up(monkeypatch, ["i-1"], attached=())
    assert "k8s-master01 (i-1) and k8s-master02 (i-2) are not attached" in everybody.error


def test_an_attachment_that_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    views = iter([agreement.View("i-1", frozenset({"i-1"}))])

    async def view(*_: object) -> agreement.View:
        return next(views, agreement.View("i-1", frozenset({"i-1", "i-2"})))

    monkeypatch.setattr(agreement, "_view", view)
    assert up(monkeypatch, ["i-1"]).error == ""


def test_a_cloud_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert up(monkeypatch, [engine.UNAVAILABLE, "i-1"]).error == ""
    got = up(monkeypatch, [engine.UNAVAILABLE])
    assert "cp: everything is applied and answers, but the cloud could not be asked" in got.error
    assert engine.UNAVAILABLE in got.error


def test_a_verification_that_did_not_run_now_says_nothing_of_now(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        got = up(monkeypatch, ["i-2"], at=EARLIER)
    assert (got.error, got.asked) == ("", [])
    assert "m3 is not ready" not in caplog.messages


def test_the_cloud_is_not_asked_about_a_holder_that_leaves_and_notes_are_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        got = up(monkeypatch, ["i-gone"], found="")
    assert (got.error, got.asked) == ("", [])
    assert "m3 is not ready" in caplog.messages


def test_a_preview_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    got = up(monkeypatch, ["i-2"], preview=True)
    assert (got.error, got.asked) == ("", [])
