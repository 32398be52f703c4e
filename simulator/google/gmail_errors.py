"""Gmail's error answers: https://developers.google.com/workspace/gmail/api/guides/handle-errors."""

from __future__ import annotations

from typing import Any

Answer = tuple[int, dict[str, Any] | None]
REASONS = {
    400: ("badRequest", "INVALID_ARGUMENT", "Bad Request"),
    401: ("authError", "UNAUTHENTICATED", "Invalid Credentials"),
    403: ("userRateLimitExceeded", "PERMISSION_DENIED", "User-rate limit exceeded."),
    404: ("notFound", "NOT_FOUND", "Requested entity was not found."),
    429: ("rateLimitExceeded", "RESOURCE_EXHAUSTED", "Too many concurrent requests for user."),
    503: ("backendError", "UNAVAILABLE", "Service unavailable. Please try again."),
}


class ErrorAnswer(Exception):
    """The call ends in an error answer with this status."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def answer(self) -> Answer:
        reason, status, text = REASONS[self.status]
        domain = "usageLimits" if self.status in (403, 429) else "global"
        error = {"message": self.message or text, "domain": domain, "reason": reason}
        return self.status, {
            "error": {
                "code": self.status,
                "message": self.message or text,
                "errors": [error],
                "status": status,
            }
        }
