"""googleapiclient against the simulated Gmail API."""

from __future__ import annotations

import base64
import email
import email.policy
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

from simulator.server import Simulator


def mailbox(provider: Simulator) -> Any:
    keys = provider.accounts["gmail"]
    credentials = Credentials(
        None,
        refresh_token=keys["refresh_token"],
        client_id=keys["client_id"],
        client_secret=keys["client_secret"],
        token_uri=keys["token_uri"],
    )
    return build(
        "gmail",
        "v1",
        credentials=credentials,
        client_options={"api_endpoint": keys["api_base"]},
        static_discovery=True,
        cache_discovery=False,
    )


@pytest.fixture
def service(provider: Simulator) -> Any:
    return mailbox(provider)


def listed(service: Any, **query: Any) -> list[str]:
    found: list[str] = []
    request = service.users().messages().list(userId="me", **query)
    while request is not None:
        answer = request.execute()
        found += [m["id"] for m in answer.get("messages", [])]
        request = service.users().messages().list_next(request, answer)
    return found


def fetched(
    provider: Simulator, service: Any, ids: list[str]
) -> tuple[dict[str, dict[str, Any]], list[HttpError]]:
    answers: dict[str, dict[str, Any]] = {}
    errors: list[HttpError] = []

    def keep(request_id: str, answer: dict[str, Any], error: HttpError | None) -> None:
        if error:
            errors.append(error)
        else:
            answers[answer["id"]] = answer

    for start in range(0, len(ids), 50):
        # service.new_batch_http_request goes to the discovery document's rootUrl, not to
        # api_endpoint.
        batch = BatchHttpRequest(callback=keep, batch_uri=f"{provider.base_url}/batch/gmail/v1")
        for identity in ids[start : start + 50]:
            batch.add(service.users().messages().get(userId="me", id=identity, format="raw"))
        batch.execute()
    return answers, errors


def history(service: Any, start: str, **query: Any) -> tuple[list[dict[str, Any]], str]:
    records: list[dict[str, Any]] = []
    request = service.users().history().list(userId="me", startHistoryId=start, **query)
    while True:
        answer = request.execute()
        records += answer.get("history", [])
        request = service.users().history().list_next(request, answer)
        if request is None:
            return records, answer["historyId"]


def test_list_and_batch_give_every_mail_as_parsable_bytes(
    service: Any, provider: Simulator
) -> None:
    everything = listed(service, maxResults=40, includeSpamTrash=True)
    assert len(everything) == len(set(everything)) == provider.state()["gmail"]
    usual = listed(service)
    assert 0 < len(usual) < len(everything)
    answers, errors = fetched(provider, service, everything)
    assert not errors
    assert set(answers) == set(everything)
    times = [int(answers[i]["internalDate"]) for i in everything]
    assert times == sorted(times, reverse=True)
    charsets = set()
    for identity, answer in answers.items():
        raw = base64.urlsafe_b64decode(answer["raw"])
        assert len(raw) == answer["sizeEstimate"], identity
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        assert not parsed.defects
        assert parsed["From"]
        charsets |= {
            p.get_content_charset() for p in parsed.walk() if p.get_content_maintype() == "text"
        }
    assert {"utf-8", "windows-1252", "iso-2022-jp"} <= charsets
    assert {"SPAM", "DRAFT", "SENT", "INBOX"} <= {
        label for a in answers.values() for label in a["labelIds"]
    }


def test_search_by_time_and_an_empty_answer(service: Any, provider: Simulator) -> None:
    everything = listed(service)
    answers, _ = fetched(provider, service, everything)
    cut = int(answers[everything[20]]["internalDate"]) // 1000
    assert set(listed(service, q=f"after:{cut}")) == {
        i for i, a in answers.items() if int(a["internalDate"]) >= cut * 1000
    }
    assert (
        "messages"
        not in service.users().messages().list(userId="me", q="from:nobody-at-all").execute()
    )


def test_full_format_and_attachment(service: Any, provider: Simulator) -> None:
    made = provider.message(
        channel="gmail",
        person="Mai Tran",
        subject="Größe 🚲",
        body="see file",
        attachments=["pdf"],
        shape="alternative",
    )
    shown = service.users().messages().get(userId="me", id=made["id"]).execute()
    payload = shown["payload"]
    assert payload["mimeType"] == "multipart/mixed"
    assert [p["partId"] for p in payload["parts"]] == [
        "0",
        "1",
    ]
    assert (
        base64.urlsafe_b64decode(payload["parts"][0]["parts"][0]["body"]["data"]).strip()
        == b"see file"
    )
    part = payload["parts"][1]
    assert part["filename"] == "document.pdf"
    assert "data" not in part["body"]
    got = (
        service.users()
        .messages()
        .attachments()
        .get(userId="me", messageId=made["id"], id=part["body"]["attachmentId"])
        .execute()
    )
    data = base64.urlsafe_b64decode(got["data"])
    assert data.startswith(b"%PDF-")
    assert got["size"] == len(data) == part["body"]["size"]
    assert (
        "payload"
        not in service.users()
        .messages()
        .get(userId="me", id=made["id"], format="minimal")
        .execute()
    )


