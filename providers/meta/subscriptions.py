"""Which of Meta's events come to us: the app's subscription, the account's, and which URL counts.

https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps

An event takes two subscriptions: the app's to fields of a kind of account, with one URL for all its accounts,
and the account's to the app. The first needs `app_id`; without it the admin makes it in the app's dashboard.
Fields that are subscribed there already stay subscribed: another program may live of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from providers.meta import access
from providers.meta.commands import GraphError, app_call, call
from providers.registration import is_ours
from warehouse.connections import Connection

#: What an app subscribes to, by the kind of account.
OBJECTS = {"whatsapp": "whatsapp_business_account", "instagram": "instagram", "messenger": "page"}
FIELDS = {
    "whatsapp": (
        "messages", "message_echoes", "smb_message_echoes", "history", "smb_app_state_sync", "standby",
        "messaging_handovers", "calls", "consumer_profile", "user_preferences", "account_update", "account_alerts",
    ),
    # What the account itself writes comes under `messages`: this object has no field of echoes.
    "instagram": (
        "messages", "message_reactions", "messaging_postbacks", "messaging_seen", "messaging_referral",
        "messaging_handover", "standby", "message_edit", "messaging_optins",
    ),
    "messenger": (
        "messages", "message_echoes", "message_deliveries", "message_reads", "message_reactions", "message_edits",
        "messaging_postbacks", "messaging_referrals", "messaging_optins", "messaging_handovers", "standby",
        "messaging_policy_enforcement", "response_feedback", "send_cart", "messaging_account_linking",
    ),
}  # fmt: skip
#: Which of WhatsApp's go where an account's or a number's own URL says; the others always go to the app's.
CARRIED = {
    "messages", "message_echoes", "smb_message_echoes", "history", "smb_app_state_sync", "messaging_handovers",
    "calls", "consumer_profile",
}  # fmt: skip
#: How Meta refuses a name, and says which it knows.
KNOWN_NAMES = re.compile(r"must be one of \{([^}]*)\}")


def subscriptions(connection: Connection, url: str = "") -> list[dict[str, Any]]:
    """What the app and the account are subscribed to now; for WhatsApp also which URL a number's events go to.

    Args:
        url: ours, to say what does not come to it.
    """
    shown = [*_app_shown(connection, url), *_account_shown(connection)]
    return [*_number_urls(connection), *shown] if connection.channel == "whatsapp" else shown


# -- the app -------------------------------------------------------------------------------------


def app_subscription(connection: Connection) -> dict[str, Any] | None:
    """The app's subscription to this kind of account; None where there is none, or nobody can ask.

    Raises:
        GraphError: Meta does not take the app's id and secret.
    """
    if not can_ask_as_app(connection):
        return None
    listed = _data(app_call(connection, "GET", f"{connection.required('app_id')}/subscriptions"))
    wanted = OBJECTS[connection.channel]
    return next((each for each in listed if each.get("object") == wanted), None)


def can_ask_as_app(connection: Connection) -> bool:
    """Whether the connection knows the Meta app's id and secret."""
    return bool(connection.value("app_id") and access.app_secrets(connection))


def subscribe_app(connection: Connection, url: str, held: dict[str, Any] | None) -> list[str]:
    """Have the app's events of this kind of account come to our URL; the fields that Meta did not take.

    Raises:
        GraphError: Meta says no.
    """

    def send(fields: list[str]) -> None:
        app_call(
            connection,
            "POST",
            f"{connection.required('app_id')}/subscriptions",
            form={
                "object": OBJECTS[connection.channel],
                "callback_url": url,
                "verify_token": connection.required("verify_token"),
                "fields": ",".join(fields),
            },
        )

    return _left_out(send, _merged(FIELDS[connection.channel], field_names(held)))


def unsubscribe_app(connection: Connection) -> None:
    """The app hears nothing more of this kind of account, as before it was subscribed.

    Raises:
        GraphError: Meta says no.
    """
    path = f"{connection.required('app_id')}/subscriptions"
    app_call(connection, "DELETE", path, query={"object": OBJECTS[connection.channel]})


def by_hand(connection: Connection, url: str) -> dict[str, Any]:
    """What the admin must do himself where the app's id or secret is not known."""
    wanted = OBJECTS[connection.channel]
    return {
        "object": f"app's webhook for {wanted}",
        "note": f"set in the app's dashboard: URL {url}, the connection's verify token, and the fields "
        + ", ".join(FIELDS[connection.channel]),
    }


def field_names(subscription: dict[str, Any] | None) -> list[str]:
    """The fields of an app's subscription; each has a name and the version it is sent in."""
    fields = (subscription or {}).get("fields") or []
    return [str(each.get("name")) if isinstance(each, dict) else str(each) for each in fields]


# -- the account ---------------------------------------------------------------------------------


def subscribed_app(connection: Connection) -> dict[str, Any] | None:
    """Our app among those that the account sends its events to; None where it does not.

    Without `app_id` it is the only one there is.
    """
    apps = _subscribed_apps(connection)
    app_id = connection.value("app_id")
    if not app_id or access.is_login(connection):
        # The id of an Instagram Login's own app is not the Meta app's.
        return apps[0] if len(apps) == 1 else None
    return next((each for each in apps if _app_of(each)[0] in ("", app_id)), None)


def is_new_to_account(connection: Connection) -> bool:
    """Whether the account surely does not send its events to our app; of several, ours may not be known."""
    apps = _subscribed_apps(connection)
    app_id = "" if access.is_login(connection) else connection.value("app_id")
    known = bool(app_id) and all(_app_of(each)[0] not in ("", app_id) for each in apps)
    return not apps or known


