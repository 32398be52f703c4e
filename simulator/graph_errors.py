"""Graph's error answers: https://developers.facebook.com/docs/graph-api/guides/error-handling."""

from __future__ import annotations

import secrets
from typing import Any

RATE_LIMITED = "Calls to this api have exceeded the rate limit."


class GraphError(Exception):
    """The call ends in an error answer."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        kind: str = "OAuthException",
        status: int = 400,
        transient: bool = False,
    ) -> None:
        super().__init__(message)
        self.code, self.subcode, self.kind = code, subcode, kind
        self.message, self.status, self.transient = message, status, transient

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.transient:
            error["is_transient"] = True
        return {"error": {**error, "fbtrace_id": secrets.token_urlsafe(8)}}


def gone(method: str = "get", what: str = "") -> GraphError:
    """Missing, deleted, too old or not allowed: Graph does not say which."""
    return GraphError(
        100,
        f"Unsupported {method} request. {what or 'Object does not exist or cannot be loaded.'}",
        subcode=33,
        kind="GraphMethodException",
    )


def expired_token() -> GraphError:
    return GraphError(190, "Error validating access token: Session has expired", subcode=463)


def invalid_parameter(message: str) -> GraphError:
    return GraphError(100, f"(#100) {message}")
