"""The ``sandbox`` command's own parts: what there is, logs, and what can go from the cache."""

import json
import socket
import sys
import threading
import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from sandbox import lifecycle, logs, prune
from sandbox.cli import app
from sandbox.errors import SandboxError
from sandbox.hosts import images, mirror
from sandbox.hosts.plan import Plan
from sandbox.hosts.spec import HostSpec
from sandbox.settings import Settings

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    return tmp_path


def said(*words: str) -> str:
    """Run the command; what it printed."""
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def commands(group: object, path: str) -> list[tuple[str, object]]:
    """A command and all below it, each with how it is called."""
    below = getattr(group, "commands", {})
    return [(path, group)] + [pair for name, one in below.items() for pair in commands(one, f"{path} {name}")]


def test_every_command_answers_in_json() -> None:
    """But for those that another program takes over."""
    without = {
        path
        for path, command in commands(get_command(app), "sandbox")
        if not hasattr(command, "commands")
        and not any("--json" in option.opts for option in getattr(command, "params", []))
    }
    assert without == {"sandbox ssh", "sandbox stack shell"}


def test_every_command_says_what_it_does_and_every_option_too() -> None:
    for path, command in commands(get_command(app), "sandbox"):
        assert getattr(command, "help", ""), path
        for parameter in getattr(command, "params", []):
            assert getattr(parameter, "help", ""), f"{path}: {parameter.name}"


def test_sandboxes_are_listed_whether_they_run_or_not() -> None:
    assert json.loads(said("list", "--json")) == []
    Settings("lab", 7501, IPv4Network("127.70.0.0/24")).save()
    [found] = json.loads(said("list", "--json"))
    assert found == {
        "name": "lab",
        "api": "127.0.0.1:7501",
        "eip_range": "127.70.0.0/24",
        "with_hosts": True,
        "running": False,
    }


@pytest.mark.parametrize("command", [["usage"], ["api-log"], ["fault", "list"]])
def test_a_sandbox_that_is_not_there_is_refused_with_what_to_do(command: list[str]) -> None:
    with pytest.raises(SandboxError, match="'lab' does not exist; start it with: sandbox up --name lab"):
        said(*command, "--name", "lab")


def test_a_port_or_range_that_is_taken_is_refused_with_what_to_do() -> None:
    Settings("lab", 7501, IPv4Network("127.70.0.0/24")).save()
    second = Settings("second", 7502, IPv4Network("127.70.0.128/25"))
    with pytest.raises(SandboxError, match=r"127\.70\.0\.128/25.*sandbox 'lab'.*--eip-range"):
        lifecycle.up(second, lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        second = Settings("second", port, IPv4Network("127.71.0.0/24"))
        with pytest.raises(SandboxError, match=rf"port {port}: another program.*--port"):
            lifecycle.up(second, lambda _: None)
    assert not second.directory.exists()


def test_logs_are_printed_and_followed_until_the_sandbox_is_gone(cache: Path) -> None:
    settings = Settings("lab")
    settings.save()
    log = settings.directory / "server.log"
    log.write_text("one\ntwo\n")
    assert said("logs", "--name", "lab") == "one\ntwo\n"
    assert json.loads(said("logs", "--name", "lab", "--json"))["lines"] == ["one", "two"]
    heard: list[str] = []
    follower = threading.Thread(target=lambda: heard.extend(logs.follow(log, settings.directory)))
    follower.start()
    with log.open("a") as more:
        more.write("thr")
        more.flush()
        time.sleep(2 * logs.POLL_S)
        more.write("ee\n")
    settings.directory.rename(cache / "gone")
    follower.join(timeout=10)
    assert heard == ["one", "two", "three"]


def keep_a_host(image: Path, packages: Path) -> None:
    """Leave a host of a sandbox, made from these."""
    directory = Settings("lab").hosts / "i-1"
    directory.mkdir(parents=True)
    address = IPv4Address("10.0.0.11")
    spec = HostSpec("i-1", "m1", "old", address, 24, address, "02:00:00:00:00:01")
    Plan(spec, directory, image, packages, "ns", "group/i-1", "machine").save()


def test_the_cache_is_pruned_of_what_nobody_uses(cache: Path) -> None:
    image = next(iter(images.CATALOGUE.values()))
    used = [
        images.location(image),
        mirror.location(image),
        mirror.tools_location(image),
        cache / "images/hosts-own",
    ]
    torn = cache / "images/.torn.partial"
    unused = [
        cache / "images/old",
        cache / "mirror/old",
        cache / "toolchain/engine-old",
        cache / "python-old",
        torn,
    ]
    for directory in (*used, *unused):
        directory.mkdir(parents=True)
        (directory / "file").write_text("x" * 100)
    keep_a_host(cache / "images/hosts-own", mirror.location(image))
    assert {one.path for one in prune.find()} == set(unused)
    assert {one["path"] for one in json.loads(said("prune", "--json"))} == {str(path) for path in unused}
    assert all(path.exists() for path in unused), "without --yes it is only shown"
    said("prune", "--yes")
    assert not any(path.exists() for path in unused)
    assert all(path.exists() for path in used)


def test_what_is_being_made_is_not_pruned(cache: Path) -> None:
    with images.exclusive(cache / "images/new"), images.building(cache / "images/new"):
        assert prune.find() == []
    assert not Path(sys.prefix).is_relative_to(cache)
