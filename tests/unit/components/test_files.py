"""``python -m components files``: the files of a preview, whole or as a line diff."""

from typing import Any

import pytest

from components.commands import files
from components.rendering import bundle, render
from tests.unit.components import examples

pytestmark = pytest.mark.unit

PLAN = examples.planned(examples.topology())
HOST = PLAN.balancers[0]
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def step(name: str, stdin: object, before: object = None, op: str = "create") -> dict[str, Any]:
    urn = f"urn:pulumi:dev::p::kube-apiserver-havip:index:ApiServerVip${files._STEP}cp-m1-{name}"
    old = {"oldState": {"inputs": {"stdin": before}}} if before is not None else {}
    return {"urn": urn, "op": op, "newState": {"inputs": {"stdin": stdin}}, **old}


def shown(*found: dict[str, Any], diff: bool = False, tool: bool = False) -> str:
    show = files.changed if diff else files.whole
    return "".join(text for one in files.steps({"steps": found}) for text in show(one, tool=tool))


def test_a_bundle_comes_apart_as_it_was_put_together() -> None:
    text = render.keepalived_bundle(PLAN, HOST, examples.VIP)
    apart = {path: content for path, _, content in bundle.split(text)}
    assert apart["/etc/keepalived/keepalived.conf"] == render.keepalived_conf(PLAN, HOST, examples.VIP)
    assert all(f"==== file {path} {mode}\n{content}" in text for path, mode, content in bundle.split(text))


def test_every_file_is_shown_whole() -> None:
    text = shown(step("haproxy", render.haproxy_bundle(PLAN, HOST)))
    assert f"==> cp-m1: /etc/haproxy/haproxy.cfg 0644\n{render.haproxy_cfg(PLAN)}" in text
    assert "==> cp-m1: /usr/local/lib/kube-apiserver-havip/haproxy-events 0755\n" in text


def test_the_tool_is_shown_on_request_and_a_password_never() -> None:
    assert "hostctl" not in shown(step("tool", render.tool()))
    assert render.tool() in shown(step("tool", render.tool()), tool=True)
    for given in ("k8s_auth", {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}):
        text = shown(step("auth", given))
        assert text == "==> cp-m1: /etc/keepalived/auth.conf\n[secret]\n\n"


def test_what_is_not_known_yet_is_said() -> None:
    assert "not known before the cloud has chosen" in shown(step("keepalived", UNKNOWN))


def test_a_changed_timer_is_one_changed_line() -> None:
    after = examples.planned(examples.topology() | {"haproxy": {"timeout_client": "12h"}})
    text = shown(
        step("haproxy", render.haproxy_bundle(after, HOST), render.haproxy_bundle(PLAN, HOST), "update"),
        diff=True,
    )
    lines = [line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert lines == ["-    timeout client 24h", "+    timeout client 12h"]
    same = render.haproxy_bundle(PLAN, HOST)
    assert shown(step("haproxy", same, same, "same"), diff=True) == ""


def test_what_goes_and_what_is_no_file_is_left_out() -> None:
    assert shown(step("haproxy", render.haproxy_bundle(PLAN, HOST), op="delete")) == ""
    assert shown(step("packages", "600 haproxy"), step("join", "group\n")) == ""


def test_a_stack_that_is_up_has_files_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing changes the engine previews no step, unless it is asked to."""
    bundle_ = render.haproxy_bundle(PLAN, HOST)

    def asked(_: str, *words: str) -> dict[str, Any]:
        return {"steps": [step("haproxy", bundle_, bundle_, "same")] if "--show-sames" in words else []}

    monkeypatch.setattr(files, "asked", asked)
    assert files.main(["--diff"]) == 0
    assert capsys.readouterr().out == ""
    assert files.main([]) == 0
    assert "==> cp-m1: /etc/haproxy/haproxy.cfg 0644\n" in capsys.readouterr().out
