"""The official Twilio client against the simulated REST API."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from simulator.server import Simulator


@pytest.fixture
def client(provider: Simulator) -> Client:
    keys = provider.accounts["twilio_sms"]
    made = Client(keys["account_sid"], keys["auth_token"])
    made.api.base_url = keys["api_base"]
    return made


def test_pages_walk_everything_newest_first(client: Client, provider: Simulator) -> None:
    found = client.messages.list(page_size=20)
    assert len(found) == provider.state()["twilio_sms"] > 40
    assert len({m.sid for m in found}) == len(found)
    assert [m.date_created for m in found] == sorted((m.date_created for m in found), reverse=True)


def test_arrivals_between_pages_skip_nothing(client: Client, provider: Simulator) -> None:
    first = client.messages.page(page_size=10)
    seen = [m.sid for m in first]
    for n in range(3):
        provider.message(channel="twilio_sms", person="Mai Tran", body=f"in between {n}")
    page = first
    while page := page.next_page():
        seen += [m.sid for m in page]
    assert len(seen) == len(set(seen)) == provider.state()["twilio_sms"] - 3


def test_date_filters_take_dates_and_times(client: Client) -> None:
    everything = client.messages.list()
    cut = everything[len(everything) // 2].date_sent
    after = client.messages.list(date_sent_after=cut)
    before = client.messages.list(date_sent_before=cut - timedelta(seconds=1))
    assert {m.sid for m in after} == {m.sid for m in everything if m.date_sent >= cut}
    assert len(after) + len(before) == len(everything)
    day = cut.astimezone(UTC).date()
    on_day = client.messages.list(date_sent=day.isoformat())
    assert {m.sid for m in on_day} == {m.sid for m in everything if m.date_sent.date() == day}
    assert on_day
    assert {
        m.sid for m in client.messages.list(date_sent_before=date(2026, 8, 16).isoformat())
    } == {m.sid for m in everything}
    assert not client.messages.list(date_sent_after=datetime(2026, 8, 17))


def test_filters_by_number(client: Client) -> None:
    from_mai = client.messages.list(from_="+61491570006")
    assert from_mai
    assert all(m.from_ == "+61491570006" and m.direction == "inbound" for m in from_mai)
    both = client.messages.list(from_="+61491570156", to="+61491570006")
    assert both
    assert all(m.direction == "outbound-api" for m in both)


def test_media_redirect_must_not_carry_the_password(client: Client, provider: Simulator) -> None:
    keys = provider.accounts["twilio_sms"]
    message = next(m for m in client.messages.list() if int(m.num_media))
    media = client.messages(message.sid).media.list()
    assert len(media) == int(message.num_media)
    assert media[0].content_type == "image/jpeg"
    url = keys["api_base"] + media[0].uri.removesuffix(".json")
    password = (keys["account_sid"], keys["auth_token"])
    answer = httpx.get(url, auth=password)
    assert answer.status_code == 307
    assert httpx.get(answer.headers["location"], auth=password).status_code == 400
    stored = httpx.get(answer.headers["location"])
    assert stored.status_code == 200
    assert stored.content.startswith(b"\xff\xd8\xff")
    assert httpx.get(url).status_code == 401


def test_redaction_and_deletion(client: Client, provider: Simulator) -> None:
    message = client.messages.list(limit=1)[0]
    assert message.body
    provider.redact(message.sid)
    assert client.messages(message.sid).fetch().body == ""
    provider.delete("twilio_sms", message.sid)
    with pytest.raises(TwilioRestException) as gone:
        client.messages(message.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)
    assert message.sid not in {m.sid for m in client.messages.list()}


def test_errors_as_twilio_words_them(client: Client, provider: Simulator) -> None:
    provider.faults(http_429=1, http_500=1)
    for status, code in ((429, 20429), (500, 20500)):
        with pytest.raises(TwilioRestException) as refused:
            client.messages(f"SM{'0' * 32}").fetch()
        assert (refused.value.status, refused.value.code) == (status, code)
    assert client.messages.list(limit=1)
    stranger = Client(provider.accounts["twilio_sms"]["account_sid"], "wrong")
    stranger.api.base_url = provider.base_url
    with pytest.raises(TwilioRestException) as refused:
        stranger.messages(f"SM{'0' * 32}").fetch()
    assert (refused.value.status, refused.value.code) == (401, 20003)


def test_numbers_can_be_configured(client: Client) -> None:
    number = client.incoming_phone_numbers.list(phone_number="+61491570156")[0]
    voice = number.voice_url
    number.update(
        sms_url="https://crm.example.com/in#rc=5",
        sms_method="POST",
        status_callback="https://crm.example.com/in",
    )
    again = client.incoming_phone_numbers(number.sid).fetch()
    assert again.sms_url == "https://crm.example.com/in#rc=5"
    assert again.status_callback == "https://crm.example.com/in"
    assert again.voice_url == voice != ""
