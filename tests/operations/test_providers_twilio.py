"""What the command line changes at Twilio: never who answers a call, and no channel the other's address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from providers.failures import ProviderFailed
from providers.twilio import registration as twilio
from simulator import server
from tests.operations.connecting import Crm, add, landed, run, wait_for
from tests.webhooks.conftest import RunningReceiver
from warehouse.connections import Connection

SMS_URL = "https://crm.example.com/webhooks/twilio_sms/c1"
VOICE_URL = "https://crm.example.com/webhooks/twilio_voice/c2"
OVERRIDES = "#rc=5&rp=ct,rt,5xx"
MENU = "https://voice.example.com/menu"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[server.Simulator]:
    """One for each test: its numbers begin with nobody's addresses."""
    with server.start(seed=7, messages=60, state_dir=tmp_path / "simulator") as running:
        yield running


def connection(simulator: server.Simulator, channel: str, **more: str) -> Connection:
    keys = {**simulator.accounts[channel], **more}
    return Connection(
        connection_id="c1" if channel == "twilio_sms" else "c2",
        channel=channel,
        name="Shop",
        settings={name: value for name, value in keys.items() if name != "auth_token"},
        secrets={"auth_token": keys["auth_token"]},
    )


@pytest.fixture
def sms(simulator: server.Simulator) -> Connection:
    return connection(simulator, "twilio_sms")


@pytest.fixture
def voice(simulator: server.Simulator) -> Connection:
    return connection(simulator, "twilio_voice")


