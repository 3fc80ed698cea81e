"""What a stack's outputs say of it, whatever its shape, and what of that is asked of hosts."""

import subprocess
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental.util import camel_case
from typing_extensions import override

from drill import options, stack
from drill.errors import DrillError
from drill.hosts import Apiserver, SandboxHost, SshHost
from drill.left import Left
from drill.settle import missing
from drill.stack import Stack
from sandbox.control import Control, Status
from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT, Engine
from tests.unit.drill.fake import FakeHost, log

pytestmark = pytest.mark.unit
SETTINGS = Settings("lab", 7001)


def master(name: str, number: int, *, balancer: bool = True, **more: Any) -> dict[str, Any]:
    """One entry of the output ``masters``."""
    return {
        "name": name,
        "address": f"10.0.0.{number}",
        "ssh_host": f"198.51.100.{number}",
        "ssh_port": 22,
        "balancer": balancer,
        "listens": "127.0.0.1" if balancer else "",
        "backend_port": 6443,
        "ready_path": "/readyz",
        "ready_status": "200",
    } | more


def outputs(*masters: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """All outputs of an endpoint."""
    found = {
        "vip": "10.0.0.10",
        "control_plane_endpoint": "10.0.0.10:8443",
        "ha_vip_id": "havip-1",
        "eip": "203.0.113.10",
        "budget": {"host_loss": 900},
        "masters": [*masters],
    }
    return {f"{prefix}{key}": value for key, value in found.items()}


def test_hosts_are_those_of_the_outputs() -> None:
    found = stack.over_ssh(
        outputs(
            master("lb1", 1, backend_port=0, ready_path="", ready_status="", ssh_port=2222),
            master("lb2", 2, backend_port=0, ready_path="", ready_status="", listens=""),
            master("m1", 3, balancer=False, backend_port=7443, ready_path="/livez", ready_status="200,401"),
        ),
        "standard",
        "admin",
        ["-Jbastion"],
    )
    first, second, third = found.hosts
    assert isinstance(first, SshHost)
    assert (first.destination, first.options) == ("admin@198.51.100.1", ("-p2222", "-Jbastion"))
    assert (first.apiserver, third.apiserver) == (None, Apiserver(7443, "/livez", "200,401"))
    assert (first.listens, second.listens) == ("127.0.0.1", "")
    assert (found.balancers, found.backends, found.apart) == ((first, second), (third,), (third,))
    assert (found.vip, found.port, found.outside) == ("10.0.0.10", 8443, ("203.0.113.10", 8443))


def test_hosts_of_a_program_in_another_language_are_the_same() -> None:
    masters = [master("m1", 1), master("m2", 2, balancer=False)]
    theirs = [{camel_case(key): value for key, value in one.items()} for one in masters]
    found, expected = (stack.over_ssh(outputs(*given), "standard", "root", []) for given in (theirs, masters))
    assert found == expected


def status(*hosts: tuple[str, str, str]) -> Status:
    """What a sandbox says that has these hosts (name, address, VPC), and a HaVip of the same address in each VPC."""
    vips = [{"id": f"havip-{n}", "address": "10.0.0.10", "vpc": f"vpc-{n}"} for n in (1, 2)]
    listed = [
        {"name": name, "address": address, "vpc": vpc, "id": f"i-{name}"} for name, address, vpc in hosts
    ]
    return Status({"ha_vips": vips, "hosts": listed})


def test_the_sandbox_adds_only_the_way_to_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    there = status(
        ("other", "10.0.0.1", "vpc-2"),
        ("k8s-1", "10.0.0.1", "vpc-1"),
        ("m2", "10.0.0.2", "vpc-1"),
        ("x", "10.0.0.9", "vpc-1"),
    )
    monkeypatch.setattr(Control, "status", lambda _: there)
    found = stack.on_sandbox(SETTINGS, outputs(master("m1", 1), master("m2", 2)), "standard")
    first, second = found.hosts
    assert isinstance(first, SandboxHost)
    assert (first.id, first.name, first.called) == ("i-k8s-1", "k8s-1", "m1")
    assert (found.balancers, found.vpc, found.sandbox) == ((first, second), "vpc-1", SETTINGS)
    with pytest.raises(DrillError, match=r"m3: sandbox 'lab' has no instance with 10\.0\.0\.3"):
        stack.on_sandbox(SETTINGS, outputs(master("m1", 1), master("m3", 3)), "standard")
    with pytest.raises(DrillError, match="has 0 of them"):
        stack.on_sandbox(SETTINGS, outputs(master("m1", 1)) | {"ha_vip_id": "havip-9"}, "standard")


def test_an_endpoint_of_several_is_chosen_by_the_prefix_of_its_outputs() -> None:
    both = outputs(master("b1", 1), prefix="blue_") | outputs(master("g1", 2), prefix="green_")
    assert stack.chosen(both, "green_")["masters"] == [master("g1", 2)]
    with pytest.raises(DrillError, match=r"no output `vip`, .*: --outputs blue_, --outputs green_"):
        stack.chosen(both, "")
    with pytest.raises(DrillError, match="no output `bluevip`"):
        stack.chosen(both, "blue")
    with pytest.raises(DrillError, match="there are such outputs with: no --outputs"):
        stack.chosen(outputs(master("m1", 1)), "blue_")


def test_a_stack_of_an_older_version_is_told_what_to_do() -> None:
    with pytest.raises(DrillError, match=r"`masters`; run `pulumi up`.*export"):
        stack.chosen({"vip": "10.0.0.10", "control_plane_endpoint": "10.0.0.10:8443"}, "")
    old = master("m1", 1)
    del old["backend_port"], old["ready_path"]
    with pytest.raises(DrillError, match="says nothing of backend_port, ready_path"):
        stack.over_ssh(outputs(old), "standard", "root", [])


def test_only_this_project_s_program_has_the_keys_that_are_changed() -> None:
    assert options.configurable(PROJECT)
    assert not options.configurable(PROJECT / "examples" / "two_control_planes")
    assert not options.configurable(Path(__file__).parent)


def test_a_program_that_lacks_one_of_the_keys_is_another_one(tmp_path: Path) -> None:
    text = (PROJECT / "Pulumi.yaml").read_text()
    for key in ("monitorPort", "additionalPorts"):
        (tmp_path / "Pulumi.yaml").write_text(text.replace(f"  {key}:\n", f"  not-{key}:\n"))
        assert not options.configurable(tmp_path), key
    (tmp_path / "Pulumi.yaml").write_text(text)
    assert options.configurable(tmp_path)


class Told(Engine):
    """A stack's engine that says what it is told to."""

    @override
    def exists(self) -> bool:
        return True

    @override
    def outputs(self) -> dict[str, Any]:
        return outputs(master("m1", 1), prefix="") | outputs(master("b1", 2), prefix="prod/blue_")

    @override
    def run(self, *arguments: str, capture: bool = False) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(arguments, 0, "tolerant\n", "")


@pytest.mark.parametrize(
    ("project", "prefix", "called"),
    [(".", "", "tolerant"), ("examples/two_control_planes", "prod/blue_", "prod-blue"), ("docs", "", "live")],
)
def test_a_stack_is_called_by_its_preset_only_where_that_is_known(
    project: str, prefix: str, called: str
) -> None:
    engine = Told("live", {}, PROJECT / project)
    found = options.stack_of(engine, "dev", prefix, options.Login())
    assert (found.config, found.prefix, found.configurable) == (called, prefix, project == ".")


# --- what is asked -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "ready"),
    [("200", {200}), ("200,401", {200, 401}), ("200-299", {200, 299}), ("", {200, 299, 401, 500})],
)
def test_ready_is_what_the_health_check_takes_for_it(status: str, ready: set[int]) -> None:
    apiserver = Apiserver(6443, "/readyz", status)
    assert {code for code in (0, 200, 299, 401, 500) if apiserver.ready(code)} == ready


