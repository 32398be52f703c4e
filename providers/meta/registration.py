"""Meta: WhatsApp numbers, Instagram accounts and pages, their tokens, and which of their events come to us."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from providers.failures import NotAccepted
from providers.meta import access
from providers.meta.commands import GraphError, app_call, call
from providers.meta.subscriptions import (
    OBJECTS,
    app_subscription,
    by_hand,
    can_ask_as_app,
    is_new_to_account,
    restore_account,
    subscribe_account,
    subscribe_app,
    subscribe_whatsapp,
    subscribed_app,
    subscriptions,
    unsubscribe_account,
    unsubscribe_app,
)
from providers.registration import check_not_taken
from warehouse.connections import Connection, UnusableConnection

#: What WhatsApp gives of a number that was used in the business app before it came here.
HISTORY = ("smb_app_state_sync", "history")


def check(connection: Connection) -> str:
    """Ask what the account is called, for what a pull asks, and as the app; and until when the token lives.

    Raises:
        NotAccepted: one of it is not given.
    """
    sentence = {"whatsapp": _check_number, "instagram": _check_instagram, "messenger": _check_page}[
        connection.channel
    ](connection)
    return "; ".join([sentence, *_check_app(connection), *_token_dates(connection)])


def present(connection: Connection) -> list[dict[str, Any]]:
    """What the app and the account are subscribed to now, and which URL counts."""
    return subscriptions(connection)


def called_now(connection: Connection) -> dict[str, str]:
    """Where the events go that configuring would bring to us: the account's own address, or the app's."""
    return _held(connection, app_subscription(connection), subscribed_app(connection))


def _held(
    connection: Connection, app: dict[str, Any] | None, account: dict[str, Any] | None
) -> dict[str, str]:
    if connection.channel == "whatsapp":
        override = str((account or {}).get("override_callback_uri") or "")
        return {f"WhatsApp account {access.subject_of(connection)}": override}
    whose = f"app {connection.value('app_id')} for {OBJECTS[connection.channel]}"
    return {whose: str((app or {}).get("callback_url") or "")}


def configure(connection: Connection, url: str, *, take_over: bool = False) -> list[dict[str, Any]]:
    """Have the account send its events to the app, and the app to us. Repeating it changes nothing.

    Meta asks our URL for the handshake before it agrees, so the receiver must be reachable there. What concerns
    all accounts of the app, its URL, comes last; a WhatsApp account has a URL of its own, and the app's is touched
    only where there is none.

    Raises:
        TakenByAnother: another program is called now.
        GraphError: Meta says no; the words say what is registered then.
    """
    app, account = app_subscription(connection), subscribed_app(connection)
    check_not_taken(connection, url, _held(connection, app, account), take_over=take_over)
    is_whatsapp = connection.channel == "whatsapp"
    configured = _configure_whatsapp if is_whatsapp else _configure_chats
    notes = configured(connection, url, app, account)
    return [*subscriptions(connection, url), *notes]


def _configure_chats(
    connection: Connection, url: str, app: dict[str, Any] | None, account: dict[str, Any] | None
) -> list[dict[str, Any]]:
    is_new = account is None and is_new_to_account(connection)
    left = subscribe_account(connection, account)
    notes = [_not_taken("account's fields", left)] if left else []
    if not can_ask_as_app(connection):
        return [*notes, _by_hand(connection, url)]
    try:
        left = subscribe_app(connection, url, app)
    except GraphError as refused:
        was = [
            _account_taken_out(connection) if is_new else _account_put_back(connection, account),
            _callback_put_back(connection, app),
        ]
        raise GraphError(f"{refused}; {'; '.join(was)}", refused.code) from None
    return [*notes, *([_not_taken("app's fields", left)] if left else [])]


def _configure_whatsapp(
    connection: Connection, url: str, app: dict[str, Any] | None, account: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """The account sends to the app, the app listens, and then the account's events have our URL.

    An override is refused where the account does not list the app. What was made here is taken back where a later
    step is refused, the newest first.
    """
    undo: list[Callable[[], str]] = []
    notes = []
    callback = str((app or {}).get("callback_url") or "")
    try:
        if account is None:
            if is_new_to_account(connection):
                undo.append(lambda: _account_taken_out(connection))
            else:
                undo.append(lambda: _account_put_back(connection, None))
            subscribe_whatsapp(connection)
        if not can_ask_as_app(connection):
            notes.append(_by_hand(connection, url))
        elif not callback or callback == url:
            undo.append(lambda: _callback_put_back(connection, app))
            left = subscribe_app(connection, url, app)
            notes += [_not_taken("app's fields", left)] if left else []
        subscribe_whatsapp(connection, url)
    except GraphError as refused:
        told = [step() for step in reversed(undo)] or [_callback_put_back(connection, app)]
        raise GraphError(f"{refused}; {'; '.join(told)}", refused.code) from None
    return notes


def _by_hand(connection: Connection, url: str) -> dict[str, Any]:
    note = by_hand(connection, url)
    if connection.value("app_id"):
        note["note"] += (
            "; to have it done here, set meta_app_secret: the secret of the Meta app (App settings, Basic), which "
            "makes the app's token; app_secret is that of the Instagram app inside it, which signs"
        )
    return note


def _not_taken(what: str, names: list[str]) -> dict[str, Any]:
    return {"object": what, "note": f"Meta does not know, and did not take: {', '.join(names)}"}


def _account_taken_out(connection: Connection) -> str:
    """The account without our app, which it did not know before; in words."""
    try:
        if not is_new_to_account(connection):
            unsubscribe_account(connection)
    except GraphError as refused:
        return (
            "the account sends its events to the app, which it did not before, and that could not be taken back "
            f"({refused})"
        )
    return "the account sends nothing to the app, as before"


def _account_put_back(connection: Connection, account: dict[str, Any] | None) -> str:
    """The account's fields as they were, after the app's URL was refused; in words."""
    if account is None:
        return "the account sends its events to the app, which it did not before; nobody else is told less"
    try:
        restore_account(connection, account)
    except GraphError as refused:
        return f"the account's fields could not be put back as they were ({refused})"
    return "the account's fields are what they were"


def _callback_put_back(connection: Connection, app: dict[str, Any] | None) -> str:
    """Whether the app's URL is what it was; where it is not, it is put back as far as Meta lets us."""
    if not can_ask_as_app(connection):
        return "the app's URL was not touched"
    was = str((app or {}).get("callback_url") or "")
    try:
        now = str((app_subscription(connection) or {}).get("callback_url") or "")
        if now != was and was:
            subscribe_app(connection, was, app)
            now = was
        elif now and app is None:
            unsubscribe_app(connection)
            now = was
    except GraphError as refused:
        return f"the app's URL was {was or 'none'}; what it is now is not known ({refused})"
    return (
        f"the app's URL is what it was: {was or 'none'}"
        if now == was
        else f"the app's URL is {now}; it had none"
    )


