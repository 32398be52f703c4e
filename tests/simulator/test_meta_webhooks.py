"""How Meta's webhooks come: handshakes, signatures, retries, batches, media."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.server import Simulator

from .conftest import Receiver
from .meta_payloads import genuine
from .test_graph_rest import Graph, graph

FIELDS = {
    "messenger": (
        "messages,message_echoes,message_reactions,message_edits,message_reads,message_deliveries"
    ),
    "instagram": "messages,message_reactions,message_edit,messaging_seen",
    "whatsapp": "messages,smb_message_echoes",
}


def app_token(keys: dict[str, str]) -> Graph:
    """As the Meta app, which is another than Instagram's login has inside it."""
    secret = keys.get("meta_app_secret", keys["app_secret"])
    as_app = {**keys, "app_secret": secret, "flavour": ""}
    return Graph(as_app, f"{keys['app_id']}|{secret}")


def register(api: Graph, path: str, **values: str) -> httpx.Response:
    return api.http.post(f"{api.base}/{path}", data=values)


def subscribe(provider: Simulator, channel: str, url: str, token: str) -> None:
    """As an admin's program does: the app's callback, then the asset."""
    keys = provider.accounts[channel]
    kinds = {"messenger": "page", "instagram": "instagram", "whatsapp": "whatsapp_business_account"}
    answer = register(
        app_token(keys),
        f"{keys['app_id']}/subscriptions",
        object=kinds[channel],
        callback_url=url,
        verify_token=token,
        fields=FIELDS[channel],
    )
    assert answer.json() == {"success": True}
    asset = {"messenger": keys.get("page_id"), "whatsapp": keys.get("business_account_id")}
    path = f"{asset.get(channel) or 'me'}/subscribed_apps"
    values = {} if channel == "whatsapp" else {"subscribed_fields": FIELDS[channel]}
    answer = register(graph(provider, channel), path, **values)
    assert answer.json() == {"success": True}


@pytest.mark.parametrize("channel", ["messenger", "instagram", "whatsapp"])
def test_registered_by_the_api_with_a_handshake(
    provider: Simulator, receiver: Receiver, channel: str
) -> None:
    made = provider.message(channel=channel, person="Mai Tran", body="nobody hears")
    assert made["delivery"]["outcome"] == "unsubscribed"
    subscribe(provider, channel, f"{receiver.url}/hook", receiver.verify_token)
    assert len(receiver.handshakes) == 1
    assert receiver.handshakes[0].isdigit()
    made = provider.message(channel=channel, person="Mai Tran", body="straße/weg 🚲")
    assert made["delivery"]["status"] == 204
    body = genuine(receiver.requests[-1], provider.accounts[channel]["app_secret"])
    assert "straße/weg 🚲" in str(body)
    keys = provider.accounts[channel]
    (callback,) = app_token(keys).get(f"{keys['app_id']}/subscriptions")["data"]
    assert callback["callback_url"] == f"{receiver.url}/hook"
    assert callback["active"]


def test_a_wrong_echo_is_no_subscription(provider: Simulator, receiver: Receiver) -> None:
    keys = provider.accounts["messenger"]
    path = f"{keys['app_id']}/subscriptions"
    values = {"object": "page", "callback_url": receiver.url, "fields": "messages"}
    answer = register(app_token(keys), path, verify_token="wrong", **values)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 2200)
    assert "403" in answer.json()["error"]["message"]
    page_token = register(graph(provider, "messenger"), path, verify_token="x", **values)
    assert page_token.json()["error"]["code"] == 15
    assert app_token(keys).get(path)["data"] == []


def test_only_subscribed_fields_come(provider: Simulator, receiver: Receiver) -> None:
    subscribe(provider, "messenger", receiver.url, receiver.verify_token)
    made = provider.message(channel="messenger", person="Mai Tran", body="x", silent=True)["id"]
    assert provider.react(made, "👍")["delivery"]["outcome"] == "answered"
    page = provider.accounts["messenger"]["page_id"]
    api = graph(provider, "messenger")
    assert register(api, f"{page}/subscribed_apps", subscribed_fields="messages").is_success
    assert provider.react(made, "😮")["delivery"]["outcome"] == "unsubscribed"
    (installed,) = api.get(f"{page}/subscribed_apps")["data"]
    assert installed["subscribed_fields"] == ["messages"]
    assert api.http.delete(f"{api.base}/{page}/subscribed_apps").json() == {"success": True}
    assert provider.message(channel="messenger", person="Mai Tran", body="y")["delivery"][
        "outcome"
    ] == ("unsubscribed")


