"""The scripts around a host's life, run as Pulumi runs them, against real servers: its key learned, itself undone."""

import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.rendering import render
from sandbox.hosts import images
from templates.local.openssh import Endpoint
from templates.local.verify import ask_from_here
from templates.local.verify_asking import Answer
from tests.hosts.conftest import IMAGE
from tests.hosts.monitors import answering
from tests.hosts.sshd import Sshd, new_key
from tests.ports import free_port

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]

NAME = "cp-m1-removal"
WAY_OUT = f"or leave the host as it is, and run this again with HAVIP_LEAVE={NAME} in the environment"


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
            "HAVIP_LIMIT_S": "60",
            "HAVIP_STAYS_ATTACHED": "",
            "HAVIP_NAME": NAME,
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


def test_a_host_that_is_to_be_entered_is_waited_for_until_it_lets_us_in(
    host: Endpoint, tmp_path: Path
) -> None:
    """As an instance behind a bastion boots: it shows its key before it knows ours."""
    late = Sshd(tmp_path, images.ensure_image(IMAGE, lambda _: None))
    way = Endpoint("127.0.0.1", late.port, private_key=late.key.read_text(), proxy=host)
    known = late.keys / "authorized_keys"
    ours = known.read_text()
    known.write_text("")
    with late.running():
        assert script("host_key.py", way) == (0, late.host_key("ecdsa") + "\n"), "its key is shown"
        code, said = script("host_key.py", way, patience_s=1, HAVIP_ENTER="yes")
        assert code == 1
        assert f"root@127.0.0.1:{late.port} (through" in said.splitlines()[-1]
        assert "refuses the login" in said.splitlines()[-1]
    with ThreadPoolExecutor() as pool:
        with late.running():
            waiting = pool.submit(script, "host_key.py", way, patience_s=60, HAVIP_ENTER="yes")
            time.sleep(4)
            assert not waiting.done()
        known.write_text(ours)
        with late.running():
            code, said = waiting.result(60)
    assert code == 0
    assert said.splitlines()[0] == late.host_key("ecdsa"), "nothing else is on its standard output"


def test_a_host_is_undone(host: Endpoint) -> None:
    assert script("remove_host.py", host, "echo gone; echo quite >&2") == (0, "gone\nquite\n")


def test_a_removal_that_fails_is_an_error(host: Endpoint) -> None:
    code, said = script("remove_host.py", host, "echo no >&2; exit 3")
    assert (code, said.splitlines()[0]) == (1, "no")
    assert "m1: the removal ended with 3" in said
    assert WAY_OUT in said, "a host that cannot be mended holds nobody up for good"


def test_a_host_that_hands_over_the_vip_or_cannot_holds_nobody_up(host: Endpoint, tmp_path: Path) -> None:
    assert script("hand_over.py", host, "echo done") == (0, "done\n")
    stranger = dataclasses.replace(host, private_key=new_key(tmp_path / "stranger").read_text())
    for endpoint, command, why in (
        (dataclasses.replace(host, port=free_port()), "true", "Connection refused"),
        (stranger, "true", "Permission denied"),
        (host, "echo no >&2; exit 3", "(no)"),
        (host, "exit 3", "(it ended with 3)"),
    ):
        code, said = script("hand_over.py", endpoint, command)
        assert (code, said.partition(";")[0]) == (0, "m1: hands over nothing")
        assert why in said


def test_a_host_that_cannot_be_undone_is_left_as_it_is_if_one_says_so(host: Endpoint) -> None:
    code, said = script("remove_host.py", host, "echo no >&2; exit 3", HAVIP_LEAVE=f"cp-m2-removal,{NAME}")
    assert code == 0
    assert said.startswith("m1 is left as it is. Its attachment to the HaVip goes")
    assert "run there: echo no" in said
    assert script("remove_host.py", host, "exit 3", HAVIP_LEAVE="cp-m2-removal")[0] == 1