def advice(connection: Connection, url: str) -> list[str]:
    """What must be known before it bites."""
    if connection.channel == "instagram" and access.is_login(connection):
        told = [
            "an Instagram Login has two apps: app_secret is the secret of the Instagram app (Instagram, API setup with "
            "Instagram login), which signs the webhooks; app_id and meta_app_secret are id and secret of the Meta app "
            "(App settings, Basic), which make the app's token",
            "the token lives 60 days and is renewed here every week; the account must allow access to messages "
            "(Settings, Messages, Connected tools)",
        ]
        missing = [key for key in ("app_id", "meta_app_secret") if not connection.value(key)]
        if missing:
            told.append(
                f"without {' and '.join(missing)} the app's webhook is set by hand in its dashboard"
            )
        return told
    if connection.channel == "whatsapp":
        return [
            "of a number that the WhatsApp Business app used, ask for its chats within 24 hours of its onboarding: "
            "./crm connection request-history, after configure-webhook"
        ]
    return [
        "access_token may be the page's own, or that of a system user to whom the page is assigned (permissions "
        "pages_messaging, pages_manage_metadata, pages_read_engagement, pages_show_list)"
    ]


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
        except GraphError as refused:
            rows.append({"object": kind, "state": "refused", "refused": str(refused)})
        else:
            rows.append(
                {"object": kind, "state": "asked for", "request_id": answer.get("request_id", "")}
            )
    return rows


