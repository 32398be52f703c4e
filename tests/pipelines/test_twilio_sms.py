"""The history of an SMS account: complete, once, and with what Twilio changes silently."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import psycopg
import pytest

from benchmarks.history_pages import Twilio as StandIn
from benchmarks.history_pages import messages, running
from pipelines import twilio_sms
from pipelines.pull import pull
from pipelines.results import Progress
from providers.failures import NeedsAdmin, TryLater
from providers.twilio import client as twilio_api
from simulator.server import Simulator
from tests.pipelines.conftest import Twilio
from warehouse.connections import set_paused
from warehouse.settings import Settings

LONG_AGO = datetime.now(UTC) - timedelta(days=390)


def rows(
    admin: psycopg.Connection[Any], connection: str, table: str = "messages"
) -> list[tuple[Any, ...]]:
    columns = {"messages": "sid, version, payload, media, transaction_id::text", "removals": "sid"}[
        table
    ]
    return admin.execute(
        f"select {columns} from raw_twilio_sms.{table} where connection_id = %s order by 1, 2"
        if table == "messages"
        else f"select {columns} from raw_twilio_sms.{table} where connection_id = %s order by 1",
        [connection],
    ).fetchall()


def test_pages_load_and_a_second_run_inserts_nothing(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 10)
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    first = pull(settings, connection)
    loaded = rows(admin, connection)
    assert first.rows["messages"] == len(loaded) == len({sid for sid, *_ in loaded}) > 30
    with_media = [media for _, _, payload, media, _ in loaded if payload["num_media"] != "0"]
    assert with_media
    assert all(media and media[0]["sid"].startswith("ME") for media in with_media)
    second = pull(settings, connection)
    assert second.rows == {"messages": 0, "removals": 0}
    again = pull(settings, connection, since=LONG_AGO)
    assert again.rows == {"messages": 0, "removals": 0}
    assert rows(admin, connection) == loaded


def test_a_payload_is_kept_as_it_was_sent(
    settings: Settings, admin: psycopg.Connection[Any], twilio: Twilio, connect: Callable[..., str]
) -> None:
    sent = {
        "sid": "SM" + "1" * 32,
        "date_sent": None,
        "num_media": "0",
        "a_new_field": {"x": [1, None]},
        "body": "a\x00b",
    }
    twilio.answers["/Messages.json"] = [(200, {}, {"messages": [sent], "next_page_uri": None})]
    connection = connect("twilio_sms", twilio.keys)
    pull(settings, connection)
    ((_, _, payload, media, _),) = rows(admin, connection)
    assert payload == {**sent, "body": "a\ufffdb"}
    assert media == []
    assert twilio.requests[0][1]["PageSize"] == ["1000"]


def test_a_new_message_and_a_new_status_come_with_the_next_pull(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    pull(settings, connection)
    made = provider.message(channel="twilio_sms", sender="+61491570110", body="are you open?")
    assert pull(settings, connection).rows["messages"] == 1
    assert pull(settings, connection).rows["messages"] == 0
    bodies = [
        payload["body"] for sid, _, payload, _, _ in rows(admin, connection) if sid == made["sid"]
    ]
    assert bodies == ["are you open?"]


def test_a_redaction_is_a_second_version(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    made = provider.message(channel="twilio_sms", sender="+61491570110", body="my card is …")
    pull(settings, connection)
    provider.redact(made["sid"])
    assert pull(settings, connection).rows["messages"] == 1
    versions = [
        payload["body"] for sid, _, payload, _, _ in rows(admin, connection) if sid == made["sid"]
    ]
    assert sorted(versions) == ["", "my card is …"]


def test_a_deletion_is_noticed_only_by_a_404(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    made = provider.message(channel="twilio_sms", sender="+61491570110", body="wrong number")
    pull(settings, connection)
    provider.delete("twilio_sms", made["sid"])
    provider.faults(http_500=1.0)
    with pytest.raises(TryLater):
        pull(settings, connection)
    assert rows(admin, connection, "removals") == []
    provider.faults(http_500=0)
    assert pull(settings, connection).rows == {"messages": 0, "removals": 1}
    assert rows(admin, connection, "removals") == [(made["sid"],)]
    assert pull(settings, connection).rows == {"messages": 0, "removals": 0}
    assert any(sid == made["sid"] for sid, *_ in rows(admin, connection))


def test_an_empty_list_empties_nothing(
    settings: Settings, admin: psycopg.Connection[Any], twilio: Twilio, connect: Callable[..., str]
) -> None:
    sids = [f"SM{number:032x}" for number in range(3)]
    messages = [
        {"sid": sid, "date_sent": format_datetime(datetime.now(UTC)), "num_media": "0"}
        for sid in sids
    ]
    twilio.answers["/Messages.json"] = [
        (200, {}, {"messages": messages, "next_page_uri": None}),
        (200, {}, {"messages": [], "next_page_uri": None}),
    ]
    # Two still exist when asked for one by one; the third answers 404.
    for message in messages[:2]:
        twilio.answers[f"/Messages/{message['sid']}.json"] = [(200, {}, message)]
    connection = connect("twilio_sms", twilio.keys)
    pull(settings, connection)
    assert pull(settings, connection).rows == {"messages": 0, "removals": 1}
    assert len(rows(admin, connection)) == 3
    assert rows(admin, connection, "removals") == [(sids[2],)]


def test_what_left_the_list_by_its_age_is_not_deleted(
    settings: Settings, admin: psycopg.Connection[Any], twilio: Twilio, connect: Callable[..., str]
) -> None:
    old, young = (format_datetime(datetime.now(UTC) - timedelta(days=days)) for days in (30, 8))
    messages = [
        {"sid": "SM" + "2" * 32, "date_sent": young, "num_media": "0"},
        {"sid": "SM" + "1" * 32, "date_sent": old, "num_media": "0"},
    ]
    twilio.answers["/Messages.json"] = [
        (200, {}, {"messages": messages, "next_page_uri": None}),
        (200, {}, {"messages": messages[:1], "next_page_uri": None}),
    ]
    connection = connect("twilio_sms", twilio.keys)
    pull(settings, connection)
    assert pull(settings, connection, since=LONG_AGO).rows["removals"] == 0
    assert not [path for path, _ in twilio.requests if "SM" in path]


def test_a_storm_of_429_and_500_is_sat_out(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    provider.faults(http_429=3, http_500=2)
    assert pull(settings, connection).rows["messages"] == len(rows(admin, connection)) > 30


def test_retry_after_is_honoured(
    settings: Settings, twilio: Twilio, connect: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float | None] = []
    monkeypatch.setattr(
        "providers.failures.BackOff.pause", lambda self, attempt, after=None: pauses.append(after)
    )
    twilio.answers["/Messages.json"] = [
        (429, {"Retry-After": "7"}, {"code": 20429, "status": 429}),
        (200, {}, {"messages": [], "next_page_uri": None}),
    ]
    pull(settings, connect("twilio_sms", twilio.keys))
    assert pauses == [7.0]


def test_wrong_credentials_are_said_in_words_without_the_secret(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"], auth_token="not-the-secret")
    with pytest.raises(NeedsAdmin, match=r"401.*check account_sid and auth_token"):
        pull(settings, connection)
    ((error,),) = admin.execute(
        "select error from jobs.connection_health where connection_id = %s and job = 'pull'",
        [connection],
    ).fetchall()
    assert "401" in error
    assert "not-the-secret" not in error


def test_a_long_absence_is_caught_up_in_steps(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 10)
    monkeypatch.setattr(twilio_sms, "STEP_SECONDS", 0.0)
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    told: list[int | None] = []
    partly = pull(settings, connection, budget_seconds=0)
    assert partly.more
    rest = pull(settings, connection, progress=lambda now: told.append(now.listed))
    assert not rest.more
    assert len(told) > 2
    loaded = rows(admin, connection)
    assert (
        partly.rows["messages"] + rest.rows["messages"]
        == len(loaded)
        == provider.state()["twilio_sms"]
    )


def test_a_pause_ends_a_pull_with_its_step(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of one that a job has begun; a command that somebody runs meanwhile goes on."""
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 10)
    monkeypatch.setattr(twilio_sms, "STEP_SECONDS", 0.0)
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    steps: list[int | None] = []

    def pausing(now: Progress) -> None:
        steps.append(now.listed)
        set_paused(admin, connection, paused=True)

    assert pull(settings, connection, progress=pausing, budget_seconds=600).more
    assert len(steps) == 1
    assert not pull(settings, connection).more
    assert len(rows(admin, connection)) == provider.state()["twilio_sms"]


