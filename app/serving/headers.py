"""What every answer carries, and who may open the WebSocket. Streamlit has no setting for either."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import database, designed
from app.serving import uploads

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

#: Features of a browser that no page of ours asks for.
SWITCHED_OFF = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer"),
    *("microphone", "midi", "payment", "usb"),
)

#: Where Streamlit has doors of its own, and which of them this app uses: what its next version adds is closed until we
#: want it. Uploads would be kept in memory, of anybody; a component of another package reads cookies.
FRAMEWORK = ("/_stcore", "/component", "/media", "/app", "/oauth2callback", "/auth")
USED = ("/_stcore/health", "/_stcore/host-config")
#: Below these lie our own assets, and the page's icon.
USED_BELOW = (
    "/_stcore/bidi-components/crm.news/",
    "/_stcore/bidi-components/crm.chosen/",
    "/media/",
)
#: Nothing but the end of a session is ever posted.
POSTED = "/session/end"

#: Scripts of our own, under one name in every version: a browser must not keep a former one.
OURS = "/_stcore/bidi-components/"

#: A file that someone sent is no page: whatever a browser makes of it can do nothing.
STRICTER = {
    "/attachment": "sandbox; default-src 'none'; frame-ancestors 'none'",
    **designed.POLICIES,
}


def content_security_policy() -> str:
    """As strict as Streamlit lets it be.

    Its index page has an inline script, which is allowed by its hash alone; its elements are styled
    from scripts, so inline styles must be allowed. Nothing is framed, nothing comes from elsewhere.
    """
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in INLINE_SCRIPT.findall(INDEX.read_text())
    ]
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *hashes]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            # Players of recordings and films, from our own route alone.
            "media-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "frame-src 'none'",
            "frame-ancestors 'none'",
        ]
    )


class SecurityHeaders:
    """ASGI middleware: the headers, the closed doors, and the WebSocket's Origin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "content-security-policy": content_security_policy(),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "same-origin",
            "permissions-policy": ", ".join(f"{feature}=()" for feature in SWITCHED_OFF),
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not is_same_host(
            Headers(scope=scope), database.settings().app_url
        ):
            # Before it is accepted, so the browser sees a refused handshake (403).
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                if scope["path"] in STRICTER:
                    headers["content-security-policy"] = STRICTER[scope["path"]]
                if scope["path"].startswith(OURS):
                    headers["cache-control"] = "no-cache"
            await send(message)

        app, method, path = self.app, scope["method"], scope["path"]
        if uploads.is_upload(method, path):
            is_ours = is_same_host(Headers(scope=scope), database.settings().app_url)
            passes = is_ours and await uploads.may_upload(scope)
        else:
            passes = is_open(method, path)
        if not passes:
            app = PlainTextResponse("Not here.", status_code=404)
        await app(scope, receive, send_with_headers)


def is_open(method: str, path: str) -> bool:
    """Whether there is anything for this request. What Streamlit serves as pages and their scripts is open."""
    if method not in ("GET", "HEAD") and not (method == "POST" and path == POSTED):
        return False
    if not any(path == each or path.startswith(f"{each}/") for each in FRAMEWORK):
        return True
    return path in USED or path.startswith(USED_BELOW)


def is_same_host(headers: Headers, app_url: str | None = None) -> bool:
    """Whether the page that opens a WebSocket is ours. A browser always says where it comes from,
    so a handshake without Origin is refused as well.

    app_url: what browsers call, where that is known: a proxy need not pass the host on.
    """
    origin, host = headers.get("origin"), headers.get("host")
    if app_url:
        ours, given = urlsplit(app_url), urlsplit(origin or "")
        return (ours.scheme, ours.netloc.lower()) == (given.scheme, given.netloc.lower())
    return bool(origin and host) and urlsplit(origin).netloc.lower() == str(host).lower()
