"""Calls, recordings and transcripts: complete, once, and with what Twilio changes and deletes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import psycopg
import pytest

from benchmarks.history_pages import Record, Shelf, running
from benchmarks.history_pages import Twilio as StandIn
from pipelines import twilio_voice
from pipelines.pull import pull
from providers.failures import NeedsAdmin, TryLater
from providers.twilio import client as twilio_api
from tests.pipelines.conftest import Twilio
from warehouse.settings import Settings

Database = psycopg.Connection[Any]
NOW = datetime.now(UTC).replace(microsecond=0)
NOTHING = {"calls": 0, "recordings": 0, "transcriptions": 0, "removals": 0}
TABLES = {
    "calls": "sid, payload, started_at",
    "recordings": "sid, payload, created_at, call_sid",
    "transcriptions": "sid, payload, recording_sid, call_sid",
    "removals": "sid, kind",
}


def rows(admin: Database, connection: str, table: str) -> list[tuple[Any, ...]]:
    order = "sid" if table == "removals" else "sid, pulled_at"
    return admin.execute(
        f"select {TABLES[table]} from raw_twilio_voice.{table} where connection_id = %s order by {order}",
        [connection],
    ).fetchall()


def sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


def call(number: int, at: datetime | None, **more: Any) -> dict[str, Any]:
    return {
        "sid": sid("CA", number),
        "status": "completed",
        "start_time": format_datetime(at) if at else None,
        "price": None,
        "a_new_field": [1, None],
        **more,
    }


def recording(number: int, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "sid": sid("RE", number),
        "call_sid": sid("CA", number),
        "status": "completed",
        "source": "RecordVerb",
        "date_created": format_datetime(at),
        **more,
    }


def transcript(number: int, at: datetime, text: str, **more: Any) -> dict[str, Any]:
    return {
        "sid": sid("TR", number),
        "recording_sid": sid("RE", number),
        "status": "completed",
        "transcription_text": text,
        "date_created": format_datetime(at),
        **more,
    }


def told(
    twilio: Twilio,
    calls: list[dict[str, Any]],
    recordings: list[dict[str, Any]] | None = None,
    transcripts: list[dict[str, Any]] | None = None,
) -> None:
    """Twilio as it is now; each resource can be asked for one by one."""
    recordings, transcripts = recordings or [], transcripts or []
    twilio.answers.clear()
    for one in recordings:
        own = [each for each in transcripts if each["recording_sid"] == one["sid"]]
        twilio.answers[f"/{one['sid']}/Transcriptions.json"] = [(200, {}, {"transcriptions": own})]
    for folder, items in {
        "Calls": calls,
        "Recordings": recordings,
        "Transcriptions": transcripts,
    }.items():
        for one in items:
            twilio.answers[f"/{folder}/{one['sid']}.json"] = [(200, {}, one)]
        found = {folder.lower(): items, "next_page_uri": None}
        twilio.answers[f"/{folder}.json"] = [(200, {}, found)]


@pytest.fixture
def connection(connect: Callable[..., str], twilio: Twilio) -> str:
    return connect("twilio_voice", twilio.keys)


def test_everything_of_a_call_is_kept_as_it_was_sent_and_loads_once(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    at = NOW - timedelta(minutes=5)
    leg = call(2, at, parent_call_sid=sid("CA", 1))
    never = call(3, None, status="canceled", duration="")
    calls = [call(1, at), leg, never]
    recordings = [recording(1, at)]
    transcripts = [transcript(1, at, "please call me back")]
    told(twilio, calls, recordings, transcripts)
    assert pull(settings, connection).rows == {
        "calls": 3,
        "recordings": 1,
        "transcriptions": 1,
        "removals": 0,
    }
    assert rows(admin, connection, "calls") == [
        (sid("CA", 1), calls[0], at),
        (sid("CA", 2), leg, at),
        (sid("CA", 3), never, None),
    ]
    assert rows(admin, connection, "recordings") == [
        (sid("RE", 1), recordings[0], at, sid("CA", 1))
    ]
    assert rows(admin, connection, "transcriptions") == [
        (sid("TR", 1), transcripts[0], sid("RE", 1), sid("CA", 1))
    ]
    assert pull(settings, connection).rows == NOTHING
    assert pull(settings, connection, since=NOW - timedelta(days=300)).rows == NOTHING


def test_the_filters_look_back_from_the_cursor(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    at = NOW - timedelta(days=9)
    told(twilio, [call(1, at)], [recording(1, at + timedelta(hours=1))])
    pull(settings, connection)
    twilio.requests.clear()
    pull(settings, connection)
    asked = {path.rpartition("/")[2]: query for path, query in twilio.requests}
    half_an_hour = timedelta(minutes=30)
    assert asked["Calls.json"]["StartTime>"] == [(at - half_an_hour).strftime("%Y-%m-%dT%H:%M:%SZ")]
    assert asked["Recordings.json"]["DateCreated>"] == [
        (at + timedelta(hours=1) - half_an_hour).strftime("%Y-%m-%dT%H:%M:%SZ")
    ]
    assert asked["Recordings.json"]["IncludeSoftDeleted"] == ["true"]


def test_a_call_is_followed_until_it_ends(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    long_ago = NOW - timedelta(hours=3)
    going_on = call(1, long_ago, status="in-progress")
    told(twilio, [call(2, NOW), going_on])
    pull(settings, connection)
    twilio.requests.clear()
    told(twilio, [call(2, NOW), call(1, long_ago, price="-0.01")])
    assert pull(settings, connection).rows == {**NOTHING, "calls": 1}
    (asked,) = (query for path, query in twilio.requests if path.endswith("/Calls.json"))
    assert asked["StartTime>"] == [long_ago.strftime("%Y-%m-%dT%H:%M:%SZ")]
    versions = [
        payload["status"]
        for found, payload, _ in rows(admin, connection, "calls")
        if found == going_on["sid"]
    ]
    assert versions == ["in-progress", "completed"]


def test_a_transcript_comes_later_and_with_it_nothing_twice(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    told(twilio, [call(1, NOW)], [recording(1, NOW)])
    assert pull(settings, connection).rows["transcriptions"] == 0
    told(
        twilio, [call(1, NOW)], [recording(1, NOW)], [transcript(1, NOW, "", status="in-progress")]
    )
    assert pull(settings, connection).rows["transcriptions"] == 1
    told(twilio, [call(1, NOW)], [recording(1, NOW)], [transcript(1, NOW, "hello")])
    assert pull(settings, connection).rows == {**NOTHING, "transcriptions": 1}
    twilio.requests.clear()
    assert pull(settings, connection).rows == NOTHING
    assert not [path for path, _ in twilio.requests if "/Recordings/" in path]


def test_a_transcript_of_any_recording_is_found_and_told_its_call(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    old = NOW - timedelta(days=40)
    talk = recording(1, old, source="DialVerb")
    # Its recording is deleted: nothing tells its call any more.
    told(twilio, [], [talk], [transcript(1, old, "talk"), transcript(7, old, "lost")])
    pull(settings, connection)
    assert [row[2:] for row in rows(admin, connection, "transcriptions")] == [
        (sid("RE", 1), sid("CA", 1)),
        (sid("RE", 7), None),
    ]
    assert not [
        path for path, _ in twilio.requests if path.endswith("/Recordings/RE/Transcriptions.json")
    ]
    assert pull(settings, connection).rows == NOTHING


def test_what_is_deleted_is_noticed_by_a_404_or_by_its_status(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    calls = [call(number, NOW - timedelta(minutes=number)) for number in range(3)]
    recordings = [recording(number, NOW - timedelta(minutes=number)) for number in range(3)]
    told(twilio, calls, recordings)
    pull(settings, connection)
    # One is gone, one is listed as deleted, one is merely not listed.
    told(twilio, calls[:1], [{**recordings[0], "status": "deleted"}])
    twilio.answers[f"/Calls/{calls[1]['sid']}.json"] = [(200, {}, calls[1])]
    twilio.answers[f"/Recordings/{recordings[1]['sid']}.json"] = [(200, {}, recordings[1])]
    # Noticed by the look-back and by what looks for news, and told once.
    told_once = pull(settings, connection, since=NOW - timedelta(days=3)).rows
    assert told_once == {**NOTHING, "recordings": 1, "removals": 3}
    assert rows(admin, connection, "removals") == [
        (calls[2]["sid"], "call"),
        (recordings[0]["sid"], "recording"),
        (recordings[2]["sid"], "recording"),
    ]
    assert pull(settings, connection).rows == NOTHING
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == NOTHING
    assert len(rows(admin, connection, "calls")) == 3


def test_old_calls_that_left_the_list_are_not_deleted(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    calls = [call(1, NOW - timedelta(days=390)), call(2, NOW - timedelta(days=380))]
    told(twilio, calls)
    pull(settings, connection)
    told(twilio, calls[1:])
    assert pull(settings, connection, since=NOW - timedelta(days=500)).rows == NOTHING


def test_a_new_call_and_a_look_back_in_one_step_load_it_once(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    told(twilio, [call(1, NOW - timedelta(hours=1))])
    pull(settings, connection)
    told(
        twilio,
        [call(2, NOW), call(1, NOW - timedelta(hours=1))],
        [recording(2, NOW)],
        [transcript(2, NOW, "x")],
    )
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {
        "calls": 1,
        "recordings": 1,
        "transcriptions": 1,
        "removals": 0,
    }


def test_a_first_pull_goes_in_steps_over_all_lists(
    settings: Settings,
    admin: Database,
    twilio: Twilio,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twilio_voice, "STEP_SECONDS", 0.0)
    calls = [call(number, NOW - timedelta(hours=number)) for number in range(6)]
    recordings = [recording(number, NOW - timedelta(hours=number)) for number in range(4)]
    told(twilio, calls, recordings)
    for folder, items, pages in (("Calls", calls, 3), ("Recordings", recordings, 2)):
        for page in range(pages):
            last = page == pages - 1
            name = f"/{folder}.json" if page == 0 else f"/{folder}.json?PageToken={page}"
            twilio.answers[name] = [
                (
                    200,
                    {},
                    {
                        folder.lower(): items[2 * page : 2 * page + 2],
                        "next_page_uri": None
                        if last
                        else f"/2010-04-01/Accounts/{twilio.keys['account_sid']}/{folder}.json?PageToken={page + 1}",
                    },
                )
            ]
    partly = pull(settings, connection, budget_seconds=0)
    assert partly.more
    assert {found for found, *_ in rows(admin, connection, "calls")} == {sid("CA", 0), sid("CA", 1)}
    listed: list[int | None] = []
    assert not pull(settings, connection, progress=lambda now: listed.append(now.listed)).more
    assert listed[0] is not None
    assert listed[0] > 4
    assert len(rows(admin, connection, "calls")) == 6
    assert len(rows(admin, connection, "recordings")) == 4


def test_an_empty_account_is_no_trouble(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    told(twilio, [])
    assert pull(settings, connection).rows == NOTHING
    assert not pull(settings, connection).more


def test_limits_are_sat_out_and_the_channel_is_named(
    settings: Settings, admin: Database, twilio: Twilio, connection: str
) -> None:
    told(twilio, [call(1, NOW)])
    whole = twilio.answers["/Calls.json"][0]
    limited = (429, {"Retry-After": "0"}, {"code": 20429, "status": 429})
    twilio.answers["/Calls.json"] = [limited, (500, {}, {"code": 20500}), whole]
    assert pull(settings, connection).rows["calls"] == 1
    twilio.answers["/Calls.json"] = [(401, {}, {"code": 20003, "status": 401})]
    with pytest.raises(NeedsAdmin, match=r"^twilio_voice connection .*401, code 20003"):
        pull(settings, connection)
    twilio.answers["/Calls.json"] = [limited]
    with pytest.raises(TryLater, match="slow down"):
        pull(settings, connection)


def test_pages_are_as_large_as_twilio_gives_them(
    settings: Settings, twilio: Twilio, connection: str
) -> None:
    told(twilio, [])
    pull(settings, connection)
    assert {query["PageSize"][0] for _, query in twilio.requests} == {str(twilio_api.PAGE_SIZE)}


def shelf(path: str, time: str | None, resources: list[dict[str, Any]], at: str) -> Shelf:
    records = [
        Record(
            int(parsedate_to_datetime(each[at]).timestamp()),
            each["sid"],
            json.dumps(each).encode(),
        )
        for each in resources
    ]
    also = frozenset({"IncludeSoftDeleted"})
    return Shelf(path, path.lower(), time, records, also if path == "Recordings" else frozenset())


def test_a_resumed_step_asks_for_pages_alone(
    settings: Settings,
    admin: Database,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the steps before have loaded is not missing from the pages of this one."""
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 20)
    monkeypatch.setattr(twilio_voice, "STEP_SECONDS", 0.0)
    times = [NOW - timedelta(minutes=number) for number in range(100)]
    calls = [call(number, at) for number, at in enumerate(times)]
    talks = [recording(number, at, source="DialVerb") for number, at in enumerate(times)]
    shelves = [
        shelf("Calls", "StartTime>", calls, "start_time"),
        shelf("Recordings", "DateCreated>", talks, "date_created"),
        shelf("Transcriptions", None, [], "date_created"),
    ]
    with running(StandIn(shelves)) as twilio:
        connection = connect("twilio_voice", twilio.keys)
        pull(settings, connection)
        lists = {"list Calls", "list Recordings", "list Transcriptions"}
        assert set(twilio.asked) == lists
        twilio.asked.clear()
        assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == NOTHING
        assert set(twilio.asked) == lists
        assert not twilio.refused
    assert (
        len(rows(admin, connection, "calls")) == len(rows(admin, connection, "recordings")) == 100
    )
    assert rows(admin, connection, "removals") == []
