"""The application over HTTP, its certificates, its log and its control routes."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from sandbox.api import credentials, tls
from sandbox.api.app import TEND_S
from tests.unit.sandbox.client import VERSIONS, signed
from tests.unit.sandbox.served import Server

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sandbox"))
    yield server
    server.stop()


def describe(server: Server, method: str) -> dict[str, str]:
    return signed(
        method, {"Action": "DescribeVpcs", "Version": VERSIONS["vpc"], "RegionId": "cn-hangzhou"}, server.key
    )


def test_get_post_and_mixed_parameters(server: Server) -> None:
    got = server.client.get("/", params=describe(server, "GET"))
    assert (got.status_code, got.json()["Vpcs"]) == (200, {"Vpc": []})
    assert int(got.headers["content-length"]) == len(got.content)
    call = describe(server, "POST")
    query = {name: call.pop(name) for name in ("Action", "Version", "Signature")}
    assert server.client.post("/", params=query, data=call).json()["TotalCount"] == 0
    everything = urlencode(describe(server, "POST"))
    assert server.client.post(f"/?{everything}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/v2/things", "/_sandbox/none"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_an_address_that_leads_to_no_action(server: Server, method: str, path: str) -> None:
    answer = server.client.request(method, path)
    assert (answer.status_code, answer.json()["Code"]) == (404, "InvalidAction.NotFound")


def test_the_server_looks_after_what_may_die_and_goes_on_when_it_cannot_mend_it(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.plane.broken.add("tend")
    server.plane.tended.clear()
    assert server.plane.tended.wait(5 * TEND_S)
    assert "what died could not be mended" in caplog.text


def test_what_is_not_served_is_said_aloud(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """The caller may say nothing of it: the log, standard error and the status name it."""
    call = signed("POST", {"Action": "CreateUnicorn", "Version": VERSIONS["vpc"]}, server.key)
    answer = server.client.post("/", data=call)
    assert (answer.status_code, answer.json()["Code"]) == (400, "UnsupportedOperation.NotServed")
    line = json.loads((server.directory / "api.log").read_text().splitlines()[-1])
    assert (line["action"], line["not_served"]) == ("CreateUnicorn", True)
    assert [one.levelname for one in caplog.records if "CreateUnicorn" in one.message] == ["WARNING"]
    token = {"Authorization": f"Bearer {server.token}"}
    told = server.client.get("/_sandbox/status", headers=token).json()["not_served"]
    [what] = [what for what in told if "CreateUnicorn of Vpc 2016-04-28" in what]
    assert told[what] == 1


def test_an_empty_call_is_an_error_with_a_code(server: Server) -> None:
    answer = server.client.get("/")
    assert (answer.status_code, answer.json()["Code"]) == (400, "MissingParameter")


def test_the_log_has_a_line_a_call(server: Server) -> None:
    server.client.get("/", params={**describe(server, "GET"), "UserData": "c2VjcmV0"})
    last = json.loads((server.directory / "api.log").read_text().splitlines()[-1])
    assert (last["action"], last["status"], last["code"]) == ("DescribeVpcs", 400, "SignatureDoesNotMatch")
    assert last["params"] == {"RegionId": "cn-hangzhou", "UserData": "<8 characters>"}
    assert last["ms"] >= 0


def test_control_needs_its_token(server: Server) -> None:
    assert server.client.get("/_sandbox/status").status_code == 401
    wrong = server.client.get("/_sandbox/status", headers={"Authorization": "Bearer x"})
    assert wrong.status_code == 401


def test_control_shows_and_removes(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.token}"}
    call = {"Action": "CreateVpc", "Version": VERSIONS["vpc"], "CidrBlock": "10.0.0.0/16", "VpcName": "v"}
    vpc = server.client.post("/", data=signed("POST", call, server.key)).json()["VpcId"]
    status = server.client.get("/_sandbox/status", headers=headers).json()
    assert [one["id"] for one in status["vpcs"]] == [vpc]
    assert status["access_key_secret"] == server.key.secret
    [shown] = server.client.get("/_sandbox/objects", headers=headers).json()["objects"]
    assert shown == {
        "kind": "alicloud:vpc/network:Network",
        "id": vpc,
        "properties": {"cidrBlock": "10.0.0.0/16", "vpcName": "v"},
    }
    which = {"kind": shown["kind"], "id": vpc}
    assert server.client.post("/_sandbox/remove", json=which, headers=headers).status_code == 200
    again = server.client.post("/_sandbox/remove", json=which, headers=headers)
    assert again.status_code == 409
    assert "does not exist" in again.json()["error"]
    assert server.client.post("/_sandbox/remove", content=b"x", headers=headers).status_code == 400


def test_secrets_are_private_and_stay(tmp_path: Path) -> None:
    first = (credentials.access_key(tmp_path), credentials.control_token(tmp_path))
    assert (credentials.access_key(tmp_path), credentials.control_token(tmp_path)) == first
    files = tls.certificates(tmp_path)
    ca = files.ca.read_bytes()
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    tls.certificates(tmp_path)
    assert files.ca.read_bytes() == ca
    assert files.bundle.read_bytes().startswith(ca)
    files.server.unlink()
    tls.certificates(tmp_path)
    assert files.ca.read_bytes() != ca
