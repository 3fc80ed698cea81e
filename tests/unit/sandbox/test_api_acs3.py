"""Signatures in headers, ACS3-HMAC-SHA256: by the documentation's own example, and by a signer of our own."""

import asyncio
import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from sandbox.api import signature
from sandbox.api.app import create_app
from sandbox.api.calllog import CallLog
from sandbox.api.control import Access
from sandbox.api.credentials import AccessKey
from sandbox.api.signature import Envelope
from sandbox.cloud import errors
from sandbox.cloud.cloud import Cloud
from tests.unit.sandbox.client import VERSIONS
from tests.unit.sandbox.conftest import KEY

pytestmark = pytest.mark.unit

# The worked example of "Request body and signature mechanism for V3"; `openssl dgst -hmac` gives the same.
DOCUMENTED_KEY = AccessKey("YourAccessKeyId", "YourAccessKeySecret")
DOCUMENTED_TIME = datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC)
DOCUMENTED = Envelope(
    method="POST",
    query="ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
    headers={
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-version": "2014-05-26",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "authorization": "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
    },
    body=b"",
)


def altered(**changes: Any) -> Envelope:
    return Envelope(**{**vars(DOCUMENTED), **changes})


def with_header(name: str, value: str) -> Envelope:
    return altered(headers={**DOCUMENTED.headers, name: value})


def test_the_documentation_s_example() -> None:
    signature.check_acs3(DOCUMENTED, DOCUMENTED_KEY, DOCUMENTED_TIME)


@pytest.mark.parametrize(
    "changed",
    [
        altered(method="GET"),
        altered(query=DOCUMENTED.query + "&Amount=100"),
        altered(body=b"Amount=100"),
        with_header("x-acs-action", "DeleteInstances"),
        with_header("host", "elsewhere"),
        with_header("x-acs-content-sha256", "0" * 64),
    ],
)
def test_what_is_changed_on_the_way_is_refused(changed: Envelope) -> None:
    with pytest.raises(errors.common.SignatureDoesNotMatch):
        signature.check_acs3(changed, DOCUMENTED_KEY, DOCUMENTED_TIME)


def test_whose_key_and_when() -> None:
    with pytest.raises(errors.common.InvalidAccessKeyIdNotFound):
        signature.check_acs3(DOCUMENTED, AccessKey("other", "YourAccessKeySecret"), DOCUMENTED_TIME)
    with pytest.raises(errors.common.SignatureDoesNotMatch):
        signature.check_acs3(DOCUMENTED, AccessKey("YourAccessKeyId", "other"), DOCUMENTED_TIME)
    for minutes in (-16, 16):
        with pytest.raises(errors.common.InvalidTimeStampExpired):
            signature.check_acs3(DOCUMENTED, DOCUMENTED_KEY, DOCUMENTED_TIME + timedelta(minutes=minutes))
    with pytest.raises(errors.common.InvalidTimeStampFormat):
        signature.check_acs3(with_header("x-acs-date", "today"), DOCUMENTED_KEY, DOCUMENTED_TIME)


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        (with_header("authorization", "ACS3-HMAC-SM3 Credential=a"), "an Authorization header is"),
        (with_header("x-acs-signature-nonce", ""), "x-acs-signature-nonce is missing"),
        (with_header("x-acs-security-token", "t"), "x-acs-security-token is not among the signed"),
        (
            with_header("authorization", DOCUMENTED.headers["authorization"].replace("host;", "")),
            "host is not among the signed",
        ),
        (
            with_header(
                "authorization",
                DOCUMENTED.headers["authorization"].replace("host;x-acs-action", "x-acs-action;host"),
            ),
            "alphabetical",
        ),
    ],
)
def test_an_incomplete_signature_says_what_it_lacks(envelope: Envelope, reason: str) -> None:
    with pytest.raises(errors.common.IncompleteSignature, match=reason):
        signature.check_acs3(envelope, DOCUMENTED_KEY, DOCUMENTED_TIME)


def headers(action: str, query: dict[str, str], body: str) -> dict[str, str]:
    """Sign by the documentation alone."""
    signed = {
        "host": "sandbox",
        "x-acs-action": action,
        "x-acs-content-sha256": hashlib.sha256(body.encode()).hexdigest(),
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-version": VERSIONS["vpc"],
    }
    canonical_query = "&".join(
        f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query)
    )
    names = ";".join(sorted(signed))
    lines = ["POST", "/", canonical_query, *(f"{name}:{signed[name]}" for name in sorted(signed)), ""]
    request = "\n".join([*lines, names, signed["x-acs-content-sha256"]])
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    digest = hmac.new(KEY.secret.encode(), text.encode(), "sha256").hexdigest()
    authorization = f"ACS3-HMAC-SHA256 Credential={KEY.id},SignedHeaders={names},Signature={digest}"
    form = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    return {**signed, **form, "Authorization": authorization}


def test_calls_over_http(cloud: Cloud, tmp_path: Path) -> None:
    app = create_app(
        cloud,
        Access("token", KEY, tmp_path / "ca.pem", tmp_path / "ca-bundle.pem"),
        CallLog(tmp_path / "api.log"),
    )

    async def run() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://sandbox"
        ) as client:
            query = {"RegionId": "cn-hangzhou", "VpcName": "中文 & *~+/", "Description": ""}
            body = urlencode({"CidrBlock": "10.0.0.0/16"})
            made = await client.post(
                "/", params=query, content=body, headers=headers("CreateVpc", query, body)
            )
            assert made.status_code == 200, made.text
            query = {"RegionId": "cn-hangzhou", "VpcId": made.json()["VpcId"]}
            found = await client.post("/", params=query, headers=headers("DescribeVpcs", query, ""))
            assert found.json()["Vpcs"]["Vpc"][0]["VpcName"] == "中文 & *~+/"
            forged = await client.post(
                "/", params=query, headers={**headers("DescribeVpcs", query, ""), "x-acs-action": "DeleteVpc"}
            )
            assert (forged.status_code, forged.json()["Code"]) == (400, "SignatureDoesNotMatch")
            nothing = await client.post("/", params=query, headers={"Authorization": "ACS3-HMAC-SHA256"})
            assert (nothing.status_code, nothing.json()["Code"]) == (400, "IncompleteSignature")

    asyncio.run(run())
    assert len(cloud.read("cn-hangzhou").state.vpcs) == 1