def test_whatsapp_can_have_an_address_of_its_own(provider: Simulator, receiver: Receiver) -> None:
    keys = provider.accounts["whatsapp"]
    path = f"{keys['business_account_id']}/subscribed_apps"
    values = {"override_callback_uri": f"{receiver.url}/own", "verify_token": receiver.verify_token}
    api = graph(provider, "whatsapp")
    refused = register(api, path, **values).json()["error"]
    assert (refused["code"], "must be subscribed" in refused["message"]) == (100, True)
    subscribe(provider, "whatsapp", receiver.url, receiver.verify_token)
    assert register(api, path, **values).json() == {"success": True}
    provider.message(channel="whatsapp", person="Mai Tran", body="x")
    assert receiver.requests[-1].path == "/own"
    assert api.get(path)["data"][0]["override_callback_uri"] == f"{receiver.url}/own"
    told = api.get(keys["phone_number_id"], fields="webhook_configuration")
    assert told["webhook_configuration"] == {
        "whatsapp_business_account": f"{receiver.url}/own",
        "application": receiver.url,
    }
    # What an override does not carry goes to the app's own address.
    keys = provider.accounts["whatsapp"]
    register(
        app_token(keys),
        f"{keys['app_id']}/subscriptions",
        object="whatsapp_business_account",
        callback_url=f"{receiver.url}/app",
        verify_token=receiver.verify_token,
        fields="messages,user_preferences",
    )
    provider.event("whatsapp", field="user_preferences", value={"user_preferences": []})
    assert receiver.requests[-1].path == "/app"


def test_one_unknown_field_refuses_the_whole_call(provider: Simulator, receiver: Receiver) -> None:
    api = graph(provider, "instagram")
    refused = register(api, "me/subscribed_apps", subscribed_fields="messages,message_echoes")
    error = refused.json()["error"]
    assert error["code"] == 100
    assert "must be one of {comment_poll_response, comments," in error["message"]
    assert api.get("me/subscribed_apps")["data"] == []
    keys = provider.accounts["instagram"]
    app = register(
        app_token(keys),
        f"{keys['app_id']}/subscriptions",
        object="instagram",
        callback_url=receiver.url,
        verify_token=receiver.verify_token,
        fields="messages,message_edits",
    )
    assert app.json()["error"]["code"] == 100
    assert receiver.handshakes == []


