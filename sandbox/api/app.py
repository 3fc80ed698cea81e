"""The web application: the emulated API at ``/``, the control routes beside it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.api import wire
from sandbox.api.calllog import CallLog
from sandbox.api.control import Access, Control
from sandbox.api.dispatch import Dispatcher
from sandbox.api.faults import ApiFaults, refused
from sandbox.api.signature import Envelope
from sandbox.cloud import errors
from sandbox.cloud.cloud import Cloud

logger = logging.getLogger(__name__)

TEND_S = 2.0
"""How often the server looks whether something died."""

FORM = "application/x-www-form-urlencoded"
LONGEST_HEAD = 256 * 1024
"""Bytes of a request line with its headers: SDKs put user data, 32 KiB before base64, into the query."""


def create_app(cloud: Cloud, access: Access, log: CallLog) -> Starlette:
    """Return the application for a cloud that was started; it stops the cloud at its own end."""
    dispatcher = Dispatcher(cloud, access.key)
    faults = ApiFaults()

    async def rpc(request: Request) -> Response:
        began = time.perf_counter()
        body = await request.body()
        envelope = Envelope(request.method, request.url.query, request.headers, body)
        is_form = request.headers.get("content-type", FORM).startswith(FORM)
        parameters = wire.merge(envelope.query, body.decode("utf-8", "replace") if is_form else "")
        acs3 = envelope if envelope.is_acs3 else None
        if acs3:
            parameters |= acs3.common
        answer = await faults.around(
            parameters, lambda: run_in_threadpool(dispatcher.answer, request.method, parameters, acs3)
        )
        log.write(parameters, answer, (time.perf_counter() - began) * 1000)
        return JSONResponse(answer.body, status_code=answer.status)

    async def unknown(request: Request, _error: Exception) -> Response:
        # As the cloud's gateway says it of an address that leads to no action.
        what = f"{request.method} {request.url.path}"
        answer = refused(errors.common.InvalidActionNotFound(what, "the API, whose calls go to /"))
        log.write({"Action": what}, answer, 0)
        return JSONResponse(answer.body, status_code=answer.status)

    async def tend() -> None:
        while True:
            await asyncio.sleep(TEND_S)
            try:
                await run_in_threadpool(cloud.tend)
            except Exception:
                logger.exception("what died could not be mended")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tending = asyncio.create_task(tend())
        yield
        tending.cancel()
        await run_in_threadpool(cloud.stop)
        log.close()

    return Starlette(
        routes=[Route("/", rpc, methods=["GET", "POST"]), *Control(cloud, access, faults, log).routes()],
        exception_handlers={404: unknown, 405: unknown},
        lifespan=lifespan,
    )
