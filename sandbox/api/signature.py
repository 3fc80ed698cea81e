"""Who signed a call. One function a scheme; RPC calls of 2014 to 2017 are signed with HMAC-SHA1, version 1.0.

Source: API documentation "Request syntax and signature method V2 for RPC style APIs".
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from sandbox.api.credentials import AccessKey
from sandbox.cloud import errors

WINDOW = timedelta(minutes=15)
"""How far a call's time stamp may be from the server's clock, either way."""
_TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """Return what an RPC call's signature covers: every parameter but the signature itself."""
    pairs = sorted((key, value) for key, value in parameters.items() if key != "Signature")
    canonical = "&".join(f"{_encode(key)}={_encode(value)}" for key, value in pairs)
    return f"{method}&{_encode('/')}&{_encode(canonical)}"


def hmac_sha1(secret: str, text: str) -> str:
    """Return the signature of ``text`` in base64."""
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), hashlib.sha1)).decode()


def check(method: str, parameters: Mapping[str, str], key: AccessKey, now: datetime) -> None:
    """Raise unless the call was signed with ``key`` and not long ago."""
    _check_scheme(parameters)
    _check_time(parameters["Timestamp"], now)
    if parameters["AccessKeyId"] != key.id:
        raise errors.InvalidAccessKeyIdNotFound
    text = string_to_sign(method, parameters)
    if not hmac.compare_digest(hmac_sha1(key.secret, text), parameters["Signature"]):
        raise errors.SignatureDoesNotMatch(text)


def _check_scheme(parameters: Mapping[str, str]) -> None:
    for name in ("AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp"):
        if not parameters.get(name):
            raise errors.MissingParameter(name)
    if parameters["SignatureMethod"] != "HMAC-SHA1" or parameters["SignatureVersion"] != "1.0":
        raise errors.IncompleteSignature("the sandbox checks HMAC-SHA1 signatures of version 1.0.")


def _check_time(text: str, now: datetime) -> None:
    try:
        stamp = datetime.strptime(text, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise errors.InvalidTimeStampFormat(text) from None
    if abs(now - stamp) > WINDOW:
        raise errors.InvalidTimeStampExpired(text, WINDOW // timedelta(minutes=1))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