def test_a_dead_host_holds_nobody_up(host: Endpoint) -> None:
    code, said = script(
        "remove_host.py", dataclasses.replace(host, port=free_port()), "rm things", patience_s=3
    )
    assert code == 0
    assert said.startswith("m1 does not answer, nothing was removed there.")
    assert "Its attachment to the HaVip goes" in said
    assert "run there: rm things" in said


def test_a_host_that_hangs_holds_nobody_up_either(host: Endpoint) -> None:
    code, said = script("remove_host.py", host, "sleep 60", HAVIP_LIMIT_S="3")
    assert code == 0
    assert said.startswith("m1 hangs, nobody knows what was removed there.")


def test_it_is_said_of_an_adopted_attachment_that_it_stays() -> None:
    nobody = Endpoint("127.0.0.1", free_port())
    said = script("remove_host.py", nobody, "rm things", HAVIP_STAYS_ATTACHED="yes")[1]
    assert "is adopted and stays" in said
    assert "so that it cannot have the VIP" not in said


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
    assert WAY_OUT in said, "a host that is not in the program any more gets no new key"


def handed_back(**hosts: tuple[Endpoint, str, str]) -> tuple[int, str]:
    """Give back hosts, each with what it runs to listen and to start."""
    told = {
        name: {"ssh": json.dumps(dataclasses.asdict(endpoint)), "heard": heard, "start": start}
        for name, (endpoint, heard, start) in hosts.items()
    }
    return script("hand_back.py", Endpoint("unused"), HAVIP_HOSTS=json.dumps(told))


def test_what_was_held_back_starts_everywhere_after_all_have_listened(host: Endpoint) -> None:
    started = "touch /tmp/started; echo runs"
    code, said = handed_back(
        m1=(host, "true", started),
        m2=(host, "sleep 2; test ! -e /tmp/started || echo 'VRRP is heard for it'", started),
    )
    assert (code, sorted(said.splitlines())) == (0, ["m1: runs", "m2: runs"])


def test_nothing_starts_while_anybody_has_the_vip(host: Endpoint) -> None:
    gone = dataclasses.replace(host, port=free_port())
    code, said = handed_back(
        m1=(host, "true", "echo runs"),
        m2=(host, "echo VRRP is heard for it", "echo runs"),
        m3=(gone, "", "echo runs"),
    )
    assert code == 0
    assert "runs" not in said
    assert "m3: nothing was started there" in said
    assert "on each host: systemctl enable --now keepalived" in said


def test_it_is_left_stopped_if_one_says_so(host: Endpoint) -> None:
    told = {"m1": {"ssh": json.dumps(dataclasses.asdict(host)), "heard": "exit 5", "start": "echo runs"}}
    code, said = script("hand_back.py", Endpoint("unused"), HAVIP_HOSTS=json.dumps(told), HAVIP_LEAVE=NAME)
    assert code == 0
    assert said.startswith("keepalived is left stopped.")


def test_a_shell_that_greets_has_heard_nobody(host: Endpoint) -> None:
    code, said = handed_back(m1=(host, "echo Welcome", "echo runs"))
    assert (code, said.splitlines()[-1]) == (0, "m1: runs")


def test_the_way_from_outside_is_asked_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    port = free_port()
    with answering(port):
        assert ask_from_here(f"http://127.0.0.1:{port}/readyz") == Answer(503, connected=True)


def test_what_does_not_start_is_named_with_a_way_out(host: Endpoint) -> None:
    code, said = handed_back(
        m1=(host, "true", "echo 'no such unit' >&2; exit 5"), m2=(host, "true", "echo runs")
    )
    assert code == 1
    assert "m1: no such unit" in said
    assert "m2: runs" in said
    assert "m1: keepalived was not started; mend what it said and run this again, or leave it stopped" in said
    assert f"run this again with HAVIP_LEAVE={NAME} in the environment" in said