def ask(of: Connection, path: str, **fields: str) -> dict[str, Any]:
    """Twilio itself, asked without our code."""
    answer = httpx.request(
        "POST" if fields else "GET",
        f"{of.required('api_base')}{path}",
        data=fields or None,
        auth=(of.required("account_sid"), of.required("auth_token")),
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def numbers(of: Connection) -> list[dict[str, Any]]:
    path = f"/2010-04-01/Accounts/{of.required('account_sid')}/IncomingPhoneNumbers.json"
    return list(ask(of, path)["incoming_phone_numbers"])


def test_a_check_names_the_newest_of_its_own_list(sms: Connection, voice: Connection) -> None:
    assert "newest of its messages: " in twilio.check(sms)
    assert "newest of its calls: " in twilio.check(voice)
    for each in (sms, voice):
        assert twilio.check(each).startswith(f"account {each.required('account_sid')} answers")


def test_both_channels_have_the_same_numbers(sms: Connection, voice: Connection) -> None:
    before = numbers(sms)
    for _ in range(2):
        twilio.configure(voice, VOICE_URL)
        twilio.configure(sms, SMS_URL)
        twilio.configure(voice, VOICE_URL)
    for was, now in zip(before, numbers(sms), strict=True):
        assert now["sms_url"] == SMS_URL + OVERRIDES
        assert now["status_callback"] == VOICE_URL + OVERRIDES
        changed = {name for name in now if now[name] != was[name]}
        assert changed - {"date_updated"} == {"sms_url", "status_callback"}
        assert now["voice_url"] == MENU
    service = ask(sms, f"/v1/Services/{sms.required('messaging_service_sid')}")
    assert service["status_callback"] == SMS_URL + OVERRIDES
    assert service["inbound_request_url"] is None


def test_the_admin_sees_who_answers_and_who_is_told(sms: Connection, voice: Connection) -> None:
    before = twilio.present(voice)
    assert [each["object"] for each in before] == voice.several("numbers")
    assert {each["voice_url"] for each in before} == {MENU}
    assert {each["status_callback"] for each in before} == {""}
    after = twilio.configure(voice, VOICE_URL)
    assert [each["status_callback"] for each in after] == [VOICE_URL + OVERRIDES] * 2
    assert after == twilio.present(voice)
    assert all("note" not in each for each in after)
    shown = twilio.configure(sms, SMS_URL)
    assert [each["object"] for each in shown] == [
        *sms.several("numbers"),
        sms.required("messaging_service_sid"),
    ]
    assert {each.get("sms_url", SMS_URL + OVERRIDES) for each in shown} == {SMS_URL + OVERRIDES}


def test_only_the_numbers_that_are_named_change(simulator: server.Simulator) -> None:
    one = connection(simulator, "twilio_voice", numbers="+61491570157")
    assert [each["object"] for each in twilio.configure(one, VOICE_URL)] == ["+61491570157"]
    told = {each["phone_number"]: each["status_callback"] for each in numbers(one)}
    assert told == {"+61491570156": "", "+61491570157": VOICE_URL + OVERRIDES}
    for channel, url in (("twilio_voice", VOICE_URL), ("twilio_sms", SMS_URL)):
        none = connection(simulator, channel, numbers="+61255501234")
        with pytest.raises(ProviderFailed, match="none of these numbers"):
            twilio.configure(none, url)


def test_a_number_whose_voice_url_is_ours_is_shown_as_such(voice: Connection) -> None:
    number = numbers(voice)[0]
    path = f"/2010-04-01/Accounts/{voice.required('account_sid')}/IncomingPhoneNumbers"
    ask(voice, f"{path}/{number['sid']}.json", VoiceUrl=VOICE_URL)
    first, second = twilio.present(voice)
    assert "its callers are hung up on" in first["note"]
    assert "note" not in second


def test_a_number_that_follows_an_application_is_shown_as_such(sms: Connection) -> None:
    number = numbers(sms)[0]
    path = f"/2010-04-01/Accounts/{sms.required('account_sid')}/IncomingPhoneNumbers"
    ask(sms, f"{path}/{number['sid']}.json", SmsApplicationSid="AP" + "0" * 32)
    first, second, _ = twilio.present(sms)
    assert "follows an application" in first["note"]
    assert "note" not in second


def test_a_service_that_takes_texts_past_the_number_is_found_by_asking(
    simulator: server.Simulator,
) -> None:
    plain = connection(simulator, "twilio_sms", messaging_service_sid="")
    assert not any("note" in each for each in twilio.present(plain))
    simulator.faults(catching_service=1)
    (found,) = [each for each in twilio.present(plain) if "note" in each]
    assert found["numbers"] == plain.several("numbers")[0]
    assert found["inbound_request_url"] == "https://reminders.example.com/inbound"
    assert "defer to the sender's webhook" in found["note"]
    assert "catching" not in str(twilio.present(connection(simulator, "twilio_voice")))


def test_a_check_is_for_what_pulls_and_webhooks_use(simulator: server.Simulator) -> None:
    other = connection(simulator, "twilio_sms", numbers="+61491570156,+61255501234")
    with pytest.raises(ProviderFailed, match=r"does not have \+61255501234"):
        twilio.check(other)


def test_what_your_own_twiml_may_name_is_said(sms: Connection, voice: Connection) -> None:
    said = " ".join(twilio.advice(voice, VOICE_URL))
    for word in ("recordingStatusCallback", "transcribeCallback", "statusCallbackEvent", VOICE_URL):
        assert word in said
    assert twilio.advice(sms, SMS_URL) == []


def test_without_a_messaging_service_only_the_numbers_change(simulator: server.Simulator) -> None:
    plain = connection(simulator, "twilio_sms", messaging_service_sid="")
    shown = twilio.configure(plain, SMS_URL)
    assert [each["object"] for each in shown] == plain.several("numbers")
    assert {each["status_callback"] for each in numbers(plain)} == {""}


def test_a_wrong_token_is_refused_without_being_repeated(simulator: server.Simulator) -> None:
    wrong = connection(simulator, "twilio_voice", auth_token="not-the-token-of-the-account")
    for call in (twilio.check, twilio.present):
        with pytest.raises(
            ProviderFailed, match="twilio_voice connection c2: Twilio answered 401"
        ) as refused:
            call(wrong)
        assert "not-the-token" not in str(refused.value)


def test_texts_calls_and_what_becomes_of_them_arrive_each_at_its_own(
    crm: Crm,
    simulator: server.Simulator,
    receiver: RunningReceiver,
    admin: psycopg.Connection[Any],
) -> None:
    for channel in ("twilio_voice", "twilio_sms"):
        made = add(crm, simulator, channel)
        assert run(crm, "test", made["connection_id"])["ok"] is True
        after = run(crm, "configure-webhook", made["connection_id"])["after"]
        assert made["webhook_url"] in str(after)
    call = simulator.message(channel="twilio_voice", person="Mai Tran")
    text = simulator.message(channel="twilio_sms", person="Mai Tran", body="Is it there?")
    sent = simulator.message(
        channel="twilio_sms", person="Mai Tran", body="It is.", direction="outbound"
    )
    wait_for(lambda: landed(admin, "twilio_voice", call["id"]))
    wait_for(lambda: landed(admin, "twilio_sms", text["id"]))
    wait_for(lambda: landed(admin, "twilio_sms", f'"MessageSid": "{sent["id"]}"'))
    assert not landed(admin, "twilio_sms", call["id"])
    assert not landed(admin, "twilio_voice", sent["id"])
