"""The scripts around a host's life, run as Pulumi runs them, against real servers: its key learned, itself undone."""

import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import render
from sandbox.hosts import images
from templates.openssh import Endpoint
from tests.hosts.conftest import IMAGE
from tests.hosts.sshd import Sshd, free_port, new_key

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The host."""
    image = images.ensure_image(IMAGE, lambda _: None)
    with Sshd(tmp_path_factory.mktemp("host"), image).running() as running:
        yield running


@pytest.fixture
def host(server: Sshd) -> Endpoint:
    """The way to it, as it should be."""
    return Endpoint("127.0.0.1", server.port, private_key=server.key.read_text(), host_key=server.host_key())


def script(
    name: str, endpoint: Endpoint, command: str = "", patience_s: float = 0, **more: str
) -> tuple[int, str]:
    """Run a script with the environment that its command gives it; exit code and all it said."""
    done = subprocess.run(
        ["python3", "-"],
        input=render.local_script(name),
        env={
            "PATH": os.environ["PATH"],
            "HAVIP_SSH": json.dumps(dataclasses.asdict(endpoint)),
            "HAVIP_PATIENCE_S": str(patience_s),
            "HAVIP_HOST": "m1",
            "HAVIP_COMMAND": command,
            **more,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_key_is_the_one_that_the_plugin_asks_for_first(server: Sshd, host: Endpoint) -> None:
    stranger = Endpoint(host.host, host.port)
    assert script("host_key.py", stranger) == (0, server.host_key("ecdsa") + "\n")


def test_a_host_that_never_answers_is_waited_for_as_long_as_said() -> None:
    began = time.monotonic()
    code, said = script("host_key.py", Endpoint("127.0.0.1", free_port()), patience_s=3)
    assert code == 1
    assert "Connection refused" in said.splitlines()[-1]
    assert 3 <= time.monotonic() - began < 30


def test_a_host_that_may_be_down_has_no_key_then() -> None:
    nobody = Endpoint("127.0.0.1", free_port())
    code, said = script("host_key.py", nobody, HAVIP_MAY_BE_DOWN="yes")
    assert code == 0
    assert "ecdsa" not in said
    assert "Connection refused" in said, "it is said why"


def test_a_host_is_undone(host: Endpoint) -> None:
    assert script("remove_host.py", host, "echo gone; echo quite >&2") == (0, "gone\nquite\n")


def test_a_removal_that_fails_is_an_error(host: Endpoint) -> None:
    code, said = script("remove_host.py", host, "echo no >&2; exit 3")
    assert (code, said.splitlines()[0]) == (1, "no")
    assert "m1: the removal ended with 3" in said


def test_a_dead_host_holds_nobody_up(host: Endpoint) -> None:
    code, said = script(
        "remove_host.py", dataclasses.replace(host, port=free_port()), "rm things", patience_s=3
    )
    assert code == 0
    assert said.startswith("m1 does not answer, nothing was removed there.")
    assert "run there: rm things" in said


def test_another_host_at_its_address_is_left_alone(host: Endpoint, tmp_path: Path) -> None:
    other = " ".join(new_key(tmp_path / "other", "ecdsa").with_suffix(".pub").read_text().split()[:2])
    code, said = script("remove_host.py", dataclasses.replace(host, host_key=other), "touch /etc/touched")
    assert (code, said.partition(" at ")[0]) == (0, "m1: another host is")
    assert script("remove_host.py", host, "ls /etc/touched")[0] == 1


def test_a_refused_login_is_an_error(host: Endpoint, tmp_path: Path) -> None:
    stranger = new_key(tmp_path / "stranger").read_text()
    code, said = script("remove_host.py", dataclasses.replace(host, private_key=stranger), "true")
    assert code == 1
    assert said.startswith("m1: nothing was removed there: root@127.0.0.1")
