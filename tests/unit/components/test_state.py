"""What ``pulumi`` prints to the commands beside the program, when it is not what they asked for."""

import json

import pytest

from components.agreement import View
from components.commands import cloud_view, files
from components.preflight import state

pytestmark = pytest.mark.unit
URN = "urn:pulumi:dev::p::alicloud:vpc/haVipv2:HaVipv2::cp-havip"
SECRET = "K8SHA_KA_AUTH"


def event(master: str) -> str:
    """Return one of a refresh's events, that of the HaVip."""
    new = {"outputs": {"masterInstanceId": master}}
    return json.dumps({"resOutputsEvent": {"metadata": {"urn": URN, "new": new}}})


def test_lines_that_are_no_events_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = f"warning: a newer version is there\n\n{json.dumps({'sequence': 1})}\n{event('i-1')}\n[done]\n"
    monkeypatch.setattr(cloud_view, "run_pulumi", lambda *_, **__: printed)
    assert cloud_view.views("dev", [URN]) == {URN: View("i-1", frozenset())}


def test_an_event_that_breaks_off_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_view, "run_pulumi", lambda *_, **__: event("i-1")[:-5])
    with pytest.raises(state.StateError, match=r"^pulumi refresh --preview-only: no JSON \(.*; run it here"):
        cloud_view.views("dev", [URN])


def test_a_state_that_is_no_json_is_said_in_words_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "run_pulumi", lambda *_: f'warning: {{"key": "{SECRET}"}}')
    with pytest.raises(state.StateError, match=r"^pulumi stack export: no JSON \(.*; run it here") as refused:
        state.endpoints()
    assert SECRET not in str(refused.value)


def test_a_preview_that_is_no_json_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(state, "run_pulumi", lambda *_: "")
    assert files.main([]) == 2
    assert "error: pulumi preview --json: no JSON (" in capsys.readouterr().err
