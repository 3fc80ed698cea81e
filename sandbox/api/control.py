"""The sandbox's own routes, under ``/_sandbox``, apart from the emulated API and with their own token."""

import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.api import objects
from sandbox.api.calllog import CallLog
from sandbox.api.credentials import AccessKey
from sandbox.api.faults import ApiFault, ApiFaults
from sandbox.api.model import Body
from sandbox.api.status import status
from sandbox.cloud import errors
from sandbox.cloud.cloud import Cloud
from sandbox.errors import SandboxError
from sandbox.revision import revision

REMOVE_LIMIT_S = 25.0
"""How long a removal waits for an instance's host to be gone."""


@dataclass(frozen=True)
class Access:
    """What the commands of this machine's user may know."""

    token: str
    key: AccessKey
    ca: Path
    """The sandbox's own CA."""
    ca_bundle: Path
    """The same with the system's roots."""


class Removal(BaseModel):
    """The body of ``POST /_sandbox/remove``."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    id: str


class Healing(BaseModel):
    """The body of ``POST /_sandbox/faults/heal``."""

    model_config = ConfigDict(extra="forbid")

    id: str


class Control:
    """The control routes of one sandbox."""

    def __init__(self, cloud: Cloud, access: Access, faults: ApiFaults, log: CallLog) -> None:
        self._cloud = cloud
        self._access = access
        self._faults = faults
        self._log = log
        # Now: the files may change while the server runs.
        self._revision = revision()

    def routes(self) -> list[Route]:
        """Return the routes, paths included."""
        return [
            self._route("status", "GET", lambda _: self._status()),
            self._route("objects", "GET", lambda _: self._objects()),
            self._route("remove", "POST", self._remove),
            self._route("faults", "GET", lambda _: self._in_force()),
            self._route("faults", "POST", self._inject),
            self._route("faults/heal", "POST", self._heal),
        ]

    def _route(self, name: str, method: str, work: Callable[[bytes], Body]) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            if not self._allowed(request):
                return JSONResponse({"error": "the control token is missing or wrong"}, status_code=401)
            body = await request.body()
            try:
                return JSONResponse(await run_in_threadpool(work, body))
            except ValidationError as error:
                return JSONResponse({"error": f"the body is not valid: {error}"}, status_code=400)
            except (errors.ApiError, SandboxError, TimeoutError) as error:
                return JSONResponse({"error": str(error)}, status_code=409)

        return Route(f"/_sandbox/{name}", endpoint, methods=[method])

    def _allowed(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self._access.token}".encode())

    def _status(self) -> Body:
        return {
            **status(self._cloud.read(region="")),
            "revision": self._revision,
            "not_served": dict(self._log.not_served),
            "access_key_id": self._access.key.id,
            "access_key_secret": self._access.key.secret,
            "ca": str(self._access.ca),
            "ca_bundle": str(self._access.ca_bundle),
        }

    def _objects(self) -> Body:
        found = objects.objects(self._cloud.read(region="").state)
        return {"objects": [asdict(one) for one in found]}

    def _remove(self, body: bytes) -> Body:
        wanted = Removal.model_validate_json(body)
        with self._cloud.change(region="") as session:
            objects.remove(session, wanted.kind, wanted.id)
        self._cloud.settle(REMOVE_LIMIT_S)
        return {}

    def _in_force(self) -> Body:
        return {"faults": [fault.model_dump(mode="json") for fault in self._faults.all()]}

    def _inject(self, body: bytes) -> Body:
        self._faults.add(ApiFault.model_validate_json(body))
        return {}

    def _heal(self, body: bytes) -> Body:
        self._faults.remove(Healing.model_validate_json(body).id)
        return {}
