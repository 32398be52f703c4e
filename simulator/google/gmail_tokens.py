"""The token endpoint: an access token for a refresh token.

Follows https://developers.google.com/identity/protocols/oauth2/web-server#offline.
"""

from __future__ import annotations

import secrets
import time

from simulator.faults import Faults
from simulator.google.gmail_errors import Answer
from simulator.store.state import State

TOKEN_SECONDS = 3599


class GmailTokens:
    """Hands out access tokens and knows them again; a restart forgets them all, as if expired."""

    def __init__(self, state: State, faults: Faults) -> None:
        self.state, self.faults = state, faults
        self.access_tokens: dict[str, float] = {}

    def token(self, form: dict[str, str]) -> Answer:
        """The refresh_token grant."""
        keys = self.state.accounts
        if self.faults.hit("invalid_grant") or form.get("refresh_token") != keys.refresh_token:
            return 400, {
                "error": "invalid_grant",
                "error_description": "Token has been expired or revoked.",
            }
        if (form.get("client_id"), form.get("client_secret")) != (
            keys.client_id,
            keys.client_secret,
        ):
            return 401, {
                "error": "invalid_client",
                "error_description": "The OAuth client was not found.",
            }
        if form.get("grant_type") != "refresh_token":
            return 400, {
                "error": "unsupported_grant_type",
                "error_description": "Invalid grant_type",
            }
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self.access_tokens[token] = time.monotonic() + TOKEN_SECONDS
        return 200, {
            "access_token": token,
            "expires_in": TOKEN_SECONDS,
            "token_type": "Bearer",
            "scope": "https://www.googleapis.com/auth/gmail.readonly",
        }

    def authorised(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return (
            scheme.lower() == "bearer"
            and self.access_tokens.get(token.strip(), 0) > time.monotonic()
        )
