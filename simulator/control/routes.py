"""The simulator's own JSON interface, under /simulator/: it exists at no provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.control.deeds import Deed
from simulator.control.order_parts import BadRequest
from simulator.control.views import View
from simulator.faults import UnknownFault


def routes(views: dict[str, View], deeds: dict[str, Deed]) -> list[Route]:
    """GET for what is shown, POST for what is done."""
    return [
        Route("/healthz", _shown(lambda request: {"status": "ok"}), methods=["GET"]),
        *(Route(f"/simulator/{n}", _shown(view), methods=["GET"]) for n, view in views.items()),
        *(Route(f"/simulator/{n}", _done(deed), methods=["POST"]) for n, deed in deeds.items()),
        Route("/simulator/{rest:path}", _unknown, methods=["GET", "POST"]),
    ]


async def _unknown(request: Request) -> Response:
    return JSONResponse({"error": "there is no such control call"}, 404)


def _shown(view: View) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(view(request))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


def _done(deed: Deed) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
            if not isinstance(body, dict):
                raise BadRequest("the body must be a JSON object")
            return JSONResponse(await deed(body))
        except (ValueError, UnknownFault) as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint
