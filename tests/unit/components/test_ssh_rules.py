"""Rules on SSH: what nobody could log in with, or would land on a wrong host, is refused before anything changes."""

import base64
import itertools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from components import ApiServerVip, ApiServerVipArgs
from components.preflight import configured
from components.rules import claims
from components.rules.judge import judge_known
from tests.unit.components import examples
from tests.unit.components.engine import revealed, run
from tests.unit.components.examples import KEY, LOCKED_KEY, pem

pytestmark = pytest.mark.unit
PASSPHRASE = "open sesame"
BASTION = {"host": "203.0.113.5"}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no endpoints of other tests beside those of these."""
    monkeypatch.setattr(claims, "of_this_run", claims.Claims)


def openssh_key(cipher: str) -> str:
    """Return the beginning of a key as ssh-keygen writes it."""
    begin = b"openssh-key-v1\0" + len(cipher).to_bytes(4, "big") + cipher.encode() + bytes(64)
    return pem("OPENSSH PRIVATE KEY", base64.encodebytes(begin).decode().strip())


def arguments(first: Any = None, second: Any = None, **ssh: Any) -> dict[str, Any]:
    """Return arguments with these connections of the two balancers, and of all hosts."""
    args = examples.topology() | {"vswitch_id": "vsw-1", "ssh": {"private_key": KEY, **ssh}}
    for number, own in enumerate((first, second)):
        args["balancers"][number] |= {"instance_id": f"i-{number}", **({"ssh": own} if own else {})}
    return args


@pytest.mark.parametrize(
    ("changes", "ssh", "where"),
    [
        ({"port": 22}, {}, "port"),
        ({"monitor_port": 2222}, {"port": 2222}, "monitor_port"),
        ({"additional_ports": [443, 22]}, {}, "additional_ports[1]"),
    ],
)
def test_haproxy_cannot_have_sshd_s_port(changes: dict[str, Any], ssh: dict[str, Any], where: str) -> None:
    said = refusal(arguments(**ssh) | changes)
    assert f"- {where} = " in said
    assert "is where the balancers' sshd listens; use another port" in said
    assert said.count("sshd listens") == 1
    elsewhere = arguments({"host": "203.0.113.1"}, {"host": "203.0.113.2"}, **ssh)
    assert "sshd listens" not in refusal(elsewhere | changes), "another port may lead there"


def refusal(args: dict[str, Any]) -> str:
    """What is said of them; empty if nothing is."""
    try:
        judge_known("cp", args)
    except pulumi.RunError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("ssh", "said"),
    [
        ({"port": 0}, "ssh.port = 0: is not a TCP port; use 1 to 65535"),
        ({"port": 99999}, "ssh.port = 99999: is not a TCP port"),
        ({"user": "a b"}, "ssh.user = 'a b': has white space in it; write the user as one word"),
        ({"proxy": {**BASTION, "port": 65536}}, "ssh.proxy.port = 65536: is not a TCP port"),
        ({"proxy": {"host": "a b"}}, "ssh.proxy.host = 'a b': has white space"),
        ({"proxy": {"host": "x$(evil)"}}, "ssh.proxy.host = 'x$(evil)': is no name or address of a host"),
        ({"proxy": {"host": "-oProxyCommand=x"}}, "is no name or address of a host"),
        ({"agent_socket_path": 'x" y'}, "is no path of a socket"),
        ({"proxy": {"host": ""}}, "ssh.proxy.host = '': is empty"),
        ({"proxy": {**BASTION, "private_key": "x"}}, "ssh.proxy.private_key = '[secret]': is no private key"),
        ({"private_key": "x"}, "ssh.private_key = '[secret]': is no private key; give the text of one"),
        ({"private_key": "ssh-ed25519 AAAA me@here"}, "ssh.private_key = '[secret]': is no private key"),
        ({"private_key": pem("PUBLIC KEY")}, "ssh.private_key = '[secret]': is no private key"),
        ({"private_key": pem("OPENSSH PRIVATE KEY")}, "ssh.private_key = '[secret]': is no private key"),
        ({"private_key": pem("OPENSSH PRIVATE KEY", "é")}, "ssh.private_key = '[secret]': is no private key"),
        ({"private_key": KEY.splitlines()[0]}, "ssh.private_key = '[secret]': is no private key"),
        ({"private_key": LOCKED_KEY}, "has a passphrase; give that as private_key_password"),
        ({"private_key": openssh_key("aes256-ctr")}, "has a passphrase; give that as private_key_password"),
        ({"private_key_password": PASSPHRASE}, "has no passphrase, and private_key_password is given"),
        (
            {"private_key": pem("ENCRYPTED PRIVATE KEY"), "private_key_password": PASSPHRASE},
            "in a form (PKCS #8) that Pulumi's plugin cannot read; write it in OpenSSH's own with ssh-keygen",
        ),
    ],
)
def test_what_nobody_could_log_in_with_is_refused(ssh: dict[str, Any], said: str) -> None:
    words = refusal(arguments(**ssh))
    assert said in words
    assert words.count("\n") == 1, "said once, though two hosts have it in common"
    for secret in (PASSPHRASE, "QQ==", "AAAA"):
        assert secret not in words


@pytest.mark.parametrize(
    "ssh",
    [
        {"port": 2222, "user": "ops", "proxy": {**BASTION, "port": 22, "private_key": KEY}},
        {"private_key": LOCKED_KEY, "private_key_password": PASSPHRASE},
        {"private_key": LOCKED_KEY.replace("\n", "\r\n"), "private_key_password": PASSPHRASE},
        {"private_key": openssh_key("aes256-ctr"), "private_key_password": PASSPHRASE},
        {"private_key": openssh_key("none"), "private_key_password": ""},
        {"private_key": f"a comment\n{KEY.strip()}"},
        {"private_key": "", "password": PASSPHRASE},
        {"private_key": None, "agent_socket_path": "/run/agent"},
    ],
)
def test_what_logs_in_is_let_through(ssh: dict[str, Any]) -> None:
    assert refusal(arguments(**ssh)) == ""


def test_a_key_is_judged_with_the_passphrase_that_its_host_has() -> None:
    locked = {"private_key": LOCKED_KEY}
    assert refusal(arguments({"private_key_password": "a"}, {"private_key_password": "b"}, **locked)) == ""
    words = refusal(arguments(locked, {**locked, "private_key_password": "b"}))
    assert "balancers[0].ssh.private_key = '[secret]': has a passphrase" in words
    assert "balancers[1]" not in words
    words = refusal(arguments({"private_key_password": "a"}, **locked))
    assert "ssh.private_key = '[secret]': has a passphrase" in words, "the second balancer has none"


def test_what_is_not_known_yet_is_not_judged() -> None:
    said: list[str] = []

    def program() -> None:
        later = pulumi.Output.from_input(PASSPHRASE)
        for ssh in ({"private_key": later}, {"private_key": LOCKED_KEY, "private_key_password": later}):
            said.append(refusal(arguments(**ssh)))
        place = pulumi.Output.from_input("192.0.2.1")
        said.append(refusal(arguments({"host": place}, {"host": place})))
        said.append(refusal(arguments(private_key_password=later)))

    assert run(program, preview=True).error == ""
    assert said == [""] * 4


Hosts = tuple[dict[str, Any], dict[str, Any]]
SAME: dict[str, tuple[Hosts, str]] = {
    "one host": (({"host": "192.0.2.1"}, {"host": "192.0.2.1"}), "balancers[1].ssh.host = '192.0.2.1'"),
    "one host and port": (
        ({"host": "192.0.2.1", "port": 22}, {"host": "192.0.2.1"}),
        "balancers[1].ssh.host = '192.0.2.1'",
    ),
    "the other one's address": (({}, {"host": "10.0.0.11"}), "balancers[1].ssh.host = '10.0.0.11'"),
    "an address taken": (({"host": "10.0.0.12"}, {}), "balancers[1].address = '10.0.0.12'"),
    "one bastion": (
        ({"host": "h", "proxy": BASTION}, {"host": "h", "proxy": {**BASTION, "user": "ops"}}),
        "balancers[1].ssh.host = 'h'",
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_two_balancers_that_are_one_sshd_are_refused(case: str) -> None:
    hosts, where = SAME[case]
    words = refusal(arguments(*hosts))
    assert f"{where}: is where SSH goes to for balancers[0], too: both would be one host; give each" in words
    assert words.count("\n") == 1


def test_one_host_for_all_balancers_is_refused() -> None:
    assert "ssh.host = '192.0.2.1': is where SSH goes to for balancers[0]" in refusal(
        arguments(host="192.0.2.1")
    )


@pytest.mark.parametrize(
    "hosts",
    [
        ({"host": "192.0.2.1", "port": 2201}, {"host": "192.0.2.1", "port": 2202}),
        ({"host": "192.0.2.1"}, {"host": "192.0.2.2"}),
        ({"host": "m", "proxy": {"host": "east"}}, {"host": "m", "proxy": {"host": "west"}}),
        ({"host": "m", "proxy": BASTION}, {"host": "m", "proxy": {**BASTION, "port": 2222}}),
        ({"host": "10.0.0.12"}, {"host": "10.0.0.11"}),
        ({"host": "gateway", "user": "ops@m1"}, {"host": "gateway", "user": "ops@m2"}),
    ],
)
def test_hosts_that_are_told_apart_somehow_are_let_through(hosts: Hosts) -> None:
    assert refusal(arguments(*hosts)) == ""


def test_everything_that_is_wrong_with_ssh_comes_at_once() -> None:
    words = refusal(arguments({"host": "a\tb", "port": 0}, {"user": "a b"}, private_key="x"))
    for where in (
        "balancers[0].ssh.host",
        "balancers[0].ssh.port",
        "balancers[1].ssh.user",
        "ssh.private_key",
    ):
        assert where in words


def test_a_passphrase_reaches_whatever_logs_in() -> None:
    proxy = {**BASTION, "private_key": LOCKED_KEY, "private_key_password": PASSPHRASE}
    args = arguments(private_key=LOCKED_KEY, private_key_password=PASSPHRASE, proxy=proxy)
    got = run(lambda: ApiServerVip("cp", cast(ApiServerVipArgs, args)), preview=False)
    assert got.error == ""
    for command in got.of("remote:Command").values():
        connection = revealed(command.inputs["connection"])
        assert connection["privateKeyPassword"] == connection["proxy"]["privateKeyPassword"] == PASSPHRASE
    local = got.of("local:Command")
    for name, what in {"cp-k8s-master01-removal": "environment", "cp-verify": "stdin"}.items():
        assert PASSPHRASE in str(revealed(local[name].inputs[what])), name
        assert what in local[name].secrets
    learned = local["cp-k8s-master01-host-key"]
    assert PASSPHRASE in str(learned.inputs["environment"]), "a bastion is entered to learn the host's key"
    assert "environment" in learned.secrets


AGENT: dict[str, tuple[dict[str, Any], bool]] = {
    "a key": ({}, True),
    "an agent of its own": ({"agent_socket_path": "/run/agent"}, False),
    "an agent of its own, and none on the bastion": (
        {"agent_socket_path": "/run/agent", "proxy": BASTION},
        True,
    ),
    "agents of their own": (
        {"agent_socket_path": "/run/agent", "proxy": {**BASTION, "agent_socket_path": "/run/agent"}},
        False,
    ),
    "an empty path": ({"agent_socket_path": ""}, True),
}


@pytest.mark.parametrize("case", AGENT)
def test_an_agent_that_has_ended_is_said_before_anything_is_registered(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh, asked = AGENT[case]
    path = tmp_path / "agent"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))

    def program() -> None:
        ApiServerVip.check("cp", arguments(**ssh))

    def up() -> None:
        ApiServerVip("cp", cast(ApiServerVipArgs, arguments(**ssh)))

    for preview, part in itertools.product((True, False), (program, up)):
        got = run(part, preview=preview)
        said = f"SSH_AUTH_SOCK = {str(path)!r}: no SSH agent answers there (No such file or directory)"
        assert (said in got.error) == (asked and not preview), "a preview logs in nowhere"
        assert bool(got.error) == (asked and not preview)
        assert not (got.error and got.resources)
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(path))
        assert ("(Connection refused)" in run(program, preview=False).error) == asked
        agent.listen()
        assert run(program, preview=False).error == ""


def test_an_agent_at_an_empty_path_is_none_at_all() -> None:
    proxy = {**BASTION, "private_key": KEY, "host_key": "any", "agent_socket_path": ""}
    args = arguments(proxy=proxy, agent_socket_path="")
    got = run(lambda: ApiServerVip("cp", cast(ApiServerVipArgs, args)), preview=False)
    assert got.error == ""
    for command in got.of("remote:Command").values():
        connection = revealed(command.inputs["connection"])
        assert connection.get("agentSocketPath") is None
        assert connection["proxy"].get("agentSocketPath") is None


@pytest.fixture
def key_file(tmp_path: Path) -> Callable[[str], str]:
    """Return what writes a key and returns its path."""

    def write(text: str) -> str:
        file = tmp_path / "key"
        file.write_text(text)
        return str(file)

    return write


@pytest.mark.parametrize(
    ("text", "passphrase", "said"),
    [
        (LOCKED_KEY, "", "has a passphrase; give that as sshKeyPassphrase, as a secret"),
        (KEY, PASSPHRASE, "has no passphrase, and sshKeyPassphrase is given; leave sshKeyPassphrase out"),
        ("ssh-ed25519 AAAA me", "", "is no private key"),
    ],
)
def test_a_configured_key_that_nobody_could_log_in_with_is_refused(
    text: str, passphrase: str, said: str, key_file: Callable[[str], str]
) -> None:
    path = key_file(text)
    with pytest.raises(pulumi.RunError) as refused:
        configured.private_key(path, passphrase)
    assert f"sshPrivateKeyFile = {path!r}: {said}" in str(refused.value)


def test_the_masters_are_tried_as_they_are_configured(key_file: Callable[[str], str]) -> None:
    key = {
        "private_key": configured.private_key(key_file(LOCKED_KEY), PASSPHRASE),
        "private_key_password": PASSPHRASE,
    }
    proxy = configured.ssh_proxy({"host": "gate", "port": 2222, "hostKey": "any"}, key)
    known: Any = [
        {"name": "m1", "address": "10.0.0.11", "instance_id": "i-1", "ssh_host": "192.0.2.1"},
        {"name": "m2", "address": "10.0.0.12", "instance_id": "i-2"},
        {"name": "m3", "address": "10.0.0.13"},
    ]
    logins = configured.logins(known, ["m1"], {"user": "ops", **key, "proxy": proxy})
    assert [(one.name, one.balancer) for one in logins] == [("m1", True), ("m2", False)], (
        "m3 is to be created"
    )
    assert [one.endpoint.host for one in logins] == ["192.0.2.1", "10.0.0.12"]
    for one in logins:
        gate = one.endpoint.proxy
        assert gate is not None
        assert (gate.host, gate.port, gate.user, gate.passphrase) == ("gate", 2222, "root", PASSPHRASE)
        assert (one.endpoint.user, one.endpoint.port, one.endpoint.passphrase) == ("ops", 22, PASSPHRASE)
        assert one.endpoint.private_key == gate.private_key == LOCKED_KEY


def test_a_masters_own_ssh_settings_are_taken_from_the_configuration() -> None:
    raw = [{"name": "m1", "address": "10.0.0.11", "sshHost": "192.0.2.1", "hostKey": "any"}]
    assert configured.ssh_args(raw) == {"m1": {"host": "192.0.2.1", "host_key": "any"}}