def _check_number(connection: Connection) -> str:
    """The number, asked for as one of its account, whose events come to us."""
    number, account = (
        connection.required("phone_number_id"),
        connection.required("business_account_id"),
    )
    fields = {"fields": "display_phone_number,verified_name"}
    answer = call(connection, "GET", number, query=fields)
    listed = call(connection, "GET", f"{account}/phone_numbers", query={"fields": "id"})
    if number not in {str(each.get("id")) for each in listed.get("data") or []}:
        raise NotAccepted(
            f"whatsapp: number {number} is none of business_account_id {account}: its events would not come"
        )
    named = answer.get("display_phone_number", number)
    return f"number {named} answers; it is called {answer.get('verified_name') or '(no name)'}"


def _check_instagram(connection: Connection) -> str:
    wanted = connection.required("account_id")
    subject = access.subject_of(connection)
    if access.is_login(connection):
        told = call(connection, "GET", subject, query={"fields": "user_id,username"})
        # The plain `id` is the app's own for the account: webhooks never name it.
        found = str(told.get("user_id", ""))
    elif access.page_of(connection):
        linked = "instagram_business_account{id,username}"
        page = call(connection, "GET", subject, query={"fields": linked})
        told = page.get("instagram_business_account") or {}
        found = str(told.get("id", ""))
    else:
        told = call(connection, "GET", subject, query={"fields": "id,username"})
        found = str(told.get("id", ""))
    if found != wanted:
        raise NotAccepted(
            f"instagram: the token is of account {found or '(unknown)'}, not of account_id {wanted}"
        )
    _check_conversations(connection)
    return f"account {told.get('username', found)} answers, and lists its conversations"


def _check_page(connection: Connection) -> str:
    page = connection.required("page_id")
    answer = call(connection, "GET", page, query={"fields": "id,name"})
    _check_conversations(connection)
    return f"page {answer.get('name', page)} answers, and lists its conversations"


def _check_conversations(connection: Connection) -> None:
    """What a pull asks for first, as a pull asks it."""
    query = {"platform": connection.channel, "fields": "id", "limit": "1"}
    call(
        connection,
        "GET",
        f"{access.subject_of(connection)}/conversations",
        query=query,
    )


def _check_app(connection: Connection) -> list[str]:
    """Whether the app's secret is right, and whether events come to the app and from it to somebody.

    That of an Instagram Login's own app signs and does nothing else: only a webhook shows whether it is right.
    """
    if not can_ask_as_app(connection):
        return []
    app = app_subscription(connection)
    said = ["the app's secret is right"]
    if access.is_login(connection):
        said = ["the Meta app's secret is right; the Instagram app's shows with the first webhook"]
    if subscribed_app(connection) is None or not (app or {}).get("callback_url"):
        said.append("events do not come yet: ./crm connection configure-webhook")
    return said


def _token_dates(connection: Connection) -> list[str]:
    """What Meta tells about the token to its app. Tokens of an Instagram Login have no such call."""
    if not can_ask_as_app(connection) or access.is_login(connection):
        return []
    try:
        answer = app_call(
            connection,
            "GET",
            "debug_token",
            query={"input_token": connection.required("access_token")},
        )
    except GraphError as refused:
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
