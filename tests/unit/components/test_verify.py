"""The end of an ``up`` and ``python -m components verify``: what is asked, and what the answers are taken for."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from components import agreement
from components.commands import cloud_view, verify
from components.commands.report import as_text
from components.preflight import state
from components.rendering import render
from templates.local.openssh import Endpoint, LoginRefused, SshError, Unreachable
from templates.local.verify import Outcome, complaint, statement
from templates.local.verify_asking import Answer, Host, Questions, Report, Target, parse, script
from templates.local.verify_judge import Verdict, judge, ready

pytestmark = pytest.mark.unit

VIP = "10.0.0.10"
GOOD, NONE = Answer(200, connected=True), Answer(connected=True, said="Recv failure")
REFUSED, DROPPED = Answer(said="Couldn't connect"), Answer(silent=True, said="timed out")
NAMES = ("m2", "m1", "m3")
"""Two balancers, the planned holder last, and a backend."""
APISERVERS = tuple(f"10.0.0.1{name[1]}:6443" for name in NAMES)


def questions(**changes: Any) -> Questions:
    hosts = tuple(
        Host(name, f"10.0.0.1{name[1]}", Endpoint("h", private_key="KEY"), f"i-{name}", balancer=name != "m3")
        for name in NAMES
    )
    own = tuple(Target(host.name, host.address, 16443) for host in hosts if host.balancer)
    backends = tuple(Target(host.name, host.address, 6443) for host in hosts)
    whole = {
        "endpoint": "cp",
        "mode": "auto",
        "timeout_s": 120,
        "vips": (Target("the VIP", VIP, 16443),),
        "path": "/readyz?verbose&exclude=etcd",
        "expect_status": "200",
        "outside": "",
        "host_script": "# begins\n",
        "tool": "hostctl\n",
        "hosts": hosts,
        "balancers": own,
        "backends": backends,
    }
    return Questions(**{**whole, **changes})


def reports(
    through: Answer = GOOD, direct: Answer = GOOD, holder: str = "m1"
) -> dict[str, Report | SshError]:
    """Every host sees the same."""
    return {
        name: Report(
            answers=seen(through, through, through)
            | (dict.fromkeys(APISERVERS, direct) if name != "m3" else {}),
            addresses=frozenset({f"10.0.0.1{name[1]}", *([VIP] if name == holder else [])}),
            findings=(),
        )
        for name in NAMES
    }


def seen(vip: Answer, m1: Answer, m2: Answer, port: int = 16443) -> dict[str, Answer]:
    """What HAProxy answered one host."""
    return {f"{VIP}:{port}": vip, f"10.0.0.11:{port}": m1, f"10.0.0.12:{port}": m2}


def told(asked: Questions, answers: dict[str, Report | SshError], outside: Answer | None = None) -> list[str]:
    """Layer, host and words of everything that is wrong."""
    verdict = judge(asked, answers, outside)
    return [f"{one.layer}|{one.host}|{one.said}" for one in verdict.failures]


def report(
    reported: dict[str, Report | SshError],
    name: str,
    answers: dict[str, Answer] | None = None,
    **changes: Any,
) -> None:
    """Change what one host reported; `answers` in place of those of the same targets."""
    found = reported[name]
    assert isinstance(found, Report)
    reported[name] = replace(found, answers={**found.answers, **(answers or {})}, **changes)


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_all_is_well(mode: str) -> None:
    asked = questions(mode=mode, outside="https://x")
    verdict = judge(asked, reports(), GOOD)
    assert verdict.failures == ()
    before = datetime.now(UTC)
    said = "\n".join(statement(Outcome(asked, verdict, {})))
    assert agreement.looked(said, before)
    assert not agreement.looked(said, datetime.now(UTC))
    assert agreement.holder(said) == agreement.Holder("m1", "i-m1"), (
        "the program asks the cloud about this one"
    )
    assert verdict.holders == ("m1",)
    assert verdict.demanded


def test_before_kubeadm_init_auto_is_content_with_haproxy_and_says_so() -> None:
    verdict = judge(questions(), reports(through=NONE, direct=REFUSED), None)
    assert verdict.failures == ()
    [note, *_] = statement(Outcome(questions(), verdict, {}))
    assert note.startswith("note: no kube-apiserver is up yet: HAProxy answers on the VIP")
    assert "verify: strict" in note


def test_before_kubeadm_init_strict_names_every_kube_apiserver() -> None:
    [said] = told(questions(mode="strict"), reports(through=NONE, direct=REFUSED))
    assert said.startswith("kube-apiserver||")
    assert all(f"{name} (10.0.0.1{name[1]}:6443): Couldn't connect" in said for name in NAMES)


def test_one_kube_apiserver_that_is_up_must_answer_through_the_vip_in_auto_too() -> None:
    answers = reports(through=NONE, direct=REFUSED)
    report(answers, "m2", {"10.0.0.12:6443": GOOD})
    said = told(questions(), answers)
    assert len(said) == 3, "through the VIP and both balancers"
    assert all(one.startswith("HAProxy|") and "m2 (10.0.0.12:6443) answers directly" in one for one in said)


def test_a_kube_apiserver_that_is_not_ready_does_not_count_as_up() -> None:
    assert told(questions(), reports(through=NONE, direct=Answer(500, connected=True))) == []


@pytest.mark.parametrize(
    ("expected", "statuses"),
    [("200", {200}), ("200,401", {200, 401}), ("200-399,401", {200, 302, 399, 401})],
)
def test_ready_is_what_haproxy_takes_for_ready(expected: str, statuses: set[int]) -> None:
    asked = {0, 200, 302, 399, 401, 500}
    assert {status for status in asked if ready(Answer(status, connected=True), expected)} == statuses & asked
    assert ready(Answer(connected=True), "")
    assert not ready(Answer(), "")


def test_every_port_must_answer_on_the_vip_and_through_every_balancer() -> None:
    asked = questions(
        vips=tuple(Target("the VIP", VIP, port) for port in (16443, 443)),
        balancers=tuple(
            Target(name, f"10.0.0.1{name[1]}", port) for name in ("m2", "m1") for port in (16443, 443)
        ),
    )
    answers = reports()
    for name in NAMES:
        report(answers, name, seen(GOOD, GOOD, GOOD, port=443))
    assert told(asked, answers) == []
    assert script(asked, asked.hosts[2]).count(":443 ") == 3
    report(answers, "m3", seen(GOOD, GOOD, NONE, port=443))
    [said] = told(asked, answers)
    assert said.startswith("HAProxy|m2|m2 (10.0.0.12:6443), m1")
    assert "not through m2 (10.0.0.12:443) from m3: Recv failure" in said
    for name in NAMES:
        report(answers, name, seen(REFUSED, GOOD, GOOD, port=443))
    assert told(asked, answers) == [
        "HAProxy|m1|the VIP (10.0.0.10:443) takes no connection from m2, m1, m3: Couldn't connect"
    ]


def test_a_host_that_is_down_and_balances_nothing_is_a_note() -> None:
    answers = reports()
    answers["m3"] = Unreachable("root@h cannot be reached: timed out")
    verdict = judge(questions(), answers, None)
    assert verdict.failures == ()
    outcome = Outcome(questions(), verdict, {})
    assert "note: nothing was asked from m3, which is no balancer: root@h cannot be reached: timed out" in [
        *statement(outcome)
    ]
    assert "from every host (m2, m1)" in next(statement(outcome))
    assert "  ok    SSH             m2, m1\n" in as_text(outcome)
    assert "  note  SSH             m3 is not asked: root@h cannot be reached: timed out\n" in as_text(
        outcome
    )
    answers["m3"] = LoginRefused("root@h refuses the login")
    assert told(questions(), answers) == ["SSH|m3|root@h refuses the login"], (
        "it is there, something is wrong"
    )


def test_two_holders_and_none() -> None:
    answers = reports()
    report(answers, "m2", addresses=frozenset({"10.0.0.12", VIP}))
    [said] = told(questions(), answers)
    assert said.startswith("VRRP|m2, m1|2 hosts have 10.0.0.10 at once")
    nobody = reports(holder="")
    report(nobody, "m3", seen(REFUSED, GOOD, GOOD))
    assert told(questions(), nobody) == ["VRRP|m2, m1|no balancer has 10.0.0.10"]


def test_a_vip_that_answers_from_elsewhere_is_told_from_one_that_nobody_has() -> None:
    """Two new balancers in the place of two others: no one is left that hears those."""
    [said] = told(questions(), reports(holder=""))
    assert said.startswith("VRRP|m2, m1|no balancer has 10.0.0.10, and yet it answers: another host has it")
    assert "keep one of them for one more update" in said


AN_UP = questions(removals_follow=True)
"""What the end of an `up` asks."""


def told_by(answers: dict[str, Report | SshError], *leavers: str) -> dict[str, Report | SshError]:
    """The same reports, and both balancers go on telling `leavers`."""
    for name in ("m1", "m2"):
        report(answers, name, leavers=frozenset(leavers))
    return answers


def noted(asked: Questions, answers: dict[str, Report | SshError]) -> list[str]:
    """What people are told of an `up` that holds."""
    verdict = judge(asked, answers, None)
    assert verdict.failures == ()
    said = [*statement(Outcome(asked, verdict, {}))]
    assert agreement.looked("\n".join(said), datetime.min.replace(tzinfo=UTC)), "else no note is shown"
    assert "files and services of every balancer are as the stack has them" in said
    return [line for line in said if line.startswith("note: ")]


@pytest.mark.parametrize(
    ("leavers", "named"),
    [(["10.0.0.14"], "10.0.0.14"), (["10.0.0.15", "10.0.0.14"], "10.0.0.14 or 10.0.0.15")],
)
def test_a_balancer_that_leaves_may_have_the_vip_until_it_is_removed(leavers: list[str], named: str) -> None:
    """Pulumi removes it after the verification, and a failure would keep it from that."""
    answers = told_by(reports(holder=""), *leavers)
    [note] = noted(AN_UP, answers)
    assert note.startswith(f"note: the balancer that leaves, {named}, has the VIP; it hands it over")
    said = "\n".join(statement(Outcome(AN_UP, judge(AN_UP, answers, None), {})))
    assert "exactly one" not in said, "who leaves is not asked, so nobody looked"
    assert agreement.holder(said) is None, "the program knows its instance no more"


def test_a_balancer_that_leaves_and_is_asked_as_a_backend_is_named() -> None:
    answers = told_by(reports(holder="m3"), "10.0.0.13")
    [note] = noted(AN_UP, answers)
    assert note.startswith("note: the balancer that leaves, m3, has the VIP")
    said = "\n".join(statement(Outcome(AN_UP, judge(AN_UP, answers, None), {})))
    assert agreement.holder(said) == agreement.Holder("m3", "i-m3"), "it is attached still: the cloud agrees"


def test_a_balancer_that_stays_does_not_leave_whatever_a_host_remembers() -> None:
    assert noted(AN_UP, told_by(reports(holder="m2"), "10.0.0.12")) == []


def test_a_balancer_that_leaves_without_the_vip_is_no_news() -> None:
    for answers in (reports(), reports(holder="m2")):
        assert noted(AN_UP, told_by(answers, "10.0.0.13", "10.0.0.14")) == []


def test_nobody_has_the_vip_when_it_does_not_answer_though_a_balancer_leaves() -> None:
    """It died, and nobody took over; or it has no attachment any more."""
    answers = told_by(reports(holder=""), "10.0.0.14")
    report(answers, "m3", seen(REFUSED, GOOD, GOOD))
    assert told(AN_UP, answers) == ["VRRP|m2, m1|no balancer has 10.0.0.10"]


def test_a_host_that_was_asked_and_has_no_vip_is_not_taken_for_the_holder() -> None:
    answers = told_by(reports(holder=""), "10.0.0.13")
    [said] = told(AN_UP, answers)
    assert said.startswith("VRRP|m2, m1|no balancer has 10.0.0.10")


def test_a_balancer_that_leaves_is_a_second_holder_as_anyone() -> None:
    answers = told_by(reports(), "10.0.0.13")
    report(answers, "m3", addresses=frozenset({"10.0.0.13", VIP}))
    [said] = told(AN_UP, answers)
    assert said.startswith("VRRP|m1, m3|2 hosts have 10.0.0.10 at once")


def test_once_the_up_is_over_only_a_balancer_may_have_the_vip() -> None:
    """`python -m components verify`: whoever is still told then was not removed, whatever the reason."""
    gone = told_by(reports(holder=""), "10.0.0.14")
    [said] = told(questions(), gone)
    assert said.startswith("VRRP|m2, m1|no balancer has 10.0.0.10")
    assert told(questions(), told_by(reports(holder="m3"), "10.0.0.13")) == [
        "VRRP|m3|has 10.0.0.10, and is no balancer"
    ]
    assert told(AN_UP, reports(holder="m3")) == ["VRRP|m3|has 10.0.0.10, and is no balancer"]


def test_a_balancer_that_ssh_does_not_reach_is_named_and_no_holder_is_missed() -> None:
    answers = reports()
    answers["m1"] = Unreachable("root@h cannot be reached: timed out")
    assert told(questions(), answers) == ["SSH|m1|root@h cannot be reached: timed out"]
    assert not judge(questions(), answers, None).failures[0].final, "it may be booting"
    answers["m1"] = LoginRefused("root@h refuses the login")
    assert judge(questions(), answers, None).failures[0].final


def test_a_stopped_haproxy_and_a_closed_security_group_are_told_apart() -> None:
    answers = reports()
    for name in NAMES:
        report(answers, name, seen(GOOD, GOOD, REFUSED))
    report(answers, "m2", findings=("service: haproxy is inactive",))
    assert [one.split("|")[:2] for one in told(questions(), answers)] == [
        ["service", "m2"],
        ["HAProxy", "m2"],
    ]
    answers = reports()
    for name in ("m1", "m3"):
        report(answers, name, seen(GOOD, GOOD, DROPPED))
    assert [one.split("|")[:2] for one in told(questions(), answers)] == [["security group", "m2"]]


def test_a_vip_that_only_its_holder_reaches_is_the_havip() -> None:
    answers = reports()
    for name in ("m2", "m3"):
        report(answers, name, seen(DROPPED, GOOD, GOOD))
    [said] = told(questions(), answers)
    assert said.startswith("HaVip|m1|only its holder reaches the VIP (10.0.0.10:16443)")


def test_drift_is_named_with_its_difference() -> None:
    answers = reports()
    report(answers, "m2", findings=("files: /etc/haproxy/haproxy.cfg is not:\n    -a\n    +b", "cannot look"))
    first, second = judge(questions(), answers, None).failures
    assert (first.layer, first.host, first.final) == ("files", "m2", True)
    assert first.said.splitlines()[1:] == ["    -a", "    +b"]
    assert (second.layer, second.said) == ("service", "cannot look")


def test_the_way_from_outside_is_asked_last() -> None:
    asked = questions(outside="https://203.0.113.1:16443")
    [said] = told(asked, reports(), DROPPED)
    assert said.startswith("EIP||https://203.0.113.1:16443 takes no connection")
    assert told(asked, reports(through=NONE, direct=REFUSED), NONE) == []
    [said] = told(asked, reports(), NONE)
    assert said.startswith("EIP||https://203.0.113.1:16443 answers every host, but not this machine: ")


def test_a_host_is_asked_everything_in_one_script() -> None:
    asked = questions()
    [balancer, _, backend] = [replace(host) for host in asked.hosts]
    balancer = replace(balancer, checks={"haproxy": "==== owner cp\n", "password": "secret"})
    text = script(asked, balancer)
    assert "ask 10.0.0.10:16443 'https://10.0.0.10:16443/readyz?verbose&exclude=etcd'" in text
    assert "check haproxy <<'==== end'\n==== owner cp\n==== end\n" in text
    assert "check password <<'==== end'\nsecret\n==== end\n" in text
    assert text.count(":6443 ") == 3
    assert "hostctl\n==== end\ncheck tool </dev/null\n" in text
    assert "\nleavers\n" in text, "whom it tells although it leaves"
    plain = script(asked, backend)
    assert "ask 10.0.0.11:16443 " in plain
    assert ":6443" not in plain
    assert "hostctl" not in plain


def test_what_a_host_printed_is_read() -> None:
    found = parse(
        "==== addresses\n10.0.0.11\n10.0.0.10\n==== leavers\n10.0.0.14\n"
        "==== check tool\n==== check haproxy\nfiles: a is not:\n    -x\n    +y\n"
        "service: haproxy is failed\n==== ask a:1\n200 0.001 0\n==== ask b:1\n000 0.000000 28\n"
        "curl: (28) Connection timed out\n==== ask c:2\n000 0.002 56\ncurl: (56) Recv failure\n==== end\n"
    )
    assert found.addresses == {"10.0.0.11", "10.0.0.10"}
    assert found.leavers == {"10.0.0.14"}
    assert found.findings == ("files: a is not:\n    -x\n    +y", "service: haproxy is failed")
    assert found.answers == {
        "a:1": Answer(200, connected=True),
        "b:1": Answer(silent=True, said="Connection timed out"),
        "c:2": Answer(connected=True, said="Recv failure"),
    }


@pytest.mark.parametrize(
    ("printed", "connected", "silent"),
    [
        ("000 0.000000 7\ncurl: (7) Failed to connect to 10.0.0.10 port 16443", False, False),
        ("000 0.000000 28\ncurl: (28) Connection timed out after 5000 ms", False, True),
        ("000 0.000000 28\ncurl: (28) SSL connection timeout", True, False),
        ("000 0.001000 28\ncurl: (28) Operation timed out", True, False),
        ("000 0.000000 35\ncurl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL", True, False),
        ("000 0.000000 56\ncurl: (56) Recv failure: Connection reset by peer", True, False),
    ],
)
def test_a_connection_that_haproxy_closes_is_one(printed: str, connected: bool, silent: bool) -> None:
    found = parse(f"==== ask a:1\n{printed}\n==== end\n").answers["a:1"]
    assert (found.connected, found.silent) == (connected, silent)


def test_without_curl_the_host_says_so() -> None:
    found = parse("==== ask a:1\n127\nbash: line 9: curl: command not found\n==== end\n")
    assert str(found.answers["a:1"]) == "bash: line 9: curl: command not found"


def test_the_report_has_a_line_for_each_layer_and_the_log_lines() -> None:
    answers = reports()
    report(answers, "m2", findings=("service: haproxy is inactive",))
    verdict = judge(questions(), answers, None)
    outcome = Outcome(questions(), verdict, {"m2 haproxy": "Stopped haproxy.service"})
    text = as_text(outcome)
    assert "  FAIL  service         m2: haproxy is inactive\n" in text
    assert "  ok    VRRP            m1 alone has 10.0.0.10\n" in text
    assert "last log lines of haproxy on m2:\n      Stopped haproxy.service" in text
    assert "[service] m2: haproxy is inactive\n" in complaint(outcome)
    assert "KEY" not in text


def sent(stdin: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the program that an `up` runs, alone."""
    command = [sys.executable, "-I", "-c", render.local_script("verify.py")]
    return subprocess.run(command, input=json.dumps(stdin), capture_output=True, text=True, check=False)


