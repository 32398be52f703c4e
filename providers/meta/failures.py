"""What Graph's errors mean for a pull (docs/providers/meta.md). Neither its messages nor the token are repeated.

ProviderFailed
├── Permanent
│   ├── NotAvailable what was asked for is gone, or its details are not given (code 100, subcode 33)
│   ├── TooMuch      less must be asked for: waiting changes nothing
│   └── NotAccepted  Graph does not accept the request: another form of it may be
├── NeedsAdmin
│   ├── WrongToken   an edge of a page was asked with another kind of token
│   └── WrongProof   appsecret_proof was made with another secret, or is missing
└── TryLater
    └── Stumbled     Graph fails and does not say why: with others it may work
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from providers.failures import (
    NeedsAdmin,
    NotAccepted,
    Permanent,
    ProviderFailed,
    TryLater,
    seconds_asked,
)
from providers.meta.pace import seconds_to_regain

#: Temporary troubles, and limits of the app, the user, the page or the account.
UNEXPLAINED = {1, 2}
LATER = {4, 17, 32, 341, 613, *range(80000, 80015), 130429}
BLOCKED = 368
BLOCKED_SECONDS = 7200.0
TOKEN = {102, 190}
TOKEN_REASONS = {
    458: "the app was removed from the account",
    459: "the account's owner must sign in at Meta first",
    460: "its owner changed the password",
    463: "it has expired",
    464: "the account's owner must sign in at Meta first",
    467: "it was revoked",
}
PERMISSION = {3, 10, *range(200, 300)}
#: Instagram: Settings, Messages, Connected tools, Allow access to messages.
ACCESS_TO_MESSAGES = 2534041
GONE = (100, 33)
#: How Graph says that an answer would be too large; sometimes in `error_user_msg` alone.
TOO_MUCH = "reduce the amount of data"
TOO_MUCH_SUBCODE = 99
PAGE_TOKEN = 210


class NotAvailable(Permanent):
    """There is nothing of this id, or Graph does not give its details."""


class TooMuch(Permanent):
    """The answer would be too large for Graph."""


class WrongToken(NeedsAdmin):
    """What a page owns was asked for with a token that is not the page's."""


class WrongProof(NeedsAdmin):
    """`appsecret_proof` is missing, or no secret of ours made one that Graph takes."""


class Stumbled(TryLater):
    """Graph failed and gave no reason that holds for every call."""


def failure_of(status: int, headers: Mapping[str, str], text: str, name: str) -> ProviderFailed:
    """The error in our words: status, codes, and what to do."""
    error = _error(text)
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = f"{name}: Graph answered {status}"
    if code is not None:
        said += f", code {code}" + (f", subcode {subcode}" if subcode is not None else "")
    words = f"{error.get('message') or ''} {error.get('error_user_msg') or ''}".lower()
    if TOO_MUCH in words or (code == 1 and subcode == TOO_MUCH_SUBCODE):
        return TooMuch(f"{said}: the answer would be too large")
    if code == PAGE_TOKEN or (code in TOKEN and "page access token" in words):
        return WrongToken(
            f"{said}: what belongs to a page is given to the page's own token: access_token must be one of the "
            "page, or of a system user or a person who may ask for it (permissions pages_show_list and "
            "pages_messaging, the page assigned to the system user); receiving goes on"
        )
    if "appsecret_proof" in words:
        return WrongProof(
            f"{said}: the app's secret does not belong to the app that made the token: check app_secret "
            "(its value is in the app's dashboard, under App settings, Basic); receiving goes on"
        )
    if code == BLOCKED:
        return TryLater(f"{said}: Meta blocks these calls for some time", BLOCKED_SECONDS)
    if code in TOKEN:
        reason = TOKEN_REASONS.get(subcode or 0, "Meta does not accept it")
        return NeedsAdmin(
            f"{said}: the access token no longer works ({reason}): make a new one and set it with "
            "`./crm connection rotate`; pulling stops until then, receiving goes on"
        )
    if subcode == ACCESS_TO_MESSAGES:
        return NeedsAdmin(
            f"{said}: the account does not let the app read messages: switch on Settings, Messages, "
            "Connected tools, Allow access to messages; receiving goes on"
        )
    if (
        error.get("is_transient") is True
        or code in LATER | UNEXPLAINED
        or status == 429
        or status >= 500
    ):
        after = max(
            seconds_to_regain(headers) or 0.0,
            seconds_asked(headers.get("retry-after")) or 0.0,
        )
        unexplained = (code is None or code in UNEXPLAINED) and status != 429 and not after
        kind = Stumbled if unexplained else TryLater
        return kind(f"{said}: it asks us to slow down or is away", after or None)
    if code in PERMISSION or status in (401, 403):
        return NeedsAdmin(
            f"{said}: a permission is missing, or the app's review: give the token the permissions "
            "that reading conversations needs; receiving goes on"
        )
    if (code, subcode) == GONE:
        return NotAvailable(f"{said}: it is gone, or its details are not given")
    return NotAccepted(f"{said}: the request was refused; check the ids and api_version")


def _error(text: str) -> dict[str, Any]:
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