def test_history_tells_additions_labels_and_deletions(service: Any, provider: Simulator) -> None:
    start = service.users().getProfile(userId="me").execute()["historyId"]
    assert history(service, start) == ([], start)
    ids = [
        provider.message(channel="gmail", person="Mai Tran", subject=f"n{n}", body="x")["id"]
        for n in range(5)
    ]
    provider.labels(ids[0], remove=["UNREAD"])
    provider.labels(ids[1], add=["TRASH"], remove=["INBOX"])
    provider.delete("gmail", ids[2])
    records, now = history(service, start, maxResults=2)
    assert [int(r["id"]) for r in records] == sorted(int(r["id"]) for r in records)
    assert int(now) == int(records[-1]["id"])
    kinds = [next(k for k in r if k not in ("id", "messages")) for r in records]
    assert kinds == ["messagesAdded"] * 5 + [
        "labelsRemoved",
        "labelsAdded",
        "labelsRemoved",
        "messagesDeleted",
    ]
    assert [r["messagesAdded"][0]["message"]["id"] for r in records[:5]] == ids
    assert records[5]["labelsRemoved"][0]["labelIds"] == ["UNREAD"]
    only, _ = history(service, start, historyTypes=["messageDeleted"])
    assert [r["messagesDeleted"][0]["message"]["id"] for r in only] == [ids[2]]
    answers, errors = fetched(provider, service, ids)
    assert set(answers) == set(ids) - {ids[2]}
    assert [e.resp.status for e in errors] == [404]
    assert history(service, now) == ([], now)


def test_an_expired_history_id_is_404_and_a_new_one_works(
    service: Any, provider: Simulator
) -> None:
    start = service.users().getProfile(userId="me").execute()["historyId"]
    provider.faults(expire_history_before="now")
    for expired in (start, "1"):
        with pytest.raises(HttpError) as gone:
            history(service, expired)
        assert gone.value.resp.status == 404
    fresh = service.users().getProfile(userId="me").execute()["historyId"]
    provider.message(channel="gmail", person="Mai Tran", body="after")
    assert len(history(service, fresh)[0]) == 1


def test_replies_share_the_thread_and_quote(service: Any, provider: Simulator) -> None:
    first = provider.message(
        channel="gmail", person="Mai Tran", subject="Bell", body="Which bell?", client="gmail"
    )
    second = provider.message(
        channel="gmail",
        direction="outbound",
        person="Mai Tran",
        body="The loud one.",
        reply_to=first["id"],
    )
    assert second["thread_id"] == first["thread_id"]
    answers, _ = fetched(provider, service, [second["id"]])
    parsed = email.message_from_bytes(
        base64.urlsafe_b64decode(answers[second["id"]]["raw"]), policy=email.policy.default
    )
    assert parsed["Subject"] == "Re: Bell"
    assert parsed["In-Reply-To"] == first["message_id"]
    text = parsed.get_body(("plain",))
    assert text is not None
    assert "> Which bell?" in text.get_content()
    assert answers[second["id"]]["labelIds"] == ["SENT"]


def test_raw_bytes_come_back_as_given(service: Any, provider: Simulator) -> None:
    raw = b"From: x@example.org\r\nSubject: =?no-such?B?AAAA?=\r\n\r\nbyte \x00\xff\r\n"
    made = provider.message(
        channel="gmail", sender="x@example.org", raw_base64=base64.b64encode(raw).decode()
    )
    answers, _ = fetched(provider, service, [made["id"]])
    assert base64.urlsafe_b64decode(answers[made["id"]]["raw"]) == raw


def test_failures_on_demand(service: Any, provider: Simulator) -> None:
    profile = service.users().getProfile(userId="me")
    for fault, status in (("gmail_rate_limit", 403), ("http_429", 429), ("http_500", 503)):
        provider.faults(**{fault: 1})
        with pytest.raises(HttpError) as refused:
            profile.execute()
        assert refused.value.resp.status == status
    provider.faults(gmail_rate_limit=2)
    assert profile.execute(num_retries=3)["emailAddress"] == provider.accounts["gmail"]["address"]
    ids = listed(service)[:5]
    provider.faults(gmail_rate_limit=2)
    answers, errors = fetched(provider, service, ids)
    assert len(answers) == 3
    assert [e.resp.status for e in errors] == [403, 403]
    assert "userRateLimitExceeded" in errors[0].content.decode()
    provider.faults(expire_access_tokens=True)
    assert profile.execute()["historyId"]  # the client refreshes by itself after one 401
    provider.faults(expire_access_tokens=True, invalid_grant=1.0)
    with pytest.raises(RefreshError, match="invalid_grant"):
        profile.execute()


def test_quota(service: Any, provider: Simulator) -> None:
    provider.faults(gmail_units_per_minute=100)
    answers, errors = fetched(provider, service, listed(service)[:10])
    assert len(answers) == 4
    assert {e.resp.status for e in errors} == {403}


def test_watch_settings_and_stop(service: Any, provider: Simulator) -> None:
    with pytest.raises(HttpError):
        service.users().watch(userId="me", body={"topicName": "projects/other/topics/t"}).execute()
    answer = (
        service.users()
        .watch(userId="me", body={"topicName": provider.accounts["gmail"]["pubsub_topic"]})
        .execute()
    )
    assert int(answer["expiration"]) == provider.state()["watch_until_ms"]
    assert answer["historyId"]
    aliases = service.users().settings().sendAs().list(userId="me").execute()["sendAs"]
    assert {a["sendAsEmail"] for a in aliases} >= {provider.accounts["gmail"]["address"]}
    service.users().stop(userId="me").execute()
    assert provider.state()["watch_until_ms"] == 0
