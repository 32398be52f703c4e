"""The simulated Graph API as a reader of conversations meets it."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from simulator.server import Simulator

DETAILS = "id,created_time,from,to,message,attachments,shares,story,reply_to,reactions"


class Graph:
    """A client that keeps its token in the header."""

    def __init__(self, keys: dict[str, str], token: str | None = None) -> None:
        self.base = f"{keys['api_base']}/{keys['api_version']}"
        self.http = httpx.Client(
            headers={"Authorization": f"Bearer {token or keys['access_token']}"}
        )

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
    listed = api.pages(f"{account}/conversations", platform=channel, limit=3)
    updated = [c["updated_time"] for c in listed]
    assert updated == sorted(updated, reverse=True)
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
        assert len(message.get("attachments", {"data": []})["data"]) == len(known["attachments"])


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
    assert told["access_token"] == [provider.accounts["messenger"]["access_token"]]
    assert provider.state()["meta"]["tokens_in_urls"] == 0
    assert httpx.get(first["paging"]["next"]).json()["data"][0]["id"] == whole[2]
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
    assert keys["flavour"] == "facebook"
    assert keys["app_secret"] != provider.accounts["instagram"]["app_secret"]
    one = by_login.get("me/conversations", platform="instagram")["data"]
    other = by_page.get(f"{keys['page_id']}/conversations", platform="instagram")["data"]
    assert one == other
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
