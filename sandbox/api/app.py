"""The web application: the emulated API at ``/``, the control routes beside it."""

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
from sandbox.api.dispatch import Answer, Dispatcher
from sandbox.api.faults import ApiFaults
from sandbox.cloud.cloud import Cloud

FORM = "application/x-www-form-urlencoded"


def create_app(cloud: Cloud, access: Access, log: CallLog) -> Starlette:
    """Return the application for a cloud that was started; it stops the cloud at its own end."""
    dispatcher = Dispatcher(cloud, access.key)
    faults = ApiFaults()

    async def perform(method: str, query: str, form: str) -> Answer:
        began = time.perf_counter()
        parameters = wire.merge(query, form)
        answer = await faults.around(
            parameters, lambda: run_in_threadpool(dispatcher.answer, method, parameters)
        )
        log.write(parameters, answer, (time.perf_counter() - began) * 1000)
        return answer

    async def rpc(request: Request) -> Response:
        body = await request.body()
        is_form = request.headers.get("content-type", FORM).startswith(FORM)
        form = body.decode("utf-8", "replace") if is_form else ""
        answer = await perform(request.method, request.url.query, form)
        return JSONResponse(answer.body, status_code=answer.status)

    async def unknown(request: Request, _error: Exception) -> Response:
        # Never 404: to clients of the API that means the resource is gone.
        text = f"The sandbox serves RPC calls at / only, not {request.method} {request.url.path}."
        return JSONResponse({"Code": "InvalidAction", "Message": text, "RequestId": ""}, status_code=400)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(cloud.stop)
        log.close()

    return Starlette(
        routes=[Route("/", rpc, methods=["GET", "POST"]), *Control(cloud, access, faults).routes()],
        exception_handlers={404: unknown, 405: unknown},
        lifespan=lifespan,
    )
