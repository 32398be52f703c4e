"""The app's own routes beside Streamlit's: health, and the two that set and clear the cookie."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app import database, sessions


def local_path(asked: str | None) -> str:
    """The page asked for, when it is a path of this app; the first page otherwise.

    `//host`, `/\\host` and control characters would lead a browser elsewhere.
    """
    if not asked or not asked.startswith("/") or asked.startswith("//") or len(asked) > 2000:
        return "/"
    if "\\" in asked or not asked.isprintable():
        return "/"
    parts = urlsplit(asked)
    return "/" if parts.scheme or parts.netloc else asked


def _is_https(request: Request) -> bool:
    """By the request itself (uvicorn takes the scheme from a trusted proxy), or by the public URL."""
    public = urlsplit(database.settings().public_url or "")
    return request.url.scheme == "https" or (
        public.scheme == "https" and public.hostname == request.url.hostname
    )


def _from_elsewhere(request: Request) -> bool:
    """Whether another site's page sent the browser here; browsers say so themselves."""
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"cache-control": "no-store"})


def healthz(_: Request) -> Response:
    """Alive: the process answers. It says nothing about the warehouse."""
    return JSONResponse({"status": "ok"})


def start(request: Request) -> Response:
    """`GET /session/start?token=…&next=…`: trade the one-time token for the session's cookie.

    A token that is used, old, unknown, or sent here by another site sets nothing.
    """
    token = request.query_params.get("token", "")
    if not token or _from_elsewhere(request):
        return _go("/")
    try:
        opened = sessions.open_session(
            token, ip=_address(request), user_agent=request.headers.get("user-agent")
        )
        if opened is None:
            return _go("/")
        # Whoever signs in again leaves no former session behind.
        sessions.end_session(request.cookies.get(sessions.cookie_name()), ip=_address(request))
    except database.AWAY:
        return _go("/")
    response = _go(local_path(request.query_params.get("next")))
    response.set_cookie(
        sessions.cookie_name(),
        opened,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_https(request),
    )
    return response


def end(request: Request) -> Response:
    """`GET` or `POST /session/end`: revoke the session, clear the cookie, show the form."""
    if _from_elsewhere(request):
        return _go("/")
    try:
        sessions.end_session(request.cookies.get(sessions.cookie_name()), ip=_address(request))
    except database.AWAY:
        # Clearing the cookie while the row lives on would only look like a sign-out.
        return Response(
            "The database does not answer, so you are still signed in. Try again in a moment.",
            status_code=503,
            media_type="text/plain",
            headers={"retry-after": "5"},
        )
    response = _go("/")
    response.delete_cookie(
        sessions.cookie_name(), path="/", httponly=True, samesite="lax", secure=_is_https(request)
    )
    return response


ROUTES = [
    Route("/healthz", healthz, methods=["GET"]),
    Route("/session/start", start, methods=["GET"]),
    Route("/session/end", end, methods=["GET", "POST"]),
]
