"""Which of Meta's events come to us: the app's subscription, the account's, and which URL counts.

https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps

An event takes two subscriptions: the app's to fields of a kind of account, with one URL for all its accounts,
and the account's to the app. The first needs `app_id`; without it the admin makes it in the app's dashboard.
Fields that are subscribed there already stay subscribed: another program may live of them.
"""

from __future__ import annotations

from typing import Any

from operations.providers.graph import GraphRefused, app_call, call
from pipelines.graph_api import FACEBOOK, INSTAGRAM
from warehouse.connections import Connection

#: What an app subscribes to, by the kind of account (providers.md §7.1, §8.1, §9.1).
OBJECTS = {"whatsapp": "whatsapp_business_account", "instagram": "instagram", "messenger": "page"}
FIELDS = {
    "whatsapp": (
        "messages", "smb_message_echoes", "history", "smb_app_state_sync", "standby", "messaging_handovers",
        "calls", "user_preferences", "account_update", "account_alerts",
    ),
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
#: Only Instagram Login has a field of its own for what the account itself writes.
INSTAGRAM_LOGIN_FIELDS = (*FIELDS["instagram"], "message_echoes")


def subscriptions(connection: Connection) -> list[dict[str, Any]]:
    """What the app and the account are subscribed to now; for WhatsApp also which URL a number's events go to."""
    shown = [*_app_subscriptions(connection), *_account_subscriptions(connection)]
    return [*_number_urls(connection), *shown] if connection.channel == "whatsapp" else shown


def subscribe_account(connection: Connection, url: str) -> None:
    """Have the account send its events to our app; of WhatsApp also to our URL, whatever the app's is.

    Raises:
        GraphRefused: Meta says no.
    """
    path = f"{_subscriber(connection)}/subscribed_apps"
    if connection.channel == "whatsapp":
        # A body without a URL would take an override away, so there is always one.
        body = {"override_callback_uri": url, "verify_token": connection.required("verify_token")}
        call(connection, "POST", path, body=body)
        return
    fields = _merged(_account_fields(connection), _subscribed_fields(connection))
    query = {"subscribed_fields": ",".join(fields)}
    call(connection, "POST", path, host=_host(connection), query=query)


def subscribe_app(connection: Connection, url: str) -> list[dict[str, Any]]:
    """Subscribe the app to the fields of this kind of account. A row says what the admin must do himself.

    Raises:
        GraphRefused: Meta says no, and the channel cannot do without.
    """
    wanted = OBJECTS[connection.channel]
    by_hand = {
        "object": f"app's webhook for {wanted}",
        "note": f"set in the app's dashboard: URL {url}, the connection's verify token, and the fields "
        + ", ".join(_app_fields(connection)),
    }
    app_id = connection.value("app_id")
    if not app_id:
        return [by_hand]
    held = [each for each in _listed_subscriptions(connection) if each.get("object") == wanted]
    fields = _merged(_app_fields(connection), [name for each in held for name in _names(each)])
    try:
        app_call(
            connection,
            "POST",
            f"{app_id}/subscriptions",
            form={
                "object": wanted,
                "callback_url": url,
                "verify_token": connection.required("verify_token"),
                "fields": ",".join(fields),
            },
        )
    except GraphRefused as refused:
        # A WhatsApp account's own override does without the app's URL; the others do not.
        if connection.channel != "whatsapp":
            raise
        return [by_hand | {"refused": str(refused)}]
    return []


def is_login(connection: Connection) -> bool:
    """Whether the account signed in with Instagram itself, not by a page (providers.md §8.1)."""
    return connection.channel == "instagram" and connection.value("flavour") != "facebook"


def _host(connection: Connection) -> str:
    return INSTAGRAM if is_login(connection) else FACEBOOK


def _subscriber(connection: Connection) -> str:
    """Whose `subscribed_apps` counts."""
    if connection.channel == "whatsapp":
        return connection.required("business_account_id")
    return "me" if is_login(connection) else connection.required("page_id")


def _account_fields(connection: Connection) -> tuple[str, ...]:
    """A page names page fields, also where it stands for an Instagram account."""
    return INSTAGRAM_LOGIN_FIELDS if is_login(connection) else FIELDS["messenger"]


def _app_fields(connection: Connection) -> tuple[str, ...]:
    return INSTAGRAM_LOGIN_FIELDS if is_login(connection) else FIELDS[connection.channel]


def _listed_subscriptions(connection: Connection) -> list[dict[str, Any]]:
    return _data(app_call(connection, "GET", f"{connection.required('app_id')}/subscriptions"))


def _app_subscriptions(connection: Connection) -> list[dict[str, Any]]:
    """The app's URL and fields for this kind of account, where the app's id is known."""
    if not connection.value("app_id"):
        return []
    wanted = OBJECTS[connection.channel]
    found = [each for each in _listed_subscriptions(connection) if each.get("object") == wanted]
    return [
        {
            "object": f"app {connection.required('app_id')} for {wanted}",
            "callback_url": each.get("callback_url") or "",
            "fields": ",".join(_names(each)),
            "active": "yes" if each.get("active", True) else "no",
        }
        for each in found or [{"active": False}]
    ]


def _subscribed_apps(connection: Connection) -> list[dict[str, Any]]:
    """The apps that the account sends its events to."""
    path = f"{_subscriber(connection)}/subscribed_apps"
    return _data(call(connection, "GET", path, host=_host(connection)))


def _subscribed_fields(connection: Connection) -> list[str]:
    """The fields that the account sends to our app; another app's are none of ours."""
    apps = _subscribed_apps(connection)
    app_id = connection.value("app_id")
    ours = [each for each in apps if app_id and str(each.get("id", app_id)) == app_id] or apps
    fields = ours[0].get("subscribed_fields") if len(ours) == 1 else None
    return [str(name) for name in fields or []]


def _account_subscriptions(connection: Connection) -> list[dict[str, Any]]:
    subscriber = _subscriber(connection)
    whose = connection.required("account_id") if subscriber == "me" else subscriber
    rows = []
    for each in _subscribed_apps(connection):
        app = each.get("whatsapp_business_api_data") or each
        shown = {"object": f"{whose} to app {app.get('name') or app.get('id') or '(unnamed)'}"}
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


def _names(subscription: dict[str, Any]) -> list[str]:
    """The fields of an app's subscription; each has a name and the version it is sent in."""
    fields = subscription.get("fields") or []
    return [str(each.get("name")) if isinstance(each, dict) else str(each) for each in fields]


def _merged(wanted: tuple[str, ...], held: list[str]) -> list[str]:
    return list(dict.fromkeys([*wanted, *held]))