def test_the_program_that_is_sent_needs_nothing_beside_it() -> None:
    raw = {**questions(timeout_s=0).__dict__, "vips": [questions().vip.__dict__]}
    done = sent({**raw, "hosts": [], "balancers": [], "backends": []})
    assert done.returncode == 1, done.stderr
    assert (
        "the endpoint 'cp' does not hold what it promises:\n[VRRP] no balancer has 10.0.0.10" in done.stderr
    )


def test_off_asks_nothing_even_if_that_is_learned_late() -> None:
    done = sent({"mode": "off"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verdict_without_answers_is_no_success() -> None:
    gone: dict[str, Report | SshError] = {name: Unreachable("gone") for name in NAMES}
    verdict = judge(questions(), gone, None)
    assert isinstance(verdict, Verdict)
    assert {one.layer for one in verdict.failures} == {"SSH"}


def exported(**modes: str) -> str:
    """What ``pulumi stack export`` prints of endpoints by name, with what `verify` is of each."""
    ours, urn = "kube-apiserver-havip:index", "urn:pulumi:dev::p::{}::{}".format
    resources: list[dict[str, Any]] = []
    for name, mode in modes.items():
        vip = urn(f"{ours}:ApiServerVip", name)
        resources.append({"type": f"{ours}:ApiServerVip", "urn": vip})
        if mode != "off":
            kind = f"{ours}:Verification"
            outputs = {"questions": {"mode": mode}}
            resources.append({"type": kind, "urn": urn(kind, name), "parent": vip, "outputs": outputs})
    return json.dumps({"deployment": {"resources": resources}})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take whatever is verified for what it should be; the names of it."""
    found: list[str] = []

    def verify_all(
        _stack: str, endpoints: list[state.Endpoint], *_: object, **__: object
    ) -> dict[str, Outcome]:
        found.extend(one.name for one in endpoints)
        return {one.name: Outcome(questions(), judge(questions(), reports(), None), {}) for one in endpoints}

    monkeypatch.setattr(verify, "verify_all", verify_all)
    return found


def test_an_endpoint_whose_verify_is_off_is_named_and_passed_over(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(state, "run_pulumi", lambda *_: exported(blue="auto", green="off"))
    assert verify.main([]) == 0
    assert asked == ["blue"]
    assert "not verified: green: verify is off" in capsys.readouterr().err
    assert verify.main(["blue"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["green"], "no endpoint to verify"),
        (["red"], "red: not an endpoint of this stack; there is: blue, green"),
    ],
)
def test_what_cannot_be_verified_is_no_success(
    names: list[str],
    said: str,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(state, "run_pulumi", lambda *_: exported(blue="auto", green="off"))
    assert verify.main(names) == 2
    assert said in capsys.readouterr().err
    assert asked == []


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"masterInstanceId": "i-m1", "associatedInstances": ["i-m1", "i-m2", "i-left"]}, ""),
        ({"masterInstanceId": "i-m2", "associatedInstances": ["i-m1", "i-m2"]}, "the cloud says i-m2 has"),
        (None, "the cloud does not have the HaVip: `pulumi refresh --skip-preview --yes"),
        (
            {"masterInstanceId": "i-m1", "associatedInstances": ["i-m1"]},
            "m2 (i-m2) is not attached to the HaVip and cannot take over: `pulumi refresh --target urn:a2 "
            "--skip-preview --yes`",
        ),
    ],
)
def test_the_cloud_knows_the_holder_and_every_balancer(
    outputs: dict[str, Any] | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = None if outputs is None else {"outputs": outputs}
    event = {"resOutputsEvent": {"metadata": {"urn": "urn:havip", "new": new}}}
    monkeypatch.setattr(cloud_view, "run_pulumi", lambda *_, **__: json.dumps(event) + "\n")
    monkeypatch.setattr(verify, "_questions", lambda _: questions())
    fine = Outcome(questions(), judge(questions(), reports(), None), {})
    monkeypatch.setattr(verify, "verify", lambda *_: fine)
    endpoint = state.Endpoint("cp", "urn:havip", {"i-m2": "urn:a2"}, {"mode": "auto"}, ())
    outcome = verify.verify_all("", [endpoint], 0, cloud=True)["cp"]
    told = [(failure.layer, failure.said) for failure in outcome.verdict.failures]
    assert len(told) == bool(said)
    assert all(layer == "cloud" and said in words for layer, words in told)


def test_each_attachment_is_known_by_its_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.loads(exported(blue="auto"))
    parent = whole["deployment"]["resources"][0]["urn"]
    one = {"type": "alicloud:vpc/hAVipAttachment:HAVipAttachment", "urn": "urn:a2", "parent": parent}
    whole["deployment"]["resources"] += [
        {**one, "inputs": {"instanceId": "i-2"}},
        {**one, "inputs": {"instanceId": "i-old"}, "delete": True},
    ]
    monkeypatch.setattr(state, "run_pulumi", lambda *_: json.dumps(whole))
    [found] = state.endpoints()
    assert found.attachments == {"i-2": "urn:a2"}