def unsubscribe_account(connection: Connection) -> None:
    """The account sends its events to our app no more, as before it was subscribed.

    Raises:
        GraphError: Meta says no.
    """
    call(connection, "DELETE", f"{access.subject_of(connection)}/subscribed_apps")


def subscribe_account(connection: Connection, held: dict[str, Any] | None) -> list[str]:
    """Have the account send its events to our app; the fields that Meta did not take.

    Raises:
        GraphError: Meta says no.
    """

    def send(fields: list[str]) -> None:
        _subscribe(connection, fields)

    kept = [str(name) for name in (held or {}).get("subscribed_fields") or []]
    return _left_out(send, _merged(_account_fields(connection), kept))


def restore_account(connection: Connection, held: dict[str, Any]) -> None:
    """The account's fields as they were."""
    _subscribe(connection, [str(name) for name in held.get("subscribed_fields") or []])


def _subscribe(connection: Connection, fields: list[str]) -> None:
    path = f"{access.subject_of(connection)}/subscribed_apps"
    call(connection, "POST", path, query={"subscribed_fields": ",".join(fields)})


def subscribe_whatsapp(connection: Connection, url: str = "") -> None:
    """Have a WhatsApp account send its events to our app; with a URL, to this one, whatever the app's is.

    A call without a URL takes an override away: it is for accounts that do not list our app.
    """
    path = f"{access.subject_of(connection)}/subscribed_apps"
    override = {"override_callback_uri": url, "verify_token": connection.required("verify_token")}
    call(connection, "POST", path, body=override if url else None)


def _account_fields(connection: Connection) -> tuple[str, ...]:
    """A page names page fields, also where it stands for an Instagram account."""
    return FIELDS["messenger" if access.page_of(connection) else "instagram"]


def _subscribed_apps(connection: Connection) -> list[dict[str, Any]]:
    """The apps that the account sends its events to."""
    return _data(call(connection, "GET", f"{access.subject_of(connection)}/subscribed_apps"))


def _app_of(row: dict[str, Any]) -> tuple[str, str]:
    """Id and name of an app, as the three kinds of accounts tell them."""
    app = row.get("whatsapp_business_api_data") or row
    return str(app.get("id") or app.get("app_id") or ""), str(app.get("name") or "")


# -- shown ---------------------------------------------------------------------------------------


def _app_shown(connection: Connection, url: str) -> list[dict[str, Any]]:
    """The app's URL and fields for this kind of account, where the app can be asked."""
    if not can_ask_as_app(connection):
        return []
    found = app_subscription(connection)
    wanted, callback = OBJECTS[connection.channel], str((found or {}).get("callback_url") or "")
    shown = {
        "object": f"app {connection.required('app_id')} for {wanted}",
        "callback_url": callback,
        "fields": ",".join(field_names(found)),
        "active": "yes" if found and found.get("active", True) else "no",
    }
    if connection.channel == "whatsapp" and url and not is_ours(callback, connection, url):
        apart = [name for name in FIELDS["whatsapp"] if name not in CARRIED]
        missing = [name for name in sorted(CARRIED) if name not in field_names(found)]
        shown["note"] = (
            f"{', '.join(apart)} come to the app's own URL alone, and so not to us; an override does not carry them"
        )
        if missing:
            shown["note"] += f"; tick in the app's dashboard: {', '.join(missing)}"
    return [shown]


def _account_shown(connection: Connection) -> list[dict[str, Any]]:
    subject = access.subject_of(connection)
    whose = connection.required("account_id") if subject == "me" else subject
    rows = []
    for each in _subscribed_apps(connection):
        identity, name = _app_of(each)
        shown = {"object": f"{whose} to app {name or identity or '(unnamed)'}"}
        if connection.channel == "whatsapp":
            shown["override_callback_uri"] = each.get("override_callback_uri") or ""
        else:
            shown["subscribed_fields"] = ",".join(each.get("subscribed_fields") or [])
        rows.append(shown)
    return rows or [{"object": whose, "subscribed_apps": ""}]


def _number_urls(connection: Connection) -> list[dict[str, Any]]:
    """Which URL a WhatsApp number's events go to: its own, else its account's, else the app's."""
    number = connection.required("phone_number_id")
    answer = call(connection, "GET", number, query={"fields": "webhook_configuration"})
    urls = answer.get("webhook_configuration")
    urls = urls if isinstance(urls, dict) else {}
    levels = ("phone_number", "whatsapp_business_account", "application")
    return [{"object": f"number {number}"} | {level: urls.get(level) or "" for level in levels}]


def _data(answer: dict[str, Any]) -> list[dict[str, Any]]:
    listed = answer.get("data")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _merged(wanted: tuple[str, ...], held: list[str]) -> list[str]:
    return list(dict.fromkeys([*wanted, *held]))


def _left_out(send: Callable[[list[str]], None], fields: list[str]) -> list[str]:
    """Have these fields taken, without those that Meta refuses; which those are.

    One unknown name refuses the whole call, and the refusal lists the names that are known.
    """
    wanted = fields
    while True:
        try:
            send(wanted)
        except GraphError as refused:
            found = KNOWN_NAMES.search(str(refused.error.get("message") or ""))
            known = {name.strip().strip("\"'") for name in found[1].split(",")} if found else set()
            fewer = [name for name in wanted if name in known]
            if not fewer or fewer == wanted:
                raise
            wanted = fewer
        else:
            return [name for name in fields if name not in wanted]
