"""The output ``masters``: every host once, with what its health check asks."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import ApiServerVip, masters_output
from tests.unit.components.engine import run
from tests.unit.components.examples import KEY, planned, topology
from tests.unit.components.programs import KEY_FILE, run_file
from tests.unit.components.test_composition import arguments

pytestmark = pytest.mark.unit


def told(args: dict[str, Any]) -> list[masters_output.MasterOutput]:
    """What is said of arguments, all of whose hosts are reached at their addresses."""
    hosts = [
        {**host, "ssh_host": host["address"], "ssh_port": 22}
        for host in [*args["balancers"], *args["backends"]]
    ]
    return masters_output.masters(planned(args), hosts)


def test_a_master_that_balances_is_one_host() -> None:
    first, _, third = told(topology())
    assert first == {
        "name": "k8s-master01",
        "address": "10.0.0.11",
        "ssh_host": "10.0.0.11",
        "ssh_port": 22,
        "balancer": True,
        "listens": "127.0.0.1",
        "backend_port": 6443,
        "ready_path": "/readyz",
        "ready_status": "200",
    }
    assert (third["name"], third["balancer"], third["backend_port"]) == ("k8s-master03", False, 6443)


def test_the_health_check_s_words_are_in_it() -> None:
    args = topology() | {"backend_port": 7443, "health_check": {"path": "/livez", "expect_status": "200,401"}}
    args["backends"][2]["port"] = 8443
    assert [(one["backend_port"], one["ready_path"], one["ready_status"]) for one in told(args)] == [
        (7443, "/livez", "200,401"),
        (7443, "/livez", "200,401"),
        (8443, "/livez", "200,401"),
    ]
    args["health_check"] = {"kind": "tcp"}
    assert {(one["ready_path"], one["ready_status"]) for one in told(args)} == {("", "")}


def test_where_haproxy_can_be_asked_is_in_it() -> None:
    args = topology() | {"haproxy": {"binds": ["10.0.0.10", "10.0.0.11"]}}
    assert [one["listens"] for one in told(args)] == ["10.0.0.11", "", ""]


@pytest.mark.parametrize("everywhere", ["*", ".".join("0000"), "::"])
def test_whoever_listens_everywhere_can_be_asked_on_the_loopback(everywhere: str) -> None:
    args = topology() | {"haproxy": {"binds": [everywhere]}}
    assert [one["listens"] for one in told(args)] == ["127.0.0.1", "127.0.0.1", ""]


def test_balancers_of_their_own_have_no_apiserver() -> None:
    args = topology()
    args["backends"] = [{"name": f"api{n}", "address": f"10.0.0.2{n}"} for n in (1, 2)]
    assert [(one["name"], one["balancer"], one["backend_port"], one["ready_path"]) for one in told(args)] == [
        ("k8s-master01", True, 0, ""),
        ("k8s-master02", True, 0, ""),
        ("api1", False, 6443, "/readyz"),
        ("api2", False, 6443, "/readyz"),
    ]


def test_a_component_exports_all_there_is_under_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {}
    seen: list[Any] = []
    monkeypatch.setattr(pulumi, "export", found.__setitem__)
    args = arguments(ssh={"private_key": KEY, "port": 2222})
    args["balancers"][0]["ssh"] = {"host": "198.51.100.1"}

    def program() -> None:
        made = ApiServerVip("cp", args)
        made.export("blue_")
        made.masters.apply(seen.append)

    assert run(program, preview=False).error == ""
    keys = ("vip", "control_plane_endpoint", "endpoint", "ha_vip_id", "eip", "budget", "masters")
    assert list(found) == [f"blue_{key}" for key in keys]
    [masters] = seen
    assert [(one["ssh_host"], one["ssh_port"]) for one in masters] == [
        ("198.51.100.1", 2222),
        ("10.0.0.12", 2222),
    ]


EXAMPLES: list[tuple[str, dict[str, str], list[str]]] = [
    (
        "two_control_planes",
        {"zoneId": "z", "imageId": "img", "userDataFile": KEY_FILE, "sshCidrs": "[]", "apiCidrs": "[]"},
        ["blue_", "green_"],
    ),
    (
        "existing_masters",
        {
            "vswitchId": "vsw-1",
            "vswitchCidr": "10.0.0.0/24",
            "vip": "10.0.0.10",
            "masters": json.dumps(
                [{"name": f"m{n}", "address": f"10.0.0.1{n}", "instanceId": f"i-{n}"} for n in (1, 2, 3)]
            ),
        },
        [""],
    ),
]


@pytest.mark.parametrize(("example", "config", "prefixes"), EXAMPLES, ids=lambda word: str(word)[:20])
def test_examples_export_what_a_drill_needs(
    example: str,
    config: dict[str, str],
    prefixes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", found.__setitem__)
    monkeypatch.chdir(tmp_path)
    got = run_file(f"examples/{example}/__main__.py", config, preview=True)
    assert got.error == ""
    for prefix in prefixes:
        assert {f"{prefix}vip", f"{prefix}control_plane_endpoint", f"{prefix}masters"} <= set(found)