def test_a_dead_page_address_starts_the_list_again(
    settings: Settings,
    admin: psycopg.Connection[Any],
    twilio: Twilio,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twilio_sms, "STEP_SECONDS", 0.0)
    messages = [
        {
            "sid": f"SM{number:032x}",
            "date_sent": format_datetime(datetime.now(UTC)),
            "num_media": "0",
        }
        for number in range(2)
    ]
    twilio.answers["/Messages.json"] = [
        (
            200,
            {},
            {
                "messages": messages[:1],
                "next_page_uri": f"/2010-04-01/Accounts/{twilio.keys['account_sid']}/Messages.json?PageToken=2",
            },
        ),
        (200, {}, {"messages": messages[:1], "next_page_uri": None}),
        (200, {}, {"messages": messages, "next_page_uri": None}),
    ]
    twilio.answers["/Messages.json?PageToken=2"] = [(400, {}, {"code": 20001, "status": 400})]
    for message in messages:
        twilio.answers[f"/Messages/{message['sid']}.json"] = [(200, {}, message)]
    connection = connect("twilio_sms", twilio.keys)
    assert not pull(settings, connection).more
    assert len(rows(admin, connection)) == 2


def test_a_new_message_and_a_look_back_in_one_step_load_it_once(
    settings: Settings,
    provider: Simulator,
    connect: Callable[..., str],
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    pull(settings, connection)
    provider.message(channel="twilio_sms", sender="+61491570110", body="are you open?")
    assert pull(settings, connection, since=LONG_AGO).rows["messages"] == 1


def test_a_resumed_step_asks_for_pages_alone(
    settings: Settings,
    admin: psycopg.Connection[Any],
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the steps before have loaded is not missing from the pages of this one."""
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 100)
    monkeypatch.setattr(twilio_sms, "STEP_SECONDS", 0.0)
    # Every step also reads what is new: the last 30 minutes, of these messages all.
    newest = datetime.now(UTC) - timedelta(hours=1)
    with running(StandIn([messages(500, newest)])) as twilio:
        connection = connect("twilio_sms", twilio.keys)
        pull(settings, connection)
        assert len(rows(admin, connection)) == 500
        assert rows(admin, connection, "removals") == []
        assert set(twilio.asked) == {"list Messages"}
        twilio.asked.clear()
        # From a day on again, in steps, over what is held by now.
        assert pull(settings, connection, since=LONG_AGO).rows == {"messages": 0, "removals": 0}
        assert set(twilio.asked) == {"list Messages"}
        assert not twilio.refused


def test_what_is_gone_below_a_step_is_noticed_by_the_next(
    settings: Settings,
    admin: psycopg.Connection[Any],
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 100)
    shelf = messages(400, datetime.now(UTC) - timedelta(hours=1))
    with running(StandIn([shelf])) as twilio:
        connection = connect("twilio_sms", twilio.keys)
        pull(settings, connection)
        monkeypatch.setattr(twilio_sms, "STEP_SECONDS", 0.0)
        # The look for news reaches over all of them: only the look-back is to notice it.
        monkeypatch.setattr(twilio_sms, "OVERLAP", timedelta(seconds=10))
        gone = shelf.records.pop(250)
        del shelf.by_sid[gone.sid]
        twilio.asked.clear()
        told = pull(settings, connection, since=LONG_AGO)
        assert told.rows == {"messages": 0, "removals": 1}
        assert rows(admin, connection, "removals") == [(gone.sid,)]
        assert twilio.asked["one of Messages"] == 1
        assert not twilio.refused


def test_a_state_of_former_versions_goes_on(
    settings: Settings,
    admin: psycopg.Connection[Any],
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They did not keep where a step stopped."""
    monkeypatch.setattr(twilio_api, "PAGE_SIZE", 100)
    monkeypatch.setattr(twilio_sms, "STEP_SECONDS", 0.0)
    taken = twilio_sms.step

    def without_before(*arguments: Any) -> Any:
        listed = yield from taken(*arguments)
        (arguments[2]["backfill"] or {}).pop("before", None)
        return listed

    with running(StandIn([messages(300, datetime.now(UTC) - timedelta(hours=1))])) as twilio:
        connection = connect("twilio_sms", twilio.keys)
        with monkeypatch.context() as former:
            former.setattr(twilio_sms, "step", without_before)
            assert pull(settings, connection, budget_seconds=0).more
        assert not pull(settings, connection).more
        assert len(rows(admin, connection)) == 300
        assert rows(admin, connection, "removals") == []
