"""Signatures, time stamps and access keys."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.api import signature
from sandbox.api.credentials import AccessKey
from sandbox.api.dispatch import Dispatcher
from sandbox.cloud import errors
from tests.unit.sandbox.client import Client, signed

pytestmark = pytest.mark.unit

KEY = AccessKey("testid", "testsecret")
NOW = datetime(2016, 2, 23, 12, 46, 24, tzinfo=UTC)
# The worked example of the API documentation (DescribeRegions, key testid/testsecret).
EXAMPLE = {
    "Timestamp": "2016-02-23T12:46:24Z",
    "Format": "XML",
    "AccessKeyId": "testid",
    "Action": "DescribeRegions",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
    "Version": "2014-05-26",
    "SignatureVersion": "1.0",
}


def test_the_documentation_s_example() -> None:
    text = signature.string_to_sign("GET", EXAMPLE)
    assert text == (
        "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeRegions%26Format%3DXML%26SignatureMethod%3DHMAC-SHA1"
        "%26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0"
        "%26Timestamp%3D2016-02-23T12%253A46%253A24Z%26Version%3D2014-05-26"
    )
    assert signature.hmac_sha1("testsecret", text) == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="
    signature.check("GET", {**EXAMPLE, "Signature": "OLeaidS1JvxuMvnyHOwuJ+uX5qY="}, KEY, NOW)


@pytest.mark.parametrize("value", ["a b", "a+b", "*", "~", "中文", "a/b=c&d", "", '["i-1","i-2"]', "100%"])
def test_values_with_special_characters(value: str) -> None:
    call = signed("POST", {"Action": "X", "Name": value}, KEY)
    signature.check("POST", call, KEY, datetime.now(UTC))


def test_a_changed_parameter_breaks_the_signature() -> None:
    call = signed("POST", {"Action": "X", "Name": "a"}, KEY)
    with pytest.raises(errors.common.SignatureDoesNotMatch):
        signature.check("POST", {**call, "Name": "b"}, KEY, datetime.now(UTC))
    with pytest.raises(errors.common.SignatureDoesNotMatch):
        signature.check("GET", call, KEY, datetime.now(UTC))


def test_whose_key_and_when() -> None:
    call = signed("POST", {"Action": "X"}, KEY)
    now = datetime.now(UTC)
    with pytest.raises(errors.common.InvalidAccessKeyIdNotFound):
        signature.check("POST", call, AccessKey("other", "testsecret"), now)
    with pytest.raises(errors.common.InvalidTimeStampExpired):
        signature.check("POST", call, KEY, now + signature.WINDOW + timedelta(minutes=1))
    with pytest.raises(errors.common.InvalidTimeStampFormat):
        signature.check("POST", {**call, "Timestamp": "yesterday"}, KEY, now)
    with pytest.raises(errors.common.MissingParameter, match="Signature "):
        signature.check("POST", {name: call[name] for name in call if name != "Signature"}, KEY, now)
    with pytest.raises(errors.common.IncompleteSignature):
        signature.check("POST", {**call, "SignatureMethod": "HMAC-MD5"}, KEY, now)


def test_nothing_is_done_for_a_wrong_signature(client: Client) -> None:
    call = signed("POST", {"Action": "CreateVpc", "Version": "2016-04-28"}, AccessKey(client.key.id, "wrong"))
    answer = Dispatcher(client.cloud, client.key).answer("POST", call)
    assert (answer.status, answer.code) == (400, "SignatureDoesNotMatch")
    assert client.vpc("DescribeVpcs")["TotalCount"] == 0
