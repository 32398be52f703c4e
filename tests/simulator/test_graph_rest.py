"""The simulated Graph API as a reader of conversations meets it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from simulator.meta.graph_conversations import FOLDERS
from simulator.server import Simulator

DETAILS = "id,created_time,from,to,message,attachments,sticker,shares,story,reply_to,reactions"


class Graph:
    """A client that keeps its token in the header, and proves the app's secret where that is asked.

    Where the keys name a page, its own token is asked for first.
    """

    def __init__(self, keys: dict[str, str], token: str | None = None) -> None:
        self.base = f"{keys['api_base']}/{keys['api_version']}"
        self.secret = keys["app_secret"]
        self.proves = keys.get("flavour") != "instagram"
        self.http = self._client(token or keys["access_token"])
        if token is None and keys.get("page_id"):
            told = self.get(keys["page_id"], fields="access_token")
            self.http = self._client(told["access_token"])

    def _client(self, token: str) -> httpx.Client:
        self.proof = hmac.new(self.secret.encode(), token.encode(), hashlib.sha256).hexdigest()

        def prove(request: httpx.Request) -> None:
            if self.proves:
                request.url = request.url.copy_merge_params({"appsecret_proof": self.proof})

        return httpx.Client(
            headers={"Authorization": f"Bearer {token}"}, event_hooks={"request": [prove]}
        )

    @property
    def token(self) -> str:
        return self.http.headers["Authorization"].removeprefix("Bearer ")

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = self.http.get(f"{self.base}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def error(self, path: str, method: str = "GET", **query: Any) -> dict[str, Any]:
        answer = self.http.request(method, f"{self.base}/{path}", params=query)
        assert answer.status_code >= 400
        return {**answer.json()["error"], "status": answer.status_code}

    def pages(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self.get(path, **query)
            found += answer["data"]
            if "next" not in answer.get("paging", {}):
                return found
            query["after"] = answer["paging"]["cursors"]["after"]


def graph(provider: Simulator, channel: str) -> Graph:
    return Graph(provider.accounts[channel])


@pytest.mark.parametrize("channel", ["messenger", "instagram"])
def test_every_conversation_and_message_is_listed(provider: Simulator, channel: str) -> None:
    api = graph(provider, channel)
    account = provider.accounts[channel].get("page_id", "me")
    listed = []
    for folder in FOLDERS if channel == "messenger" else ["inbox"]:
        found = api.pages(f"{account}/conversations", platform=channel, limit=3, folder=folder)
        updated = [c["updated_time"] for c in found]
        assert updated == sorted(updated, reverse=True)
        listed += found
    updated = [c["updated_time"] for c in listed]
    assert all(time.strptime(u, "%Y-%m-%dT%H:%M:%S%z") for u in updated)
    messages = [
        m["id"]
        for c in listed
        for m in api.pages(f"{c['id']}/messages", fields="id,created_time", limit=4)
    ]
    assert len(messages) == len(set(messages))
    truth = provider.get("truth", channel=channel)
    assert set(messages) == {m["id"] for m in truth if not m["unsent"]}


def test_nested_fields_bring_everything_in_one_call(provider: Simulator) -> None:
    api = graph(provider, "messenger")
    page = provider.accounts["messenger"]["page_id"]
    fields = f"id,updated_time,participants,messages.limit(20){{{DETAILS}}}"
    listed = api.get(f"{page}/conversations", platform="messenger", fields=fields, limit=50)
    truth = {m["id"]: m for m in provider.get("truth", channel="messenger")}
    found = [m for c in listed["data"] for m in c["messages"]["data"]]
    assert found
    for message in found:
        known = truth[message["id"]]
        assert message["message"] == (known["body"] or "")
        ours = message["from"]["id"] == page
        assert ours == (known["direction"] == "outbound")
        assert message["from"]["email"] == f"{message['from']['id']}@facebook.com"
        # A sticker is a field of its own, and no attachment.
        stickers = 1 if "sticker" in message else 0
        attached = len(message.get("attachments", {"data": []})["data"])
        assert attached + stickers == len(known["attachments"])


def test_only_the_20_newest_have_details(provider: Simulator) -> None:
    api = graph(provider, "instagram")
    made = [
        provider.message(channel="instagram", sender="17700000000000001", body=str(n), silent=True)[
            "id"
        ]
        for n in range(27)
    ]
    (conversation,) = api.get(
        "me/conversations", platform="instagram", user_id="17700000000000001"
    )["data"]
    listed = api.pages(f"{conversation['id']}/messages", fields=DETAILS)
    assert [m["id"] for m in listed] == made[::-1]
    assert [sorted(m) for m in listed[20:]] == [["created_time", "id"]] * 7
    assert all("message" in m for m in listed[:20])
    assert api.get(made[7], fields="id,message") == {"id": made[7], "message": "7"}
    error = api.error(made[6], fields="id,message")
    assert (error["status"], error["code"], error["error_subcode"]) == (400, 100, 33)
    assert "deleted" in error["message"]


def test_next_holds_the_token_and_an_empty_page_may_have_one(provider: Simulator) -> None:
    api = graph(provider, "messenger")
    path = f"{provider.accounts['messenger']['page_id']}/conversations"
    whole = [c["id"] for c in api.pages(path, platform="messenger", limit=2)]
    first = api.get(path, platform="messenger", limit=2)
    told = parse_qs(urlsplit(first["paging"]["next"]).query)
    assert told["access_token"] == [api.token]
    assert provider.state()["meta"]["tokens_in_urls"] == 0
    proof = {"appsecret_proof": api.proof}
    following = httpx.URL(first["paging"]["next"]).copy_merge_params(proof)
    assert httpx.get(following).json()["data"][0]["id"] == whole[2]
    assert provider.state()["meta"]["tokens_in_urls"] == 1
    provider.faults(graph_empty_page=1)
    empty = api.get(path, platform="messenger", limit=2)
    assert empty["data"] == []
    assert empty["paging"]["next"]
    assert [c["id"] for c in api.pages(path, platform="messenger", limit=2)] == whole


def test_both_flavours_of_instagram(provider: Simulator) -> None:
    by_login = graph(provider, "instagram")
    keys = provider.get("accounts", flavour="facebook")["instagram"]
    by_page = Graph(keys)
    unified = provider.get("accounts", flavour="unified")["instagram"]
    assert keys["flavour"] == "facebook"
    assert keys["app_secret"] != provider.accounts["instagram"]["app_secret"]
    one = by_login.get("me/conversations", platform="instagram")["data"]
    other = by_page.get(f"{keys['page_id']}/conversations", platform="instagram")["data"]
    by_business = Graph(unified).get(f"{keys['account_id']}/conversations", platform="instagram")
    assert one == other == by_business["data"]
    me = by_login.get("me", fields="user_id,username")
    assert me["user_id"] == keys["account_id"] != me["id"]
    assert by_login.error(f"{keys['page_id']}/conversations", platform="messenger")["code"] == 100


def test_tokens_expire_are_renewed_and_refreshed(provider: Simulator) -> None:
    api = graph(provider, "instagram")
    provider.faults(expire_meta_token="instagram")
    error = api.error("me")
    assert (error["status"], error["code"], error["error_subcode"]) == (400, 190, 463)
    assert graph(provider, "messenger").get("me")["id"]
    provider.faults(renew_token=True)
    assert api.get("me")["id"]
    keys = provider.accounts["instagram"]
    without = api.http.get(
        f"{keys['api_base']}/refresh_access_token", params={"grant_type": "ig_refresh_token"}
    )
    assert without.json()["error"]["code"] == 100
    refreshed = httpx.get(
        f"{keys['api_base']}/refresh_access_token",
        params={"grant_type": "ig_refresh_token", "access_token": keys["access_token"]},
    ).json()
    assert refreshed["expires_in"] > 5_000_000
    assert Graph(keys, refreshed["access_token"]).get("me")["id"]
    assert Graph(keys, "EAAinvented").error("me")["code"] == 190
    with pytest.raises(ValueError, match="expire_meta_token"):
        provider.faults(expire_meta_token="gmail")


def test_limits_and_failures_as_meta_words_them(provider: Simulator) -> None:
    api = graph(provider, "messenger")
    provider.faults(graph_rate_limit=1, graph_account_limit=1, http_500=1, http_429=1)
    seen = [api.error("me") for _ in range(4)]
    assert sorted((e["status"], e["code"]) for e in seen) == [
        (400, 4), (400, 613), (429, 4), (500, 2),
    ]  # fmt: skip
    assert all(e["is_transient"] for e in seen)
    provider.faults(graph_rate_limit=1)
    answer = api.http.get(f"{api.base}/me")
    usage = json.loads(answer.headers["x-app-usage"])
    assert usage["call_count"] == 100
    (business,) = json.loads(answer.headers["x-business-use-case-usage"]).values()
    assert business[0]["estimated_time_to_regain_access"] == 1
    provider.faults(graph_calls_per_second=2)
    codes = [api.http.get(f"{api.base}/me").status_code for _ in range(4)]
    assert codes == [200, 200, 400, 400]
    provider.faults(graph_calls_per_second=0)


def test_what_would_send_is_refused(provider: Simulator) -> None:
    page = provider.accounts["messenger"]["page_id"]
    number = provider.accounts["whatsapp"]["phone_number_id"]
    for channel, path in (("messenger", f"{page}/messages"), ("whatsapp", f"{number}/messages")):
        error = graph(provider, channel).error(path, "POST", message="{}")
        assert (error["status"], error["code"]) == (400, 100)
    assert provider.state()["meta"]["refused_posts"] == 2


def test_what_belongs_to_a_page_is_for_its_own_token(provider: Simulator) -> None:
    keys = provider.accounts["messenger"]
    page, system_user = keys["page_id"], Graph(keys, keys["access_token"])
    own = graph(provider, "messenger")
    listed = own.get(f"{page}/conversations", platform="messenger")["data"]
    for path in (f"{page}/conversations", f"{page}/subscribed_apps", listed[0]["id"]):
        error = system_user.error(path)
        assert (error["code"], "Page Access Token" in error["message"]) == (190, True)
    assert own.get(page, fields="access_token")["access_token"] == own.token


def test_a_proof_is_asked_for_and_a_wrong_one_refused(provider: Simulator) -> None:
    keys = provider.accounts["whatsapp"]
    path = f"{keys['api_base']}/v26.0/{keys['phone_number_id']}"
    headers = {"Authorization": f"Bearer {keys['access_token']}"}
    said = httpx.get(path, headers=headers).json()["error"]
    assert (said["code"], "require an appsecret_proof" in said["message"]) == (100, True)
    wrong = httpx.get(path, headers=headers, params={"appsecret_proof": "0" * 64}).json()["error"]
    assert "Invalid appsecret_proof" in wrong["message"]
    provider.faults(require_proof=0)
    assert httpx.get(path, headers=headers).is_success
    # Not on graph.instagram.com, where nothing of the kind is described.
    login = provider.accounts["instagram"]
    answer = httpx.get(
        f"{login['api_base']}/v26.0/me",
        headers={"Authorization": f"Bearer {login['access_token']}"},
        params={"appsecret_proof": "0" * 64},
    )
    assert answer.json()["error"]["code"] == 100


def test_a_large_conversation_is_too_much_at_once(provider: Simulator) -> None:
    provider.faults(graph_large_conversation=20)
    api = graph(provider, "instagram")
    for number in range(22):
        provider.message(
            channel="instagram", sender="17700000000000009", body=str(number), silent=True
        )
    (found,) = api.get("me/conversations", user_id="17700000000000009")["data"]
    error = api.error(found["id"], fields="messages{id,message}")
    assert (error["status"], error["code"]) == (500, 1)
    assert "reduce the amount of data" in error["message"]
    few = api.get(found["id"], fields="messages.limit(5){id,message}")["messages"]["data"]
    assert [each["message"] for each in few] == ["21", "20", "19", "18", "17"]


def test_what_meta_does_not_describe_is_refused_and_remembered(provider: Simulator) -> None:
    api = graph(provider, "messenger")
    assert api.error("me/conversations", plattform="messenger")["code"] == 100
    (unknown,) = provider.get("contract")["unknown"]
    assert "plattform" in unknown


def test_debug_token(provider: Simulator) -> None:
    keys = provider.accounts["messenger"]
    app = Graph(keys, f"{keys['app_id']}|{keys['app_secret']}")
    told = app.get("debug_token", input_token=keys["access_token"])["data"]
    assert told["is_valid"]
    assert told["expires_at"] == 0
    assert "pages_messaging" in told["scopes"]
    provider.faults(expire_meta_token=True)
    assert not app.get("debug_token", input_token=keys["access_token"])["data"]["is_valid"]


def test_delivery_events_without_content(provider: Simulator) -> None:
    api = graph(provider, "whatsapp")
    number = provider.accounts["whatsapp"]["phone_number_id"]
    fields = "id,message_id,events{delivery_status,timestamp}"
    listed = api.pages(f"{number}/message_history", fields=fields, limit=5)
    truth = [m for m in provider.get("truth", channel="whatsapp") if m["direction"] == "outbound"]
    assert {m["message_id"] for m in listed} == {m["id"] for m in truth}
    assert any(len(m["events"]["data"]) == 3 for m in listed)
    assert all(sorted(m) == ["events", "id", "message_id"] for m in listed)
    assert api.error(f"{number}/message_history", limit=101)["code"] == 100
    assert api.get(number)["id"] == number
    told = api.get(number, fields="verified_name,webhook_configuration")
    assert told == {
        "verified_name": told["verified_name"],
        "webhook_configuration": {},
        "id": number,
    }
