"""Histories of calls and conversations against the simulated providers: everything, once, whatever happens."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines import conversations, twilio_voice
from pipelines.pull import pull
from providers.failures import BACK_OFF, NeedsAdmin, TryLater
from providers.twilio import client as twilio_api
from simulator import server
from simulator.server import Simulator
from tests.long_form import LONG
from tests.pipelines.programs import start
from warehouse.channels import registry
from warehouse.settings import Settings

Database = psycopg.Connection[Any]
CHATS = ["messenger", "instagram"]
CHANNELS = ["twilio_voice", *CHATS]
LONG_AGO = datetime.now(UTC) - timedelta(days=600)
HELD = {
    "twilio_voice": "select sid from raw_twilio_voice.calls where connection_id = %s",
    "messenger": "select id from raw_messenger.messages where connection_id = %s",
    "instagram": "select id from raw_instagram.messages where connection_id = %s",
}
#: Small steps and pages, and calls as slow as a distant provider's, so that a short history takes many of them.
SMALL_STEPS = """
import sys
from pipelines import conversation_messages, conversations, pull, twilio_voice
from providers.meta import pace as graph_pace
from providers.twilio import client as twilio_api
conversations.STEP_SECONDS = conversations.FIRST_STEP_SECONDS = twilio_voice.STEP_SECONDS = 0.0
conversations.LIST_SIZES, conversation_messages.LIST_SIZES = (5,), (10,)
twilio_api.PAGE_SIZE = 5
graph_pace.SECONDS_BETWEEN_CALLS = 0.02
raise SystemExit(pull.main(sys.argv[1:]))
"""


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Simulator]:
    """A history that holds enough of each channel."""
    with server.start(seed=11, messages=1500, state_dir=tmp_path / "provider") as running:
        yield running


def known(provider: Simulator, channel: str) -> set[str]:
    """The ids that the provider lists: legs of calls, or messages that were not unsent."""
    told = provider.truth(channel)
    if channel == "twilio_voice":
        return {leg["sid"] for one in told for leg in one["call"]["legs"]}
    return {one["id"] for one in told if not one["unsent"]}


def held(admin: Database, connection: str, channel: str) -> list[str]:
    return [identity for (identity,) in admin.execute(HELD[channel], [connection])]


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_whole_history_loads_and_again_loads_nothing(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    channel: str,
) -> None:
    connection = connect(channel, provider.accounts[channel])
    pull(settings, connection)
    loaded = held(admin, connection, channel)
    assert sorted(loaded) == sorted(known(provider, channel))
    assert len(loaded) > 50
    assert not any(pull(settings, connection).rows.values())
    # Media addresses are signed anew at each call: that alone makes no version.
    assert not any(pull(settings, connection, since=LONG_AGO).rows.values())
    assert provider.state()["meta"]["tokens_in_urls"] == 0
    assert provider.state()["meta"]["refused_posts"] == 0


def test_recordings_and_transcripts_come_with_their_calls(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    connection = connect("twilio_voice", provider.accounts["twilio_voice"])
    pull(settings, connection)
    told = provider.truth("twilio_voice")
    assert {
        (recording["sid"], recording["source"])
        for one in told
        for recording in one["call"]["recordings"]
    } == set(
        admin.execute(
            "select sid, payload ->> 'source' from raw_twilio_voice.recordings"
        ).fetchall()
    )
    spoken = admin.execute(
        """
        select coalesce(legs.payload ->> 'parent_call_sid', legs.sid), texts.payload ->> 'transcription_text'
        from raw_twilio_voice.transcriptions as texts
        inner join raw_twilio_voice.calls as legs on legs.sid = texts.call_sid
        inner join raw_twilio_voice.recordings as sounds on sounds.sid = texts.recording_sid
        where texts.payload ->> 'status' = 'completed' and sounds.call_sid = texts.call_sid
        """
    ).fetchall()
    assert dict(spoken) == {one["id"]: one["body"] for one in told if one["body"]}
    assert len(spoken) > 3


def test_a_conversation_is_as_the_provider_tells_it(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    for channel in CHATS:
        connection = connect(channel, provider.accounts[channel])
        pull(settings, connection)
        told = {one["id"]: one for one in provider.truth(channel) if not one["unsent"]}
        loaded = admin.execute(
            f"select id, conversation_id, unavailable, payload, counterpart, created_at, account_id from raw_{channel}.messages"
        ).fetchall()
        by_thread: dict[str, list[str]] = {}
        for one in sorted(told.values(), key=lambda one: (one["at"], one["id"]), reverse=True):
            by_thread.setdefault(one["thread"], []).append(one["id"])
        detailed = {identity for ids in by_thread.values() for identity in ids[:20]}
        assert len(detailed) < len(told) or channel == "messenger"
        for identity, conversation, unavailable, payload, counterpart, at, account in loaded:
            one = told[identity]
            assert conversation == one["thread"]
            assert counterpart["id"] == one["address"]
            assert at == datetime.fromisoformat(one["at"]).replace(microsecond=0)
            assert (
                account
                == provider.accounts[channel]["account_id" if channel == "instagram" else "page_id"]
            )
            assert unavailable == (identity not in detailed)
            assert (payload is None) == unavailable
            if payload:
                assert payload["message"] == one["body"]
                assert (payload["from"]["id"] == account) == (one["direction"] == "outbound")


def test_all_flavours_of_instagram_load_the_same(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    keys = provider.accounts["instagram"]
    by_page, unified = (
        provider.get("accounts", flavour=flavour)["instagram"]
        for flavour in ("facebook", "unified")
    )
    found = []
    for values in (keys, by_page, unified):
        connection = connect("instagram", values)
        pull(settings, connection)
        found.append(
            admin.execute(
                "select id, unavailable, payload ->> 'message' from raw_instagram.messages where connection_id = %s order by id",
                [connection],
            ).fetchall()
        )
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 50


@pytest.mark.parametrize("channel", CHATS)
def test_what_happens_now_comes_with_the_next_pulls(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    channel: str,
) -> None:
    connection = connect(channel, provider.accounts[channel])
    pull(settings, connection)
    person = next(
        one["person"]
        for one in reversed(provider.truth(channel))
        if one["person"] and not one["unsent"]
    )
    made = provider.message(channel=channel, person=person, body="do you ship to Perth?")
    assert pull(settings, connection).rows == {"messages": 1}
    assert pull(settings, connection).rows == {"messages": 0}
    provider.edit(made["id"], "do you ship to Hobart?")
    provider.react(made["id"], "❤️", by="us")
    night = datetime.now(UTC) - conversations.LOOK_BACK
    assert pull(settings, connection, since=night).rows == {"messages": 1}
    versions = admin.execute(
        f"select payload -> 'message', payload -> 'reactions' is not null from raw_{channel}.messages "
        "where id = %s order by pulled_at",
        [made["id"]],
    ).fetchall()
    assert versions == [("do you ship to Perth?", False), ("do you ship to Hobart?", True)]
    # An unsent message is listed no more, and that empties nothing.
    provider.unsend(made["id"])
    assert pull(settings, connection, since=night).rows == {"messages": 0}
    assert made["id"] in held(admin, connection, channel)


def test_a_call_of_now_and_one_that_is_deleted(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    connection = connect("twilio_voice", provider.accounts["twilio_voice"])
    pull(settings, connection)
    made = provider.call(
        sender="+61491570110", outcome="voicemail", seconds=9, transcript="please call me back"
    )
    rows = pull(settings, connection).rows
    assert rows["calls"] >= 1
    assert (rows["recordings"], rows["transcriptions"]) == (1, 1)
    assert not any(pull(settings, connection).rows.values())
    (recording,) = made["recordings"]
    provider.delete("twilio_voice", recording)
    provider.delete("twilio_voice", made["sid"])
    assert pull(settings, connection).rows["removals"] >= 2
    assert set(admin.execute("select sid, kind from raw_twilio_voice.removals").fetchall()) >= {
        (made["sid"], "call"),
        (recording, "recording"),
    }
    assert not any(pull(settings, connection).rows.values())
    assert made["sid"] in held(admin, connection, "twilio_voice")


def test_the_recording_of_a_conference_is_of_no_call(
    settings: Settings,
    admin: Database,
    fold_now: Callable[[], int],
    provider: Simulator,
    connect: Callable[..., str],
) -> None:
    connection = connect("twilio_voice", provider.accounts["twilio_voice"])
    pull(settings, connection)
    made = provider.conference(seconds=30)
    assert pull(settings, connection).rows["recordings"] == 1
    assert admin.execute(
        "select payload ->> 'call_sid', payload ->> 'conference_sid' from raw_twilio_voice.recordings where sid = %s",
        [made["sid"]],
    ).fetchall() == [(None, made["conference_sid"])]
    fold_now()
    assert admin.execute(
        "select outcome, reason from marts.outcomes where reason like '%conference%'"
    ).fetchall() == [("ignored", "the recording of a conference, which is no one call")]


@pytest.mark.parametrize("channel", CHANNELS)
def test_troubles_of_all_kinds_are_sat_out_in_steps(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    channel: str,
) -> None:
    monkeypatch.setattr(conversations, "STEP_SECONDS", 0.2)
    monkeypatch.setattr(twilio_voice, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 7)
    connection = connect(channel, provider.accounts[channel])
    provider.faults(http_500=0.2, graph_empty_page=2)
    monkeypatch.setattr(BACK_OFF, "attempts", 30)
    assert not pull(settings, connection).more
    assert sorted(held(admin, connection, channel)) == sorted(known(provider, channel))


@pytest.mark.parametrize("channel", CHATS)
def test_a_limit_ends_the_pull_with_the_time_that_meta_asks_for(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    channel: str,
) -> None:
    monkeypatch.setattr(BACK_OFF, "patience_seconds", 5.0)
    connection = connect(channel, provider.accounts[channel])
    provider.faults(graph_account_limit=1)
    with pytest.raises(TryLater, match="code 613") as failure:
        pull(settings, connection)
    assert failure.value.after_seconds == 60
    calls = provider.state()["meta"]["calls"]
    # Whoever asks again too early is told without a call.
    with pytest.raises(TryLater, match="Meta asks for a pause"):
        pull(settings, connection)
    assert provider.state()["meta"]["calls"] == calls


@pytest.mark.parametrize("channel", CHATS)
def test_a_token_that_dies_stops_pulls_until_it_lives_again(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    channel: str,
) -> None:
    connection = connect(channel, provider.accounts[channel])
    pull(settings, connection)
    provider.faults(expire_meta_token=channel)
    with pytest.raises(NeedsAdmin, match="it has expired.*receiving goes on"):
        pull(settings, connection)
    provider.faults(renew_token=True)
    assert pull(settings, connection).rows == {"messages": 0}
    assert admin.execute(
        "select error from jobs.connection_health where connection_id = %s and job = 'pull'",
        [connection],
    ).fetchone() == (None,)


#: One machinery pulls them all (pipelines/pull.py): each run kills it over one, the long form over each.
@pytest.mark.parametrize("channel", CHANNELS if LONG else ["messenger"])
def test_kill_9_at_any_moment_neither_doubles_nor_loses(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    tmp_path: Path,
    channel: str,
) -> None:
    connection = connect(channel, provider.accounts[channel])
    log = tmp_path / "pull.log"
    partly = 0
    for attempt in range(40):
        process = start(settings, ["-c", SMALL_STEPS, connection], log)
        try:
            # Moments from the first requests on to the middle of a load.
            # Later ones wait longer and longer: what is left is soon done, also on a busy machine.
            patience = 1.25 ** max(0, attempt - (20 if LONG else 4))
            ended = process.wait((0.3 + 0.25 * attempt) * patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            partly += 1
            continue
        assert ended == 0, log.read_text()
        break
    else:
        pytest.fail("the pull never came to its end")
    assert partly > 2
    loaded = held(admin, connection, channel)
    assert sorted(loaded) == sorted(known(provider, channel))
    assert len(loaded) == len(set(loaded))
    assert not any(pull(settings, connection, since=LONG_AGO).rows.values())


@pytest.mark.parametrize("channel", CHANNELS)
def test_secrets_stay_where_they_are(
    settings: Settings,
    provider: Simulator,
    connect: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
    nowhere: Callable[[str], None],
    channel: str,
) -> None:
    caplog.set_level("DEBUG")
    connection = connect(channel, provider.accounts[channel])
    pull(settings, connection)
    for key in registry()[channel].secret_keys:
        if secret := provider.accounts[channel].get(key):
            assert secret not in caplog.text
            nowhere(secret)
