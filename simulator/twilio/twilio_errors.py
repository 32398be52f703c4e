"""Twilio's error answers: https://www.twilio.com/docs/api/errors."""

from __future__ import annotations

from starlette.responses import JSONResponse

MESSAGES = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20001: (400, "Invalid parameter"),
    20004: (405, "Method not allowed"),
}


def failure(code: int) -> JSONResponse:
    """An error as Twilio words it."""
    status, message = MESSAGES[code]
    return JSONResponse(
        {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
        status,
    )
