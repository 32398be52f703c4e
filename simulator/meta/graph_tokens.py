"""Whose access token it is, and whether it lives.

A token belongs in the Authorization header. Graph takes it from the query as well, where it ends in
logs; `in_urls` counts how often that happened.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

from starlette.requests import Request

from simulator.channels import CHATS, INSTAGRAM, MESSENGER, WHATSAPP
from simulator.faults import Faults
from simulator.meta.graph_errors import GraphError, expired_token, not_a_pages_token
from simulator.store.scribe import sid
from simulator.store.state import State
from simulator.world.accounts import MetaApp

REFRESHED_SECONDS = 5_183_944
SCOPES = {
    WHATSAPP: ["whatsapp_business_messaging", "whatsapp_business_management"],
    INSTAGRAM: ["instagram_business_basic", "instagram_business_manage_messages"],
    MESSENGER: [
        "pages_messaging",
        "pages_manage_metadata",
        "pages_read_engagement",
        "pages_show_list",
        "instagram_basic",
        "instagram_manage_messages",
    ],
}
TYPES = {WHATSAPP: "SYSTEM_USER", INSTAGRAM: "USER", MESSENGER: "SYSTEM_USER"}


class GraphTokens:
    """Tokens as Meta hands them out: of system users, of the page, of Instagram's login, of the app.

    A system user's opens the business's things; to a page's edges it is no key, but the page's own token is given
    for it. Instagram's can be refreshed, which makes another.
    """

    def __init__(self, state: State, faults: Faults) -> None:
        self.state, self.faults = state, faults
        self.in_urls = 0

    def given(self, request: Request, steps: list[str]) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        in_url = request.query_params.get("access_token", "")
        # For its own renewal a token stands there by Meta's own description.
        self.in_urls += bool(in_url) and steps != ["refresh_access_token"]
        return token.strip() if scheme.lower() == "bearer" else in_url

    def principal(self, token: str) -> str | None:
        """The channel whose token it is, or None. A system user for pages is one of Messenger's."""
        meta = self.state.accounts.meta
        known = {
            meta.whatsapp_token: WHATSAPP,
            meta.instagram_token: INSTAGRAM,
            meta.page_token: MESSENGER,
            meta.system_token: MESSENGER,
            **dict.fromkeys(self.state.meta.refreshed, INSTAGRAM),
        }
        return known.get(token)

    def app(self, token: str) -> MetaApp | None:
        """The Meta app whose token it is. The app inside it of Instagram's login makes none."""
        app = self.state.accounts.meta.app
        return app if token == app.token else None

    def demand(self, token: str) -> str:
        """The channel of a living token.

        Raises:
            GraphError: 104 without one, 190 for a dead or unknown one, 101 for an app with another's secret.
        """
        if not token:
            raise GraphError(104, "An access token is required to request this resource.")
        app, _, secret = token.partition("|")
        if secret and app.isdigit():
            raise GraphError(101, "Error validating application. Invalid application secret.")
        channel = self.principal(token)
        if channel is None:
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")
        if channel in self.faults.expired_tokens:
            raise expired_token()
        return channel

    def demand_proof(self, token: str, query: dict[str, str], kind: str) -> None:
        """
        Raises:
            GraphError: the proof is wrong, or missing where the app demands one.
        """
        given = query.get("appsecret_proof", "")
        if kind == INSTAGRAM:
            return
        secret = self.state.accounts.meta.app.secret.encode()
        expected = hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()
        if given and not hmac.compare_digest(given, expected):
            raise GraphError(100, "Invalid appsecret_proof provided in the API argument")
        if not given and self.faults.values["require_proof"]:
            raise GraphError(100, "API calls from the server require an appsecret_proof argument")

    def demand_page(self, token: str) -> None:
        """
        Raises:
            GraphError: 190, where the token is not the page's own.
        """
        if token != self.state.accounts.meta.page_token:
            raise not_a_pages_token()

    def refresh(self) -> dict[str, Any]:
        """Another token of Instagram for 60 days; the old one goes on living."""
        token = f"IGAA{sid('', 'refreshed', self.state.next_key())}"
        self.state.meta.refresh(token)
        return {"access_token": token, "token_type": "bearer", "expires_in": REFRESHED_SECONDS}

    def inspect(self, token: str) -> dict[str, Any]:
        """The answer of /debug_token."""
        channel = self.principal(token)
        if channel not in CHATS:
            error = {"code": 190, "message": "The access token could not be decrypted"}
            return {"data": {"error": error, "is_valid": False, "scopes": []}}
        dead = channel in self.faults.expired_tokens
        app = self.state.accounts.meta.app
        now = int(time.time())
        data: dict[str, Any] = {
            "app_id": app.id,
            "type": "PAGE" if token == self.state.accounts.meta.page_token else TYPES[channel],
            "application": "Saltbush correspondence",
            "expires_at": now - 60 if dead else 0,
            "data_access_expires_at": now + 90 * 86_400,
            "is_valid": not dead,
            "scopes": SCOPES[channel],
        }
        if channel == INSTAGRAM and not dead:
            data["expires_at"] = now + REFRESHED_SECONDS
        if dead:
            data["error"] = {"code": 190, "subcode": 463, "message": "Session has expired"}
        return {"data": data}
