"""Graph's error answers: https://developers.facebook.com/docs/graph-api/guides/error-handling."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
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


def not_a_pages_token() -> GraphError:
    """A page's edges are for the page's own token."""
    return GraphError(190, "This method must be called with a Page Access Token")


def unknown_name(place: int, given: str, known: Iterable[str]) -> GraphError:
    """One unknown name refuses the whole call; the answer lists the known ones."""
    listed = ", ".join(sorted(known))
    return invalid_parameter(
        f'Param subscribed_fields[{place}] must be one of {{{listed}}} - got "{given}".'
    )


def too_much() -> GraphError:
    return GraphError(
        1,
        "Please reduce the amount of data you're asking for, then retry your request",
        status=500,
    )


def invalid_parameter(message: str) -> GraphError:
    return GraphError(100, f"(#100) {message}")
