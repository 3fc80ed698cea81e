"""From one request to one answer: who signed it, which action, which parameters, what came of it."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from sandbox.api import registry, signature, wire
from sandbox.api.credentials import AccessKey
from sandbox.api.model import NOT_SERVED, Body, Call, Rehearsable
from sandbox.api.nonces import Nonces
from sandbox.api.registry import Action
from sandbox.api.signature import Envelope
from sandbox.cloud import catalogue, errors, ids
from sandbox.cloud.cloud import Cloud
from sandbox.cloud.session import Session
from sandbox.cloud.state import Reply

log = logging.getLogger(__name__)

TOKEN_LIFE_S = 24 * 3600.0
"""How long a client token is remembered. Source: API documentation "How to ensure idempotence"."""


@dataclass(frozen=True)
class Answer:
    """What goes back; ``code`` is empty for a success."""

    status: int
    code: str
    body: Body
    not_served: bool = False
    """Whether the cloud might have done what was asked, and only the sandbox does not."""


class Dispatcher:
    """The emulated API without its HTTP."""

    def __init__(self, cloud: Cloud, key: AccessKey) -> None:
        self._cloud = cloud
        self._key = key
        self._nonces = Nonces()

    def answer(self, method: str, parameters: Mapping[str, str], acs3: Envelope | None = None) -> Answer:
        """Answer a call, whatever it holds; nothing is raised. ``acs3`` is given if it was signed that way."""
        request_id = ids.request_id()
        try:
            self._check(method, parameters, acs3)
            body = self._perform(parameters)
        except errors.ApiError as error:
            return _failure(error, request_id)
        except Exception as error:
            log.exception("%s failed", parameters.get("Action"))
            return _failure(errors.common.SandboxFailure(f"the sandbox failed: {error!r}"), request_id)
        return Answer(200, "", {"RequestId": request_id, **body})

    def _check(self, method: str, parameters: Mapping[str, str], acs3: Envelope | None) -> None:
        now = datetime.now(UTC)
        if acs3:
            signature.check_acs3(acs3, self._key, now)
            self._nonces.use(acs3.headers["x-acs-signature-nonce"], now)
        else:
            signature.check(method, parameters, self._key, now)
            self._nonces.use(parameters["SignatureNonce"], now)

    def _perform(self, parameters: Mapping[str, str]) -> Body:
        if parameters.get("Format", "JSON").upper() != "JSON":
            raise errors.common.InvalidParameter("Format", "the sandbox speaks JSON.")
        action = registry.find(parameters.get("Version", ""), parameters.get("Action", ""))
        call = parse(action, wire.business(parameters))
        if call.region_id not in ("", *catalogue.REGIONS):
            raise errors.common.InvalidRegionIdNotFound(call.region_id, ", ".join(catalogue.REGIONS))
        if not action.changes:
            return _really(call, action.handler(self._cloud.read(call.region_id), call))
        with self._cloud.change(call.region_id) as session:
            # What is raised leaves the state as it was.
            return _really(call, _once(session, action, call))


def parse(action: Action[Any], parameters: Mapping[str, str]) -> Call:
    """Return an action's parameters, or raise the API's error about the first that is wrong."""
    try:
        call: Call = action.call.model_validate(wire.tree(parameters))
    except ValidationError as invalid:
        first = invalid.errors()[0]
        name = _wire_name(first["loc"])
        if first["type"] == "missing":
            raise errors.common.MissingParameter(name) from None
        if first["type"] == NOT_SERVED:
            name = ".".join(filter(None, [name, first["ctx"]["name"]]))
            raise errors.common.ParameterNotServed(name, action.name) from None
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(parameter_names(action.call)))
            raise errors.common.UnknownParameter(name, action.name, known) from None
        raise errors.common.InvalidParameter(name, f"{first['input']!r}: {first['msg']}.") from None
    return call


def parameter_names(model: type[Call]) -> list[str]:
    """Return the names a call's parameters have on the wire."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _wire_name(location: tuple[int | str, ...]) -> str:
    """Write ``("Tag", 0, "Key")`` as ``Tag.1.Key``."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in location)


def _really(call: Call, body: Body) -> Body:
    """Return what a call is answered, unless it was made for its checks alone: then raise DryRunOperation."""
    if isinstance(call, Rehearsable) and call.dry_run:
        raise errors.common.DryRunOperation
    return body


def _once(session: Session, action: Action[Any], call: Call) -> Body:
    """Perform a change, or answer as before when its client token was seen with the same parameters."""
    token = getattr(call, "client_token", None)
    if token is None:
        return action.handler(session, call)
    key = f"{action.version} {action.name} {token}"
    content = call.model_dump(mode="json", exclude={"client_token"})
    fingerprint = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    known = session.state.replies.get(key)
    if known is not None:
        if known.fingerprint != fingerprint:
            raise errors.common.IdempotentParameterMismatch(token, action.name)
        return known.body
    body = action.handler(session, call)
    session.state.replies[key] = Reply(fingerprint=fingerprint, until=time.time() + TOKEN_LIFE_S, body=body)
    return body


def _failure(error: errors.ApiError, request_id: str) -> Answer:
    body: Body = {
        "RequestId": request_id,
        "HostId": "sandbox",
        "Code": error.code,
        "Message": error.message,
        "Recommend": "",
    }
    return Answer(error.status, error.code, body, error.not_served)
