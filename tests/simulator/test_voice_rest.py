"""The Twilio SDK against the simulated calls, recordings and transcriptions."""

from __future__ import annotations

import io
import wave
from datetime import date, timedelta

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from simulator.server import Simulator


@pytest.fixture
def client(provider: Simulator) -> Client:
    keys = provider.accounts["twilio_voice"]
    made = Client(keys["account_sid"], keys["auth_token"])
    made.api.base_url = keys["api_base"]
    return made


def test_calls_page_by_page_newest_first(client: Client, provider: Simulator) -> None:
    everything = client.calls.list(page_size=7)
    sids = [call.sid for call in everything]
    assert len(sids) == len(set(sids))
    created = [call.date_created for call in everything]
    assert created == sorted(created, reverse=True)
    roots = [call for call in everything if call.parent_call_sid is None]
    assert len(roots) == provider.state()["twilio_voice"] > 10
    known = set(sids)
    children = [call for call in everything if call.parent_call_sid]
    assert children
    assert all(call.parent_call_sid in known for call in children)
    assert {call.direction for call in children} == {"outbound-dial"}
    assert {call.direction for call in roots} == {"inbound", "outbound-api"}


def test_filters_of_calls(client: Client) -> None:
    everything = client.calls.list()
    day = everything[len(everything) // 2].start_time.date()
    after = client.calls.list(start_time_after=day)
    before = client.calls.list(start_time_before=day - timedelta(days=1))
    assert after
    assert before
    dated = {call.sid for call in everything if call.start_time}
    assert {c.sid for c in after} | {c.sid for c in before} == dated
    missed = client.calls.list(status="no-answer")
    assert missed
    assert {call.status for call in missed} == {"no-answer"}
    parent = next(call.parent_call_sid for call in everything if call.parent_call_sid)
    found = client.calls.list(parent_call_sid=parent)
    assert {call.parent_call_sid for call in found} == {parent}
    assert client.calls(parent).fetch().sid == parent


def test_recordings_sound_as_long_as_they_say(client: Client, provider: Simulator) -> None:
    keys = provider.accounts["twilio_voice"]
    recordings = client.recordings.list()
    assert {r.source for r in recordings} >= {"RecordVerb", "DialVerb"}
    assert client.recordings.list(date_created_after=date(2026, 8, 17)) == []
    one = min(recordings, key=lambda r: int(r.duration))
    assert {r.sid for r in client.recordings.list(call_sid=one.call_sid)} == {one.sid}
    assert {r.sid for r in client.calls(one.call_sid).recordings.list()} == {one.sid}
    address = keys["api_base"] + one.uri.removesuffix(".json")
    password = (keys["account_sid"], keys["auth_token"])
    assert httpx.get(f"{address}.mp3").status_code == 401
    plain, wav, mp3 = (httpx.get(address + e, auth=password) for e in ("", ".wav", ".mp3"))
    assert plain.content == wav.content
    with wave.open(io.BytesIO(wav.content)) as sound:
        assert abs(sound.getnframes() / sound.getframerate() - int(one.duration)) < 0.1
    assert mp3.headers["content-type"] == "audio/mpeg"
    frames = [mp3.content[n : n + 4] for n in range(0, len(mp3.content), 36)]
    assert set(frames) == {b"\xff\xf3\x18\xc4"}
    assert abs(len(frames) * 576 / 16000 - int(one.duration)) < 0.1


def test_a_deleted_recording_keeps_its_metadata(client: Client, provider: Simulator) -> None:
    keys = provider.accounts["twilio_voice"]
    recording = client.recordings.list(limit=1)[0]
    provider.delete("twilio_voice", recording.sid)
    assert recording.sid not in {r.sid for r in client.recordings.list()}
    soft = {r.sid: r.status for r in client.recordings.list(include_soft_deleted=True)}
    assert soft[recording.sid] == "deleted"
    with pytest.raises(TwilioRestException) as gone:
        client.recordings(recording.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)
    assert client.recordings(recording.sid).fetch(include_soft_deleted=True).status == "deleted"
    address = f"{keys['api_base']}{recording.uri.removesuffix('.json')}.mp3"
    assert httpx.get(address, auth=(keys["account_sid"], keys["auth_token"])).status_code == 404


def test_transcriptions_by_account_and_by_recording(client: Client) -> None:
    everything = client.transcriptions.list()
    assert {t.status for t in everything} >= {"completed"}
    one = next(t for t in everything if t.transcription_text)
    assert [t.sid for t in client.recordings(one.recording_sid).transcriptions.list()] == [one.sid]
    assert client.transcriptions(one.sid).fetch().transcription_text == one.transcription_text


def test_deletion_of_a_call_and_errors(client: Client, provider: Simulator) -> None:
    call = next(c for c in client.calls.list() if c.parent_call_sid is None)
    before = provider.state()["twilio_voice"]
    provider.delete("twilio_voice", call.sid)
    assert provider.state()["twilio_voice"] == before - 1
    with pytest.raises(TwilioRestException) as gone:
        client.calls(call.sid).fetch()
    assert gone.value.code == 20404
    provider.faults(http_429=1)
    with pytest.raises(TwilioRestException) as refused:
        client.calls(call.sid).fetch()
    assert (refused.value.status, refused.value.code) == (429, 20429)
    with pytest.raises(TwilioRestException) as method:
        client.calls.create(to="+61491570006", from_="+61491570156", url="https://example.com")
    assert method.value.status == 405


def test_mp3_can_be_refused(client: Client, provider: Simulator) -> None:
    keys = provider.accounts["twilio_voice"]
    recording = client.recordings.list(limit=1)[0]
    address = keys["api_base"] + recording.uri.removesuffix(".json")
    password = (keys["account_sid"], keys["auth_token"])
    provider.faults(refuse_mp3=1)
    assert httpx.get(f"{address}.mp3", auth=password).status_code == 406
    assert httpx.get(f"{address}.wav", auth=password).status_code == 200
    assert httpx.get(f"{address}.mp3", auth=password).status_code == 200
