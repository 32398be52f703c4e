"""Meta's Graph API: who asks, what may go wrong, which call it is.

Follows https://developers.facebook.com/docs/graph-api/overview. `/v26.0/…` and the same without a
version; on one host here, where Instagram Login has graph.instagram.com. What reads is answered,
what registers is done, everything else is refused: nothing of this project sends.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.faults import Faults
from simulator.meta.graph_errors import RATE_LIMITED, GraphError, gone, invalid_parameter
from simulator.meta.graph_tokens import GraphTokens
from simulator.store.state import State

VERSION = re.compile(r"v\d+\.\d+")
TYPES = {WHATSAPP: "whatsapp", INSTAGRAM: "instagram", MESSENGER: "messenger"}
UNVERSIONED = ("refresh_access_token", "access_token")


@dataclass
class Call:
    """One call: who asks (a channel, or "app"), the steps of the path with `me` resolved, and the
    parameters of query and body together. `url` is without query."""

    method: str
    channel: str
    token: str
    steps: list[str]
    query: dict[str, str]
    url: str
    #: What kind of token asks: whatsapp (a system user's), messenger (a page's), instagram (a login's), app.
    kind: str = ""

    @property
    def route(self) -> tuple[str, ...]:
        """How handlers are looked up: everything but the first step."""
        return (self.method, *self.steps[1:])


Answer = dict[str, Any]
Handler = Callable[[Call], Awaitable[Answer | None]]


class GraphRest:
    """Asks the handlers in turn; the first that knows the call answers it."""

    def __init__(
        self, state: State, faults: Faults, tokens: GraphTokens, handlers: list[Handler]
    ) -> None:
        self.state, self.faults, self.tokens = state, faults, tokens
        self.handlers = handlers
        self.calls = 0
        self.refused_posts = 0
        self._recent: deque[float] = deque()
        self._of_the_hour: deque[float] = deque()

    def routes(self) -> list[Route]:
        """To be put last: without a version every path might be Graph's."""
        return [Route("/{rest:path}", self.answer, methods=["GET", "POST", "DELETE"])]

    async def answer(self, request: Request) -> Response:
        self.calls += 1
        self._of_the_hour.append(time.monotonic())
        channel = ""
        try:
            call = await self._read(request)
            channel = call.channel
            wrong = self.state.contract.graph(call.method, call.steps, call.query, call.kind)
            if wrong and call.method == "GET":
                raise invalid_parameter(f"Unknown: {wrong}")
            self._may_fail(call)
            for handler in self.handlers:
                found = await handler(call)
                if found is not None:
                    return JSONResponse(found, headers=self._usage(channel, limited=False))
            self.refused_posts += call.method == "POST"
            raise gone(call.method.lower())
        except GraphError as error:
            limited = error.code in (4, 613)
            headers = self._usage(channel, limited=limited)
            return JSONResponse(error.body(), error.status, headers=headers)

    async def _read(self, request: Request) -> Call:
        """Who asks for what.

        Raises:
            GraphError: 104 or 190 for the token, 100 for a body that cannot be read.
        """
        steps = request.url.path.strip("/").split("/")
        if VERSION.fullmatch(steps[0]):
            steps = steps[1:]
        query = dict(request.query_params) | await _body(request)
        token = self.tokens.given(request, steps) or query.get("access_token", "")
        url = f"{self.state.base_url}{request.url.path}"
        if self.tokens.app(token):
            self.tokens.demand_proof(token, query, "app")
            return Call(request.method, "app", token, steps, query, url, "app")
        channel = self.tokens.demand(token)
        self.tokens.demand_proof(token, query, channel)
        if steps[:1] == ["me"]:
            steps[0] = self._me(channel)
        return Call(request.method, channel, token, steps, query, url, channel)

    def _me(self, channel: str) -> str:
        meta = self.state.accounts.meta
        mine = {MESSENGER: meta.page_id, INSTAGRAM: meta.instagram_id}
        return mine.get(channel, f"system-user-{meta.portfolio_id}")

    def _may_fail(self, call: Call) -> None:
        """The faults in force."""
        if self.faults.hit("http_429"):
            raise GraphError(
                4, "(#4) Application request limit reached", status=429, transient=True
            )
        if self.faults.hit("http_500"):
            message = "An unexpected error has occurred. Please retry your request later."
            raise GraphError(2, message, status=500, transient=True)
        if self.faults.hit("graph_rate_limit"):
            raise GraphError(4, "(#4) Application request limit reached", transient=True)
        if self.faults.hit("graph_account_limit") or self._too_fast():
            raise GraphError(613, RATE_LIMITED, subcode=2534040, transient=True)

    def _too_fast(self) -> bool:
        most, now = self.faults.values["graph_calls_per_second"], time.monotonic()
        if not most:
            return False
        while self._recent and self._recent[0] < now - 1:
            self._recent.popleft()
        if len(self._recent) >= most:
            return True
        self._recent.append(now)
        return False

    def _usage(self, channel: str, *, limited: bool) -> dict[str, str]:
        """How much of the limits is used in a rolling hour, in per cent, and minutes to wait."""
        while self._of_the_hour[0] < time.monotonic() - 3600:
            self._of_the_hour.popleft()
        share = 100 if limited else min(99, len(self._of_the_hour) // 50)
        app = {"call_count": share, "total_time": share // 2, "total_cputime": share // 2}
        business = app | {
            "type": TYPES.get(channel, "pages"),
            "estimated_time_to_regain_access": 1 if limited else 0,
        }
        account = self.state.accounts.meta.page_id
        return {
            "X-App-Usage": json.dumps(app),
            "X-Business-Use-Case-Usage": json.dumps({account: [business]}),
            "facebook-api-version": "v26.0",
        }


async def _body(request: Request) -> dict[str, str]:
    """The parameters of a form or JSON body; nested JSON values stay JSON text."""
    raw = await request.body()
    if not raw:
        return {}
    if not request.headers.get("content-type", "").startswith("application/json"):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        values = json.loads(raw)
    except ValueError:
        raise GraphError(100, "Invalid JSON in the body") from None
    if not isinstance(values, dict):
        raise GraphError(100, "The body must be a JSON object")
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
