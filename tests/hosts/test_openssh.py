"""The scripts' way to a host, against real servers: what gets in, and in which words everything else fails."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.rendering import render
from sandbox.hosts import images
from templates.local import openssh
from templates.local.openssh import Endpoint, HostKeyDiffers, LoginRefused, TimedOut, Unreachable
from tests.hosts.conftest import IMAGE
from tests.hosts.sshd import PASSWORD, Sshd, new_key
from tests.ports import free_port

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]

ORDER = "ecdsa-sha2-nistp256,rsa-sha2-256,ssh-ed25519"


@pytest.fixture(scope="module")
def image() -> Path:
    """The root directory of a host's image."""
    return images.ensure_image(IMAGE, lambda _: None)


@pytest.fixture(scope="module")
def server(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The host to reach."""
    with Sshd(tmp_path_factory.mktemp("target"), image).running() as running:
        yield running


@pytest.fixture(scope="module")
def gate(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The bastion."""
    with Sshd(tmp_path_factory.mktemp("bastion"), image).running() as running:
        yield running


@pytest.fixture
def target(server: Sshd) -> Endpoint:
    """The way to the host, as it should be."""
    return Endpoint("127.0.0.1", server.port, private_key=server.key.read_text(), host_key=server.host_key())


@pytest.fixture
def bastion(gate: Sshd) -> Endpoint:
    """The way to the bastion, as it should be."""
    return Endpoint("127.0.0.1", gate.port, private_key=gate.key.read_text(), host_key=gate.host_key())


def test_a_command_runs_there_and_its_streams_come_back_apart(target: Endpoint) -> None:
    done = openssh.run(target, "cat; echo oops >&2; exit 7", stdin="line\n")
    assert done == openssh.Result(7, "line\n", "oops\n")


def test_exit_code_255_is_the_commands_own(target: Endpoint) -> None:
    assert openssh.run(target, "echo gone >&2; exit 255") == openssh.Result(255, "", "gone\n")


def test_any_of_the_hosts_keys_may_be_the_expected_one(target: Endpoint, server: Sshd) -> None:
    other = dataclasses.replace(target, host_key=f"somebody {server.host_key('ed25519')} a comment")
    assert openssh.run(other, "echo in").stdout == "in\n"


def test_a_key_as_copied_from_a_form(target: Endpoint) -> None:
    copied = target.private_key.strip().replace("\n", "\r\n")
    assert openssh.run(dataclasses.replace(target, private_key=copied), "echo in").stdout == "in\n"


def test_a_key_with_a_passphrase(image: Path, tmp_path: Path) -> None:
    locked = new_key(tmp_path / "locked", passphrase="open sesame")
    server = Sshd(tmp_path / "server", image)
    server.authorize(locked.with_suffix(".pub"))
    with server.running():
        host = Endpoint("127.0.0.1", server.port, private_key=locked.read_text(), passphrase="open sesame")
        assert openssh.run(host, "echo in").stdout == "in\n"
        with pytest.raises(LoginRefused):
            openssh.run(dataclasses.replace(host, passphrase="wrong"), "true")
        with pytest.raises(LoginRefused):
            openssh.run(dataclasses.replace(host, passphrase=""), "true")


def test_a_password(server: Sshd) -> None:
    host = Endpoint("127.0.0.1", server.port, password=PASSWORD, host_key=server.host_key())
    assert openssh.run(host, "echo in").stdout == "in\n"
    with pytest.raises(LoginRefused, match="Permission denied"):
        openssh.run(dataclasses.replace(host, password="wrong"), "true")


def test_an_agent(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "agent").exists():
            time.sleep(0.01)
        path = str(tmp_path / "agent")
        adding = {**os.environ, "SSH_AUTH_SOCK": path}
        subprocess.run(["ssh-add", "-q", str(server.key)], env=adding, check=True)
        host = Endpoint("127.0.0.1", server.port, agent_socket=path)
        assert openssh.run(host, "echo in").stdout == "in\n"
        without = dataclasses.replace(host, agent_socket="")
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        with pytest.raises(LoginRefused):
            openssh.run(without, "true")
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert openssh.run(without, "echo in").stdout == "in\n"
    finally:
        agent.kill()
        agent.wait()


def test_through_a_bastion_with_a_login_of_its_own(target: Endpoint, bastion: Endpoint) -> None:
    through = dataclasses.replace(target, proxy=bastion)
    assert openssh.run(through, "cat", stdin="x" * 100_000).stdout == "x" * 100_000
    by_password = dataclasses.replace(bastion, private_key="", password=PASSWORD)
    assert openssh.run(dataclasses.replace(target, proxy=by_password), "echo in").stdout == "in\n"


def test_what_a_bastion_does_not_do_is_told_apart(
    target: Endpoint, bastion: Endpoint, tmp_path: Path
) -> None:
    stranger = new_key(tmp_path / "stranger").read_text()

    def failing(**changes: object) -> str:
        proxy = dataclasses.replace(bastion, **changes)  # type: ignore[arg-type]
        with pytest.raises(openssh.SshError) as raised:
            openssh.run(dataclasses.replace(target, proxy=proxy), "true")
        return f"{type(raised.value).__name__}: {raised.value}"

    assert failing(private_key=stranger).startswith("LoginRefused: bastion root@127.0.0.1")
    assert failing(host_key=target.host_key).startswith("HostKeyDiffers: bastion")
    assert failing(port=free_port()).startswith("Unreachable: bastion")
    dark = dataclasses.replace(target, port=free_port(), proxy=bastion)
    with pytest.raises(Unreachable, match="Connection refused"):
        openssh.run(dark, "true")
    with pytest.raises(LoginRefused, match=rf"^root@127.0.0.1:{target.port} \(through"):
        openssh.run(dataclasses.replace(target, private_key=stranger, proxy=bastion), "true")
    with pytest.raises(HostKeyDiffers, match=rf"^root@127.0.0.1:{target.port} \(through"):
        openssh.run(dataclasses.replace(target, host_key=bastion.host_key, proxy=bastion), "true")


def test_another_host_key_stops_it_before_anything_is_told(target: Endpoint, bastion: Endpoint) -> None:
    wrong = dataclasses.replace(target, host_key=bastion.host_key)
    with pytest.raises(HostKeyDiffers, match=r"SHA256:.*than the expected ecdsa"):
        openssh.run(wrong, "true")


def test_a_host_key_of_a_kind_that_the_host_has_not(target: Endpoint, tmp_path: Path) -> None:
    rsa = " ".join(new_key(tmp_path / "rsa", "rsa").with_suffix(".pub").read_text().split()[:2])
    with pytest.raises(HostKeyDiffers):
        openssh.run(dataclasses.replace(target, host_key=rsa), "true")


def test_nobody_there(target: Endpoint) -> None:
    with pytest.raises(Unreachable, match="Connection refused"):
        openssh.run(dataclasses.replace(target, port=free_port()), "true")
    with pytest.raises(Unreachable, match="resolve"):
        openssh.run(dataclasses.replace(target, host="no-such-host.invalid"), "true")


def test_something_that_never_says_hello(target: Endpoint) -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unreachable):
        openssh.run(dataclasses.replace(target, port=silent.getsockname()[1]), "true", timeout_s=3)
    assert time.monotonic() - began < 10