def test_instagram_numbers_every_message_as_an_edit_that_is_none(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.point("instagram", receiver.url, receiver.verify_token)
    provider.faults(number_edits=1)
    made = [provider.message(channel="instagram", person="Mai Tran", body=str(n)) for n in range(6)]
    secret = provider.accounts["instagram"]["app_secret"]
    items = [
        genuine(request, secret)["entry"][0]["messaging"][0]
        for request in receiver.wait_for(12)
        if request.method == "POST"
    ]
    edits = [item for item in items if "message_edit" in item]
    assert {item["message_edit"]["mid"] for item in edits} == {each["id"] for each in made}
    assert all(item["message_edit"].keys() == {"mid", "num_edit"} for item in edits)
    assert {item["message_edit"]["num_edit"] for item in edits} == {0}
    assert {"sender" in item for item in edits} == {True, False}


def test_the_secret_of_instagrams_login_is_not_the_meta_apps(provider: Simulator) -> None:
    keys = provider.accounts["instagram"]
    mixed = {**keys, "flavour": ""}
    api = Graph(mixed, f"{keys['app_id']}|{keys['app_secret']}")
    assert api.error(f"{keys['app_id']}/subscriptions")["code"] == 101


def test_each_flavour_of_instagram_signs_with_its_own_secret(
    provider: Simulator, receiver: Receiver
) -> None:
    keys = provider.get("accounts", flavour="facebook")["instagram"]
    answer = register(
        app_token(keys),
        f"{keys['app_id']}/subscriptions",
        object="instagram",
        callback_url=f"{receiver.url}/page",
        verify_token=receiver.verify_token,
        fields="messages,message_edit",
    )
    assert answer.json() == {"success": True}
    path = f"{keys['page_id']}/subscribed_apps"
    by_page = register(Graph(keys), path, subscribed_fields="messages,message_edits")
    assert by_page.json() == {"success": True}
    echo = {"direction": "outbound", "person": "Mai Tran", "body": "x", "final_status": "sent"}
    provider.message(channel="instagram", **echo)
    subscribe(provider, "instagram", f"{receiver.url}/login", receiver.verify_token)
    provider.message(channel="instagram", **echo)
    secrets = {
        "/login": provider.accounts["instagram"]["app_secret"],
        "/page": keys["app_secret"],
    }
    assert len(set(secrets.values())) == 2
    requests = receiver.wait_for(2)
    assert [request.path for request in requests] == ["/page", "/login"]
    for request in requests:
        (item,) = genuine(request, secrets[request.path])["entry"][0]["messaging"]
        assert item["message"]["is_echo"]


def test_a_forged_one_has_a_wrong_signature(provider: Simulator, receiver: Receiver) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    provider.faults(forge=1)
    provider.message(channel="whatsapp", person="Mai Tran", body="x")
    with pytest.raises(AssertionError):
        genuine(receiver.requests[-1], provider.accounts["whatsapp"]["app_secret"])


def test_tried_again_with_the_same_bytes_at_once_and_later(
    provider: Simulator, receiver: Receiver, eventually: Callable[..., None]
) -> None:
    provider.point("instagram", receiver.url, receiver.verify_token)
    provider.faults(meta_hour_seconds=3)
    receiver.answers[:] = [500, 503, 401]
    made = provider.message(channel="instagram", person="Mai Tran", body="x")
    assert made["delivery"]["status"] == 500
    requests = receiver.wait_for(4)
    assert len({request.body for request in requests}) == 1
    eventually(lambda: len(_tries(provider, made["id"])) == 4)
    assert [(d["attempt"], d["status"]) for d in _tries(provider, made["id"])] == [
        (1, 500),
        (2, 503),
        (3, 401),
        (4, 204),
    ]


def _tries(provider: Simulator, identity: str) -> list[dict[str, Any]]:
    return [
        d
        for d in provider.deliveries()
        if d["ids"].get("id") == identity and d["outcome"] == "answered"
    ]


def test_messenger_unsubscribes_after_an_hour_of_failures(
    provider: Simulator, receiver: Receiver, eventually: Callable[..., None]
) -> None:
    provider.point("messenger", receiver.url, receiver.verify_token)
    provider.faults(meta_hour_seconds=0.3)
    receiver.answers[:] = [500] * 50
    provider.message(channel="messenger", person="Mai Tran", body="x")
    page = provider.accounts["messenger"]["page_id"]
    api = graph(provider, "messenger")
    eventually(lambda: api.get(f"{page}/subscribed_apps")["data"] == [])
    assert provider.message(channel="messenger", person="Mai Tran", body="y")["delivery"][
        "outcome"
    ] == ("unsubscribed")


@pytest.mark.parametrize("channel", ["whatsapp", "messenger", "instagram"])
def test_several_in_one_post(provider: Simulator, receiver: Receiver, channel: str) -> None:
    provider.point(channel, receiver.url, receiver.verify_token)
    provider.faults(batch=5)
    people = [p for p in provider.people() if p["name"] == "Mai Tran" or p["psid"]][:2]
    made = []
    for number in range(10):
        contact = f"6149157011{number % 5}"
        made.append(
            provider.message(
                channel=channel, sender=contact, name="Sam", body=str(number), wait=False
            )["id"]
        )
    assert people
    requests = receiver.wait_for(2)
    secret = provider.accounts[channel]["app_secret"]
    bodies = [genuine(request, secret) for request in requests]
    found = [identity for body in bodies for identity in _ids(body)]
    assert sorted(found) == sorted(made)
    assert all(len(_ids(body)) == 5 for body in bodies)
    contacts = [
        len(change["value"]["contacts"])
        for body in bodies
        for entry in body["entry"]
        for change in entry.get("changes", [])
    ]
    assert channel != "whatsapp" or max(contacts) > 1


def _ids(body: dict[str, Any]) -> list[str]:
    found = []
    for entry in body["entry"]:
        found += [item["message"]["mid"] for item in entry.get("messaging", [])]
        for change in entry.get("changes", []):
            found += [message["id"] for message in change["value"]["messages"]]
    return found


def test_a_message_may_be_a_day_late(provider: Simulator, receiver: Receiver) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    provider.faults(age_seconds=86_400)
    made = provider.message(channel="whatsapp", person="Mai Tran", body="yesterday")
    (message,) = _values(provider, receiver)[-1]["messages"]
    assert message["id"] == made["id"]
    assert abs(time.time() - 86_400 - int(message["timestamp"])) < 5
    provider.faults(age_seconds=0)


def _values(provider: Simulator, receiver: Receiver) -> list[dict[str, Any]]:
    secret = provider.accounts["whatsapp"]["app_secret"]
    return [
        change["value"]
        for request in receiver.requests
        for entry in genuine(request, secret)["entry"]
        for change in entry["changes"]
    ]


def test_media_of_whatsapp_need_the_token_and_expire(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    made = provider.message(channel="whatsapp", person="Mai Tran", attachments=["photo"])
    image = _values(provider, receiver)[-1]["messages"][0]["image"]
    api = graph(provider, "whatsapp")
    number = provider.accounts["whatsapp"]["phone_number_id"]
    told = api.get(image["id"], phone_number_id=number)
    assert httpx.get(told["url"]).status_code == 401
    answer = api.http.get(told["url"])
    assert answer.headers["content-type"] == told["mime_type"] == "image/jpeg"
    assert hashlib.sha256(answer.content).hexdigest() == told["sha256"]
    assert len(answer.content) == int(told["file_size"])
    (known,) = [m for m in provider.truth("whatsapp", hashes=True) if m["id"] == made["id"]]
    assert known["attachments"][0]["sha256"] == told["sha256"]
    assert api.http.get(told["url"].replace("hash=", "hash=0")).status_code == 404
    provider.faults(expire_media=True)
    assert api.http.get(told["url"]).status_code == 404
    assert api.error(image["id"])["error_subcode"] == 33


@pytest.mark.parametrize("channel", ["messenger", "instagram"])
def test_media_by_address_expire_and_are_had_afresh(provider: Simulator, channel: str) -> None:
    made = provider.message(
        channel=channel, person="Mai Tran", attachments=["photo", "voice"], silent=True
    )["id"]
    api = graph(provider, channel)
    image, voice = api.get(made, fields="attachments")["attachments"]["data"]
    address = image["image_data"]["url"]
    assert httpx.get(address).content.startswith(b"\xff\xd8\xff")
    sound = httpx.get(voice["file_url"])
    assert sound.headers["content-type"] == "audio/mpeg"
    assert sound.content.startswith(b"\xff\xf3")
    assert httpx.get(address.replace("oh=", "oh=0")).status_code == 403
    provider.faults(expire_media=True)
    assert httpx.get(address).status_code == 403
    fresh = api.get(made, fields="attachments")["attachments"]["data"][0]["image_data"]["url"]
    assert httpx.get(fresh).status_code == 200


def test_traps_for_whoever_fetches(provider: Simulator) -> None:
    made = provider.message(
        channel="messenger",
        person="Mai Tran",
        attachments=["redirect", {"redirect": "http://127.0.0.1:9/x"}, {"bomb": 3_000_000}],
        silent=True,
    )["id"]
    found = graph(provider, "messenger").get(made, fields="attachments")["attachments"]["data"]
    inward, here, bomb = (attachment["image_data"]["url"] for attachment in found)
    assert httpx.get(inward).headers["location"].startswith("http://169.254.169.254/")
    assert httpx.get(here).headers["location"] == "http://127.0.0.1:9/x"
    with httpx.stream("GET", bomb) as answer:
        assert "content-length" not in answer.headers
        assert sum(len(chunk) for chunk in answer.iter_bytes()) >= 3_000_000
