"""The app's own routes beside Streamlit's: health, the two that set and clear the cookie, attachments, and
the stream of news."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from app import (
    attachments,
    csv_file,
    customers_csv,
    database,
    designed,
    events_csv,
    health,
    privacy_files,
)
from app.access import sessions
from app.access.roles import Forbidden
from app.access.sessions import Viewer
from app.live import stream as news_stream
from app.serving import file_answer
from media.store import DamagedMedia, MissingMedia
from warehouse import health_metrics
from warehouse.refusals import Refused

log = logging.getLogger("crm.app")


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
    """By what browsers call, the request itself (uvicorn takes the scheme from a trusted proxy), or the public URL."""
    if database.settings().is_app_https:
        return True
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
    # Only our own form leads here: a link that somebody sent would sign its reader in as its sender.
    if not token or request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
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


def attachment(request: Request) -> Response:
    """`GET /attachment?message=…&attachment=…[&download=1]`: the bytes, once it is written down who opens them.

    Where there is nothing to open the answer does not say why.
    """
    if _from_elsewhere(request):
        return _refusal(403, "Open attachments from the timeline.")
    asked = request.headers.get("range")
    is_download = request.query_params.get("download") == "1"
    try:
        viewer = sessions.viewer_of(
            request.cookies.get(sessions.cookie_name()),
            ip=_address(request),
            # A page that refreshes itself draws pictures again; nobody did anything.
            touch=request.headers.get("sec-fetch-dest") != "image",
        )
        if viewer is None:
            return _refusal(401, "Sign in first.")
        file = attachments.open_attachment(
            viewer,
            request.query_params.get("message", ""),
            request.query_params.get("attachment", ""),
            is_download=is_download,
            begins=file_answer.begins(asked),
        )
        return file_answer.answer(
            file, is_download=is_download, asked=asked, known_tag=request.headers.get("if-range")
        )
    except Forbidden as refused:
        return _refusal(403, str(refused))
    except attachments.NotOpened as costly:
        return _refusal(422, str(costly))
    except (attachments.NotThere, MissingMedia):
        return _refusal(404, "There is no such attachment.")
    except DamagedMedia as damage:
        log.error("%s", damage)
        return _refusal(500, "The stored file is damaged.")
    except database.AWAY:
        return _away()


def _refusal(status: int, words: str) -> Response:
    return Response(words, status, media_type="text/plain", headers=file_answer.HEADERS)


def mail(request: Request) -> Response:
    """`GET /mail?message=…`: a mail as it was designed, `GET /mail/pictures?…` with pictures of the web."""
    if _from_elsewhere(request):
        return _refusal(403, "Open mails from the timeline.")
    try:
        viewer = sessions.viewer_of(
            request.cookies.get(sessions.cookie_name()), ip=_address(request), touch=True
        )
        if viewer is None:
            return _refusal(401, "Sign in first.")
        text = designed.document(
            viewer,
            request.query_params.get("message", ""),
            with_pictures=request.url.path == designed.WITH_PICTURES,
        )
    except Forbidden as refused:
        return _refusal(403, str(refused))
    except attachments.NotOpened as costly:
        return _refusal(422, str(costly))
    except designed.NothingToShow:
        return _refusal(404, "This mail was sent as text alone.")
    except DamagedMedia as damage:
        log.error("%s", damage)
        return _refusal(500, "The stored mail is damaged.")
    except database.AWAY:
        return _away()
    return Response(text, media_type="text/html", headers=file_answer.HEADERS)


def customers(request: Request) -> Response:
    """`GET /customers.csv?q=…&sort=…`: what the list of customers shows, for those who may take it out."""
    return _list(request, customers_csv.answer)


def events(request: Request) -> Response:
    """`GET /events.csv?person=…&customer=…&action=…&from=…&to=…`: what the Audit page shows, for those who may."""
    return _list(request, events_csv.answer)


def export(request: Request) -> Response:
    """`GET /export.zip?task=…`: what is held about a customer, as the worker wrote it, for those who may."""
    return _list(request, privacy_files.export)


def statement(request: Request) -> Response:
    """`GET /statement.html?incident=…`: the draft about a breach, for those who assess it."""
    return _list(request, privacy_files.statement_of)


def _list(request: Request, answer: Callable[[Viewer, Request], Response]) -> Response:
    """A list as a file, for somebody who is signed in and asks for it from its page."""
    if _from_elsewhere(request):
        return _refusal(403, "Take the list from its page.")
    try:
        viewer = sessions.viewer_of(
            request.cookies.get(sessions.cookie_name()), ip=_address(request), touch=True
        )
        if viewer is None:
            return _refusal(401, "Sign in first.")
        return answer(viewer, request)
    except Forbidden as refused:
        return _refusal(403, str(refused))
    except Refused as refused:
        return _refusal(404, f"{refused}.")
    except csv_file.Busy:
        busy = _refusal(503, "Two other lists are written just now. Try again in a minute.")
        busy.headers["retry-after"] = "30"
        return busy
    except database.AWAY:
        return _away()


def metrics(request: Request) -> Response:
    """`GET /metrics`: how everything stands, to whoever has `CRM_METRICS_TOKEN`; for others there is nothing here."""
    expected = database.settings().metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if expected is None or not hmac.compare_digest(
        given.encode(), expected.get_secret_value().encode()
    ):
        return _refusal(404, "Not found.")
    try:
        found = health.report()
    except database.AWAY:
        return _away()
    text = health_metrics.text(found.facts, found.findings)
    return Response(text, media_type="text/plain; version=0.0.4", headers=file_answer.HEADERS)


def _away() -> Response:
    refusal = _refusal(503, "The database does not answer. Try again in a moment.")
    refusal.headers["retry-after"] = "5"
    return refusal


ROUTES: list[BaseRoute] = [
    Route(designed.ROUTE, mail, methods=["GET"]),
    Route(designed.WITH_PICTURES, mail, methods=["GET"]),
    Route("/healthz", healthz, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
    Route("/session/start", start, methods=["GET"]),
    Route("/session/end", end, methods=["GET", "POST"]),
    Route(customers_csv.ROUTE, customers, methods=["GET"]),
    Route(events_csv.ROUTE, events, methods=["GET"]),
    Route(privacy_files.EXPORT, export, methods=["GET"]),
    Route(privacy_files.STATEMENT, statement, methods=["GET"]),
    Route("/attachment", attachment, methods=["GET"]),
    WebSocketRoute("/news", news_stream.news),
]