def test_a_command_without_end_is_given_up(target: Endpoint) -> None:
    with pytest.raises(TimedOut, match="no end within 3 s"):
        openssh.run(target, "sleep 60", timeout_s=3)


def test_a_connection_that_breaks_is_no_exit_code(target: Endpoint) -> None:
    with pytest.raises(Unreachable, match="broke"):
        openssh.run(target, 'kill -9 "$PPID"')


def test_patience_ends_with_the_host_or_with_the_time(image: Path, tmp_path: Path) -> None:
    late = Sshd(tmp_path / "late", image)
    host = Endpoint("127.0.0.1", late.port, private_key=late.key.read_text())
    with pytest.raises(Unreachable):
        openssh.patiently(host, "true", timeout_s=5, patience_s=3)
    stop = threading.Event()

    def boot() -> None:
        time.sleep(2)
        with late.running():
            stop.wait(60)

    booting = threading.Thread(target=boot)
    booting.start()
    try:
        assert openssh.patiently(host, "echo in", timeout_s=5, patience_s=40).stdout == "in\n"
    finally:
        stop.set()
        booting.join()


def test_the_host_key_is_learned_in_the_order_asked_for_without_logging_in(
    target: Endpoint, bastion: Endpoint, server: Sshd
) -> None:
    stranger = Endpoint("127.0.0.1", target.port, user="nobody")
    assert openssh.learn_host_key(stranger, ORDER) == server.host_key("ecdsa")
    through = dataclasses.replace(stranger, proxy=bastion)
    assert openssh.learn_host_key(through, "ssh-ed25519," + ORDER) == server.host_key("ed25519")
    with pytest.raises(Unreachable):
        openssh.learn_host_key(dataclasses.replace(stranger, port=free_port()), ORDER)
    wrong = dataclasses.replace(bastion, host_key=target.host_key)
    with pytest.raises(HostKeyDiffers, match="bastion"):
        openssh.learn_host_key(dataclasses.replace(stranger, proxy=wrong), ORDER)


def test_no_secret_is_in_a_command_line_or_stays_on_the_disk(
    server: Sshd, gate: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bastion = Endpoint("127.0.0.1", gate.port, password=PASSWORD)
    host = Endpoint("127.0.0.1", server.port, private_key=server.key.read_text(), proxy=bastion)
    seen: list[str] = []
    running = threading.Thread(target=lambda: openssh.run(host, "sleep 2"))
    running.start()
    while running.is_alive():
        seen.append(
            subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout
        )
        modes = {file.stat().st_mode & 0o077 for file in tmp_path.glob("**/*.key")}
        assert modes <= {0}
        time.sleep(0.1)
    running.join()
    assert any("-W" in text for text in seen), "the bastion's client was seen"
    secret = server.key.read_text().splitlines()[2]
    assert not any(PASSWORD in text or secret in text for text in seen)
    assert not list(tmp_path.iterdir())


def test_a_script_is_whole_and_takes_the_endpoint_from_its_environment(
    target: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "openssh.py").write_text((render.TEMPLATES / "local" / "openssh.py").read_text())
    (tmp_path / "local" / "ask.py").write_text(
        '"""Ask."""\n\nfrom templates.local.openssh import Endpoint, run\n\nimport os\nimport sys\n\n'
        'sys.stdout.write(run(Endpoint.parse(os.environ["HAVIP_SSH"]), "env").stdout)\n'
    )
    monkeypatch.setattr(render, "TEMPLATES", tmp_path)
    said = subprocess.run(
        [sys.executable, "-I", "-"],
        input=render.local_script("ask.py"),
        env={
            "PATH": os.environ["PATH"],
            "HAVIP_SSH": json.dumps({**dataclasses.asdict(target), "port": 1.0 * target.port}),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert "SSH_CONNECTION=" in said.stdout
