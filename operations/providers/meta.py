"""Meta: WhatsApp numbers, Instagram accounts and pages, their tokens, and which of their events come to us."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from operations.providers import ProviderRefused
from operations.providers.graph import GraphRefused, app_call, call
from operations.providers.meta_subscriptions import (
    is_login,
    subscribe_account,
    subscribe_app,
    subscriptions,
)
from pipelines.graph_api import INSTAGRAM
from warehouse.connections import Connection, UnusableConnection

#: What WhatsApp gives of a number that was used in the business app before it came here.
HISTORY = ("smb_app_state_sync", "history")


def check(connection: Connection) -> str:
    """Ask what the account is called, and until when the token lives."""
    sentence = {"whatsapp": _check_number, "instagram": _check_instagram, "messenger": _check_page}[
        connection.channel
    ](connection)
    return "; ".join([sentence, *_token_dates(connection)])


def present(connection: Connection) -> list[dict[str, Any]]:
    """What the app and the account are subscribed to now, and which URL counts."""
    return subscriptions(connection)


def configure(connection: Connection, url: str) -> list[dict[str, Any]]:
    """Subscribe the app where its id is known, then the account. Repeating it changes nothing.

    Meta asks our URL for the handshake before it agrees, so the receiver must be reachable there.

    Raises:
        ProviderRefused: Meta says no.
    """
    notes = subscribe_app(connection, url)
    subscribe_account(connection, url)
    return [*subscriptions(connection), *notes]


def request_history(connection: Connection) -> list[dict[str, Any]]:
    """Ask WhatsApp for the contacts and chats of a number that was in use before. They come by webhook.

    Each can be asked for once, within 24 hours of the number's onboarding. A row has `state`, and `refused`
    where it is not to be had.

    Raises:
        UnusableConnection: the channel has no such thing.
    """
    if connection.channel != "whatsapp":
        raise UnusableConnection(
            f"{connection.channel}: its history is pulled; there is nothing to ask for"
        )
    number = connection.required("phone_number_id")
    rows = []
    for kind in HISTORY:
        asked = {"messaging_product": "whatsapp", "sync_type": kind}
        try:
            answer = call(connection, "POST", f"{number}/smb_app_data", body=asked)
        except GraphRefused as refused:
            rows.append({"object": kind, "state": "refused", "refused": str(refused)})
        else:
            rows.append(
                {"object": kind, "state": "asked for", "request_id": answer.get("request_id", "")}
            )
    return rows


def _check_number(connection: Connection) -> str:
    number = connection.required("phone_number_id")
    answer = call(connection, "GET", number, query={"fields": "display_phone_number,verified_name"})
    named = answer.get("display_phone_number", number)
    return f"number {named} answers; it is called {answer.get('verified_name') or '(no name)'}"


def _check_instagram(connection: Connection) -> str:
    wanted = connection.required("account_id")
    if is_login(connection):
        told = call(connection, "GET", "me", host=INSTAGRAM, query={"fields": "user_id,username"})
        # The plain `id` is the app's own for the account: webhooks never name it.
        found = str(told.get("user_id", ""))
    else:
        linked = "instagram_business_account{id,username}"
        page = call(connection, "GET", connection.required("page_id"), query={"fields": linked})
        told = page.get("instagram_business_account") or {}
        found = str(told.get("id", ""))
    if found != wanted:
        raise ProviderRefused(
            f"instagram: the token is of account {found or '(unknown)'}, not of account_id {wanted}"
        )
    return f"account {told.get('username', found)} answers"


def _check_page(connection: Connection) -> str:
    page = connection.required("page_id")
    answer = call(connection, "GET", page, query={"fields": "id,name"})
    return f"page {answer.get('name', page)} answers"


def _token_dates(connection: Connection) -> list[str]:
    """What Meta tells about the token to its app. Tokens of an Instagram Login have no such call."""
    if not connection.value("app_id") or is_login(connection):
        return []
    try:
        answer = app_call(
            connection,
            "GET",
            "debug_token",
            query={"input_token": connection.required("access_token")},
        )
    except GraphRefused as refused:
        return [f"the token's dates are not told: {refused}"]
    told = answer.get("data")
    told = told if isinstance(told, dict) else {}
    return [
        f"token {_until(told.get('expires_at'))}",
        f"data access {_until(told.get('data_access_expires_at'))}",
    ]


def _until(seconds: Any) -> str:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        return "does not expire"
    return f"expires {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
