"""Every kind of webhook that the simulator sends has the shape of the recorded one."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.server import Simulator

from .conftest import Receiver
from .meta_payloads import genuine, sample, shape

MAI = {"person": "Mai Tran"}
VALUE = ".entry[].changes[].value"
MESSAGE = f"{VALUE}.messages[]"
ITEM = ".entry[].messaging[]"
# Recorded payload -> (what makes one like it, paths that differ and may).
MESSAGES: dict[tuple[str, str], tuple[dict[str, Any], set[str]]] = {
    ("whatsapp", "inbound_text"): ({"body": "hello / 👋"}, set()),
    ("whatsapp", "inbound_image"): ({"attachments": ["photo"], "body": "the wheel"}, set()),
    ("whatsapp", "inbound_document"): ({"attachments": ["pdf"], "body": "receipt"}, set()),
    ("whatsapp", "inbound_sticker"): ({"attachments": ["sticker"]}, set()),
    ("whatsapp", "inbound_video"): ({"attachments": ["film"], "body": "clip"}, set()),
    ("whatsapp", "inbound_audio_voice_note"): (
        {"attachments": ["voice"], "extra": {"voice": True}},
        set(),
    ),
    ("whatsapp", "inbound_location"): (
        {
            "location": {
                "latitude": -33.9,
                "longitude": 151.1,
                "name": "Steel Park",
                "address": "Marrickville",
                "url": "https://example.com/",
            }
        },
        set(),
    ),
    ("whatsapp", "inbound_contacts"): (
        {"contacts": [{"name": "Alex Buyer", "phone": "+61491570158", "email": "a@example.net"}]},
        set(),
    ),
    ("whatsapp", "inbound_interactive_button_reply"): (
        {"kind": "interactive", "body": "Yes", "reply_to": "an outbound one"},
        set(),
    ),
    ("whatsapp", "inbound_button_template_reply"): (
        {"kind": "button", "body": "Confirm", "reply_to": "an outbound one"},
        set(),
    ),
    ("whatsapp", "inbound_reply_context"): (
        {"body": "that one", "reply_to": "an outbound one"},
        set(),
    ),
    ("whatsapp", "inbound_order"): (
        {
            "kind": "order",
            "body": "gift wrap",
            "extra": {"items": [{"sku": "a", "quantity": 1, "price": 9.5}]},
        },
        set(),
    ),
    ("whatsapp", "inbound_ad_referral"): (
        {"body": "saw your ad", "referral": {"ad_id": "1", "headline": "x"}},
        {f"{MESSAGE}.referral.welcome_message.text: str"},
    ),
    ("whatsapp", "inbound_unsupported_poll"): ({"kind": "unsupported"}, set()),
    ("whatsapp", "inbound_text_no_bsuid"): (
        {"sender": "61491570158", "name": "Sam", "body": "old"},
        set(),
    ),
    ("whatsapp", "inbound_text_username_no_phone"): (
        {
            "sender": "61491570158",
            "name": "Riley",
            "username": "@riley.example",
            "bsuid": "AU.22591208655302741777",
            "hidden": True,
            "body": "hello",
        },
        set(),
    ),
    ("whatsapp", "inbound_group_text"): (
        {"body": "all", "extra": {"group_id": "Y2FwaV9ncm91cDox"}},
        set(),
    ),
    ("whatsapp", "smb_echo_text"): (
        {"direction": "outbound", "body": "info"},
        {f"{VALUE}.message_echoes[].to_user_id: str"},
    ),
    ("whatsapp", "standby_inbound"): ({"body": "seen", "standby": True}, set()),
    ("whatsapp", "call_connect"): ({"kind": "call", "extra": {"seconds": 60}}, set()),
    ("messenger", "inbound_text"): ({"body": "open? é"}, set()),
    ("messenger", "inbound_image"): ({"attachments": ["photo"]}, set()),
    ("messenger", "inbound_audio"): ({"attachments": ["voice"]}, set()),
    ("messenger", "inbound_file"): ({"attachments": ["pdf"]}, set()),
    ("messenger", "inbound_multiple_attachments"): ({"attachments": ["photo", "photo"]}, set()),
    ("messenger", "inbound_sticker"): ({"attachments": ["sticker"]}, set()),
    ("messenger", "inbound_reply_to"): ({"body": "x", "reply_to": "an outbound one"}, set()),
    ("messenger", "inbound_quick_reply"): (
        {"kind": "quick_reply", "body": "Yes", "extra": {"payload": "YES"}},
        set(),
    ),
    ("messenger", "inbound_post_share"): ({"kind": "share", "extra": {"title": "x"}}, set()),
    ("messenger", "inbound_ad_referral"): (
        {"body": "x", "referral": {"ad_id": "1", "headline": "x"}},
        {f"{ITEM}.message.referral.ads_context_data.post_id: str"},
    ),
    ("messenger", "inbound_fallback_no_payload"): ({"kind": "unsupported"}, set()),
    ("messenger", "echo_page_inbox"): ({"direction": "outbound", "body": "10 to 4"}, set()),
    ("messenger", "standby_inbound"): ({"body": "seen", "standby": True}, set()),
    ("messenger", "postback_get_started"): (
        {"postback": "GET_STARTED", "body": "Get Started"},
        {f"{ITEM}.postback.referral.{key}: str" for key in ("ref", "source", "type")},
    ),
    ("instagram", "inbound_text"): ({"body": "❤️"}, set()),
    ("instagram", "inbound_image"): ({"attachments": ["photo"]}, set()),
    ("instagram", "inbound_audio"): ({"attachments": ["voice"]}, set()),
    ("instagram", "inbound_inline_reply"): ({"body": "x", "reply_to": "an outbound one"}, set()),
    ("instagram", "inbound_story_mention"): (
        {"story": {"kind": "mention", "id": "179"}, "attachments": ["photo"]},
        set(),
    ),
    ("instagram", "inbound_story_reply"): (
        {"story": {"kind": "reply", "id": "179"}, "body": "love this"},
        set(),
    ),
    ("instagram", "inbound_shared_post"): ({"kind": "share", "extra": {"title": "x"}}, set()),
    ("instagram", "inbound_ad_referral"): (
        {"body": "x", "referral": {"ad_id": "1", "headline": "x"}},
        set(),
    ),
    ("instagram", "inbound_unsupported"): ({"kind": "unsupported"}, set()),
    ("instagram", "echo_text"): ({"direction": "outbound", "body": "yes"}, set()),
    ("instagram", "standby_inbound"): ({"body": "seen", "standby": True}, set()),
    ("instagram", "postback_icebreaker"): ({"postback": "LOCATION", "body": "Where?"}, set()),
}
EVENTS: dict[tuple[str, str], tuple[str, set[str]]] = {
    ("whatsapp", "system_user_changed_number"): ("user_changed_number", set()),
    ("whatsapp", "system_user_changed_user_id"): ("user_changed_user_id", set()),
    ("whatsapp", "system_identity_changed"): ("customer_identity_changed", set()),
    ("whatsapp", "user_preferences_stop_marketing"): ("user_preferences", set()),
    ("whatsapp", "error_value_level"): (
        "error",
        {f"{VALUE}.errors[].error_data.details: str"},
    ),
    ("whatsapp", "unrelated_field_account_update"): (
        "account_update",
        {".entry[].time: int", f"{VALUE}.phone_number: str"},
    ),
    ("whatsapp", "smb_app_state_sync_add"): ("contact_add", set()),
    ("whatsapp", "smb_app_state_sync_remove"): ("contact_remove", set()),
    ("whatsapp", "inbound_unavailable_131060"): ("unavailable", {f"{MESSAGE}.from_user_id: str"}),
    ("whatsapp", "inbound_unsupported_edit"): (
        "unsupported_edit",
        {f"{MESSAGE}.from_user_id: str"},
    ),
    ("whatsapp", "inbound_unknown_future_type"): ("unknown_type", {f"{MESSAGE}.from_user_id: str"}),
    ("whatsapp", "history_declined"): (
        "history_declined",
        {f"{VALUE}.history[].errors[].error_data.details: str"},
    ),
    ("messenger", "handover_pass_thread"): ("pass_thread_control", set()),
    ("messenger", "handover_take_thread"): ("take_thread_control", set()),
    ("messenger", "handover_request_thread"): ("request_thread_control", set()),
    ("messenger", "handover_app_roles"): ("app_roles", set()),
    ("messenger", "policy_enforcement"): ("policy_enforcement", set()),
    ("messenger", "referral_mme"): ("referral", set()),
    ("messenger", "send_cart_order"): ("order", set()),
    ("messenger", "account_linking"): ("account_linking", set()),
    ("messenger", "feed_change_not_a_dm"): ("comment", set()),
    ("instagram", "handover_take_thread"): (
        "take_thread_control",
        {f"{ITEM}.take_thread_control.new_owner_app_id: {t}" for t in ("int", "str")},
    ),
    ("instagram", "referral_igme"): ("referral", set()),
    ("instagram", "comment_not_a_dm"): (
        "comment",
        {
            f"{VALUE}.{key}: str"
            for key in ("from.id", "from.username", "media.id", "media.media_product_type")
        },
    ),
}


@pytest.fixture
def pointed(provider: Simulator, receiver: Receiver) -> Simulator:
    for channel in ("whatsapp", "messenger", "instagram"):
        provider.point(channel, f"{receiver.url}/{channel}", receiver.verify_token)
    return provider


def last(provider: Simulator, receiver: Receiver, channel: str, before: int = 0) -> dict[str, Any]:
    secret = provider.accounts[channel]["app_secret"]
    request = receiver.wait_for(before + 1)[before]
    assert request.path == f"/{channel}"
    return genuine(request, secret)


@pytest.mark.parametrize(("channel", "name"), list(MESSAGES))
def test_messages(pointed: Simulator, receiver: Receiver, channel: str, name: str) -> None:
    order, may_differ = MESSAGES[channel, name]
    order = {**order} if "sender" in order else {**MAI, **order}
    if order.get("reply_to"):
        ours = pointed.message(
            channel=channel, direction="outbound", silent=True, body="which?", **MAI
        )
        order["reply_to"] = ours["id"]
    pointed.message(channel=channel, **order)
    told = last(pointed, receiver, channel)
    if order.get("kind") == "call":  # two webhooks, and either may come first
        bodies = (told, last(pointed, receiver, channel, 1))
        told = next(body for body in bodies if "session" in str(body))
    assert shape(told) ^ shape(sample(channel, name)) <= may_differ


@pytest.mark.parametrize(("channel", "name"), list(EVENTS))
def test_events(pointed: Simulator, receiver: Receiver, channel: str, name: str) -> None:
    event, may_differ = EVENTS[channel, name]
    assert pointed.event(channel, event, **MAI)["delivery"]["status"] == 204
    assert shape(last(pointed, receiver, channel)) ^ shape(sample(channel, name)) <= may_differ


@pytest.mark.parametrize(
    ("channel", "name", "deed"),
    [
        ("whatsapp", "inbound_reaction", "react"),
        ("whatsapp", "inbound_reaction_removed", "unreact"),
        ("whatsapp", "inbound_edit", "edit"),
        ("whatsapp", "inbound_revoke", "unsend"),
        ("messenger", "reaction", "react"),
        ("messenger", "unreaction", "unreact"),
        ("messenger", "message_edit", "edit"),
        ("instagram", "reaction", "react"),
        ("instagram", "unreaction", "unreact"),
        ("instagram", "message_edit", "edit"),
        ("instagram", "inbound_deleted_unsend", "unsend"),
    ],
)
def test_what_happens_to_messages(
    pointed: Simulator, receiver: Receiver, channel: str, name: str, deed: str
) -> None:
    made = pointed.message(channel=channel, body="first", silent=True, **MAI)["id"]
    if deed in ("react", "unreact"):
        pointed.react(made, "❤️" if deed == "react" else None)
    elif deed == "edit":
        pointed.edit(made, "second")
    else:
        pointed.unsend(made)
    assert shape(last(pointed, receiver, channel)) == shape(sample(channel, name))


@pytest.mark.parametrize(
    ("channel", "names"),
    [
        ("whatsapp", ["smb_echo_text", "status_sent", "status_delivered", "status_read"]),
        ("messenger", ["echo_page_inbox", "delivery", "read"]),
        ("instagram", ["echo_text", "seen"]),
    ],
)
def test_statuses_of_ours(
    pointed: Simulator, receiver: Receiver, channel: str, names: list[str]
) -> None:
    made = pointed.message(channel=channel, direction="outbound", body="ready", **MAI)
    assert made["delivery"]["status"] == 204
    optional = {
        f"{VALUE}.message_echoes[].to_user_id: str",
        f"{VALUE}.statuses[].conversation.expiration_timestamp: str",
        f"{ITEM}.timestamp: int",
    }
    receiver.wait_for(len(names))
    for number, name in enumerate(names):
        told = last(pointed, receiver, channel, number)
        assert shape(told) ^ shape(sample(channel, name)) <= optional, name
    (known,) = [m for m in pointed.truth(channel) if m["id"] == made["id"]]
    assert known["status"] == "read"