def whole(code: str, *hosts: FakeHost) -> list[str]:
    """What is missing of a stack whose apiservers all answer with this status; the first balancer has the VIP."""

    def saying(host: FakeHost) -> FakeHost:
        said = (f"apiserver: {code}\n" if host.apiserver else "") + ("holds\n" if host.name == "m1" else "")
        return replace(host, answer=lambda _: said)

    made = tuple(saying(host) for host in hosts)
    return missing(Stack("standard", "10.0.0.10", 16443, {}, made, made[:2], None))


def test_each_host_s_own_apiserver_is_asked_as_its_health_check_does() -> None:
    hosts = [
        FakeHost("m1", "10.0.0.1", listens="10.0.0.1"),
        FakeHost("m2", "10.0.0.2", apiserver=Apiserver(7443, "/livez?verbose&x", "401"), listens=""),
        FakeHost("m3", "10.0.0.3", apiserver=Apiserver(6443, "", "")),
    ]
    assert whole("401", *hosts) == []
    first, second, third = ("\n".join(log(host)) for host in hosts)
    assert "apiserver: " not in first
    assert "place=10.0.0.1\n" in first
    assert "'https://10.0.0.2:7443/livez?verbose&x'" in second
    assert "place=\n" in second
    assert "https://10.0.0.3:6443/" in third
    assert "haproxy" not in third
    assert whole("500", *hosts) == ["m2: its apiserver is not ready"]
    assert whole("000", *hosts) == ["m2: its apiserver is not ready", "m3: its apiserver is not ready"]


def test_strangers_that_are_sent_away_are_answered_where_health_checks_are() -> None:
    def statuses(*expected: str) -> list[tuple[int, int]]:
        hosts = tuple(
            FakeHost(f"m{n}", f"10.0.0.{n}", apiserver=Apiserver(6443, "/", status))
            for n, status in enumerate(expected)
        )
        return Stack("standard", "10.0.0.10", 16443, {}, hosts, hosts[:2], None).statuses

    assert statuses("200") == [(200, 200)]
    assert statuses("200,401", "200-399") == [(200, 200), (200, 399), (401, 401)]
    assert statuses("") == [(200, 200), (401, 401), (403, 403)]


@pytest.mark.parametrize("up", [True, False])
def test_a_stack_is_healed_before_its_outputs_are_taken_and_never_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, up: bool
) -> None:
    """A drill was killed in the middle of a change; the stack may have been destroyed since."""
    left, healed = Left(tmp_path / "drill-live.json"), list[str]()
    left.note(changes=["port"])
    for name in ("heal_configuration", "heal_hosts", "heal_installed"):
        monkeypatch.setattr(options, name, lambda *_, name=name, **__: healed.append(name))
    monkeypatch.setattr(Told, "exists", lambda _: up)
    outcome = nullcontext() if up else pytest.raises(DrillError, match="not up")
    with outcome:
        options.healed_stack(left, Told("live", {}, PROJECT / "docs"), "dev", "", options.Login())
    # The configuration of others is taken off hosts that are well again.
    assert healed == ["heal_configuration", "heal_hosts", "heal_installed"] * up
