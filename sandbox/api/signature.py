"""Who signed a call. One function a scheme: what it covers is put into one text, which the access key's secret signs.

* Version 1.0, in parameters, with HMAC-SHA1. Source: API documentation "Request syntax and signature method V2 for RPC
  style APIs".
* ACS3-HMAC-SHA256, in headers. Source: API documentation "Request syntax and signature method V3".
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from sandbox.api.credentials import AccessKey
from sandbox.cloud import errors

WINDOW = timedelta(minutes=15)
"""How far a call's time stamp may be from the server's clock, either way."""

ACS3 = "ACS3-HMAC-SHA256"
ACS3_HEADERS = (
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)
"""What every call signed that way carries besides its signature."""

RPC_PARAMETERS = (
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
)
"""What every call signed in its parameters carries."""

_TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
_AUTHORIZATION = re.compile(
    rf"{ACS3} +Credential=(?P<id>[^,\s]+), *SignedHeaders=(?P<headers>[^,\s]+), *Signature=(?P<signature>\w+)"
)


@dataclass(frozen=True)
class Envelope:
    """A call as it came over HTTP, as far as ACS3 signs it; names of headers are in small letters."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_acs3(self) -> bool:
        """Whether its signature is in its headers."""
        return self.headers.get("authorization", "").startswith("ACS3-")

    @property
    def common(self) -> dict[str, str]:
        """The parameters that stand in headers."""
        return {name: self.headers.get(f"x-acs-{name.lower()}", "") for name in ("Action", "Version")}


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """Return what an RPC call's signature covers: every parameter but the signature itself."""
    pairs = ((key, value) for key, value in parameters.items() if key != "Signature")
    return f"{method}&{_encode('/')}&{_encode(_canonical(pairs))}"


def hmac_sha1(secret: str, text: str) -> str:
    """Return the signature of ``text`` in base64."""
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), hashlib.sha1)).decode()


def check(method: str, parameters: Mapping[str, str], key: AccessKey, now: datetime) -> None:
    """Raise unless the call was signed with ``key`` and not long ago."""
    _check_scheme(parameters)
    _check_time(parameters["Timestamp"], now)
    if parameters["AccessKeyId"] != key.id:
        raise errors.common.InvalidAccessKeyIdNotFound
    text = string_to_sign(method, parameters)
    if not hmac.compare_digest(hmac_sha1(key.secret, text), parameters["Signature"]):
        raise errors.common.SignatureDoesNotMatch(text)


def acs3_request(envelope: Envelope, signed: Iterable[str]) -> str:
    """Return what an ACS3 signature covers: the query, the headers named in ``signed``, the body's hash."""
    headers = [f"{name}:{envelope.headers.get(name, '').strip()}\n" for name in signed]
    return "\n".join(
        (
            envelope.method,
            "/",
            _canonical(parse_qsl(envelope.query, keep_blank_values=True)),
            "".join(headers),
            ";".join(signed),
            envelope.headers.get("x-acs-content-sha256", ""),
        )
    )


def hmac_sha256(secret: str, request: str) -> str:
    """Return the ACS3 signature of a canonical request in hexadecimal."""
    text = f"{ACS3}\n{hashlib.sha256(request.encode()).hexdigest()}"
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()


def check_acs3(envelope: Envelope, key: AccessKey, now: datetime) -> None:
    """Raise unless the call was signed in its headers with ``key``, as a whole and not long ago."""
    found = _AUTHORIZATION.fullmatch(envelope.headers.get("authorization", ""))
    if not found:
        raise errors.common.IncompleteSignature(
            f"an Authorization header is `{ACS3} Credential=ID,SignedHeaders=NAME;NAME,Signature=HEX`."
        )
    if missing := [name for name in ACS3_HEADERS if not envelope.headers.get(name)]:
        raise errors.common.IncompleteSignature(f"the header {missing[0]} is missing.")
    signed = found["headers"].split(";")
    if unsigned := sorted(_must_be_signed(envelope) - set(signed)):
        raise errors.common.IncompleteSignature(f"the header {unsigned[0]} is not among the signed ones.")
    if signed != sorted(signed):
        raise errors.common.IncompleteSignature("the signed headers are not in alphabetical order.")
    _check_time(envelope.headers["x-acs-date"], now)
    if found["id"] != key.id:
        raise errors.common.InvalidAccessKeyIdNotFound
    request = acs3_request(envelope, signed)
    content = hashlib.sha256(envelope.body).hexdigest()
    if not hmac.compare_digest(content, envelope.headers["x-acs-content-sha256"].lower()):
        raise errors.common.HeaderSignatureDoesNotMatch(f"a body with x-acs-content-sha256:{content}")
    if not hmac.compare_digest(hmac_sha256(key.secret, request), found["signature"].lower()):
        raise errors.common.HeaderSignatureDoesNotMatch(request)


def _must_be_signed(envelope: Envelope) -> set[str]:
    """Return the headers that may not be changed on the way."""
    return {"host"} | {name for name in envelope.headers if name.startswith("x-acs-")}


def _check_scheme(parameters: Mapping[str, str]) -> None:
    for name in RPC_PARAMETERS:
        if not parameters.get(name):
            raise errors.common.MissingParameter(name)
    if parameters["SignatureMethod"] != "HMAC-SHA1" or parameters["SignatureVersion"] != "1.0":
        raise errors.common.IncompleteSignature("the sandbox checks HMAC-SHA1 signatures of version 1.0.")


def _check_time(text: str, now: datetime) -> None:
    try:
        stamp = datetime.strptime(text, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise errors.common.InvalidTimeStampFormat(text) from None
    if abs(now - stamp) > WINDOW:
        raise errors.common.InvalidTimeStampExpired(text, WINDOW // timedelta(minutes=1))


def _canonical(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{_encode(key)}={_encode(value)}" for key, value in sorted(pairs))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
