"""HTTP routes of Gmail: single calls, batches, tokens, certificates.

A batch is multipart/mixed with one application/http part per call, as
https://developers.google.com/workspace/gmail/api/guides/batch describes it; answers come in the
same order with `Content-ID: <response-…>`.
"""

from __future__ import annotations

import json
import uuid
from email import message_from_bytes, message_from_string
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.google.gmail_errors import Answer, ErrorAnswer
from simulator.google.gmail_rest import GmailRest
from simulator.google.pubsub import PubSub

MOST_IN_BATCH = 100


class GmailRoutes:
    """Gmail over HTTP."""

    def __init__(self, gmail: GmailRest, pubsub: PubSub) -> None:
        self.gmail, self.pubsub = gmail, pubsub

    def routes(self) -> list[Route]:
        return [
            Route("/token", self.token, methods=["POST"]),
            Route("/oauth2/v1/certs", self.certificates, methods=["GET"]),
            Route("/batch", self.batch, methods=["POST"]),
            Route("/batch/gmail/v1", self.batch, methods=["POST"]),
            Route("/gmail/v1/users/{rest:path}", self.call, methods=["GET", "POST"]),
        ]

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        return _http(self.gmail.tokens.token(form))

    async def certificates(self, request: Request) -> Response:
        return JSONResponse(
            self.pubsub.keys.certificates,
            headers={"Cache-Control": "public, max-age=19800, must-revalidate, no-transform"},
        )

    async def call(self, request: Request) -> Response:
        body = _json(await request.body())
        if body is None:
            return _http(ErrorAnswer(400, "Invalid JSON payload").answer())
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        answer = self.gmail.respond(
            request.method, target, body, request.headers.get("authorization", "")
        )
        self._after(request.method, request.url.path, answer)
        return _http(answer)

    async def batch(self, request: Request) -> Response:
        header = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
        outer = message_from_bytes(header + await request.body())
        parts = outer.get_payload()
        if not outer.is_multipart() or not isinstance(parts, list) or len(parts) > MOST_IN_BATCH:
            return _http(
                ErrorAnswer(
                    400, f"A batch is multipart/mixed with at most {MOST_IN_BATCH} calls"
                ).answer()
            )
        boundary, out = f"batch_{uuid.uuid4().hex}", []
        for part in parts:
            if not isinstance(part, Message):
                continue
            status, answer = self._inner(
                str(part.get_payload()), request.headers.get("authorization", "")
            )
            content = "" if answer is None else json.dumps(answer)
            out.append(
                f"--{boundary}\r\nContent-Type: application/http\r\n"
                f"Content-ID: {_response_id(part['Content-ID'])}\r\n\r\n"
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
                f"Content-Type: application/json; charset=UTF-8\r\n"
                f"Content-Length: {len(content.encode())}\r\n\r\n{content}\r\n"
            )
        return Response(
            "".join(out) + f"--{boundary}--\r\n", media_type=f"multipart/mixed; boundary={boundary}"
        )

    def _inner(self, text: str, authorization: str) -> Answer:
        """One call of a batch: request line, headers, body. Its own Authorization wins over the
        outer one."""
        line, _, rest = text.lstrip().partition("\n")
        try:
            method, target, _ = line.split()
        except ValueError:
            return ErrorAnswer(400, "Malformed request line").answer()
        inner = message_from_string(rest)
        body = _json(str(inner.get_payload()).encode())
        if body is None:
            return ErrorAnswer(400, "Invalid JSON payload").answer()
        answer = self.gmail.respond(method, target, body, inner["Authorization"] or authorization)
        self._after(method, target, answer)
        return answer

    def _after(self, method: str, path: str, answer: Answer) -> None:
        """A new watch sends one notification at once."""
        if method == "POST" and path.partition("?")[0].endswith("/watch") and answer[0] == 200:
            self.pubsub.notify()


def _response_id(content_id: str | None) -> str:
    return (
        f"<response-{content_id[1:]}"
        if content_id and content_id.startswith("<")
        else "<response->"
    )


def _json(body: bytes) -> dict[str, Any] | None:
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _http(answer: Answer) -> Response:
    status, content = answer
    return Response(status_code=status) if content is None else JSONResponse(content, status)
