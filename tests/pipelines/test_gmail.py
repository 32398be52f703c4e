"""A mailbox: pulled whole, followed by its history, and made whole again when the history has expired."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from media.store import MediaStore
from pipelines import gmail_steps
from pipelines.pull import pull
from providers.failures import NeedsAdmin
from providers.google import client as gmail_api
from simulator.server import Simulator
from warehouse.settings import Settings
from worker.watch import renew

Database = psycopg.Connection[Any]
NOTHING = {"changes": 0, "messages": 0, "send_as": 0}


@pytest.fixture
def mailbox(provider: Simulator, connect: Callable[..., str]) -> str:
    return connect("gmail", provider.accounts["gmail"])


def mails(admin: Database, connection: str) -> list[tuple[Any, ...]]:
    return admin.execute(
        """
        select id, version, raw_sha256, raw_size_bytes, label_ids, body_text, transaction_id::text
        from raw_gmail.messages where connection_id = %s order by 1, 2
        """,
        [connection],
    ).fetchall()


def changes(admin: Database, connection: str, identity: str) -> list[tuple[str, Any]]:
    return admin.execute(
        """
        select change, label_ids from raw_gmail.changes where connection_id = %s and id = %s
        order by history_id::numeric, change
        """,
        [connection, identity],
    ).fetchall()


def write(provider: Simulator, body: str = "hello", **more: Any) -> str:
    made = provider.message(
        channel="gmail", sender="Sam Citizen <sam@example.com>", body=body, **more
    )
    return str(made["id"])


def test_pages_load_and_a_second_run_inserts_nothing(
    settings: Settings, admin: Database, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gmail_api, "LIST_SIZE", 20)
    first = pull(settings, mailbox)
    loaded = mails(admin, mailbox)
    assert first.rows["messages"] == len(loaded) == len({identity for identity, *_ in loaded}) > 30
    assert first.rows["send_as"] == 3
    store = MediaStore(settings.media_root)
    for _, _, sha256, size, *_ in loaded[:5]:
        raw = store.read(sha256)
        assert (hashlib.sha256(raw).hexdigest(), len(raw)) == (sha256, size)
    assert pull(settings, mailbox).rows == NOTHING
    assert pull(settings, mailbox, since=datetime.now(UTC) - timedelta(days=900)).rows == NOTHING
    assert mails(admin, mailbox) == loaded


def test_raw_bytes_are_those_of_the_provider(
    settings: Settings, admin: Database, provider: Simulator, mailbox: str
) -> None:
    raw = b"From: sam@example.com\r\nSubject: raw\r\n\r\nbytes \xff\xfe\r\n"
    made = provider.message(
        channel="gmail", sender="sam@example.com", raw_base64=base64.b64encode(raw).decode()
    )
    pull(settings, mailbox)
    ((sha256,),) = [(row[2],) for row in mails(admin, mailbox) if row[0] == made["id"]]
    assert MediaStore(settings.media_root).read(sha256) == raw


def test_new_mail_labels_and_deletion_follow_by_history(
    settings: Settings, admin: Database, provider: Simulator, mailbox: str
) -> None:
    pull(settings, mailbox)
    identity = write(provider, "new words")
    assert pull(settings, mailbox).rows["messages"] == 1
    provider.labels(identity, add=["TRASH"], remove=["INBOX"])
    provider.delete("gmail", identity)
    pull(settings, mailbox)
    told = changes(admin, mailbox, identity)
    assert next(change for change, _ in told) == "added"
    assert [change for change, _ in told][-1] == "removed"
    assert any("TRASH" in (labels or []) for _, labels in told)
    assert [row[5] for row in mails(admin, mailbox) if row[0] == identity] == ["new words"]


def test_spam_is_fetched_when_the_label_goes(
    settings: Settings, admin: Database, provider: Simulator, mailbox: str
) -> None:
    pull(settings, mailbox)
    identity = write(provider, "not really spam", labels=["SPAM", "UNREAD"])
    assert pull(settings, mailbox).rows["messages"] == 0
    provider.labels(identity, add=["INBOX"], remove=["SPAM"])
    assert pull(settings, mailbox).rows["messages"] == 1
    assert next(row[4] for row in mails(admin, mailbox) if row[0] == identity).count("INBOX") == 1


def test_an_expired_history_is_made_up_for_without_doubles(
    settings: Settings, admin: Database, provider: Simulator, mailbox: str
) -> None:
    kept, binned, removed = (write(provider, text) for text in ("kept", "binned", "removed"))
    pull(settings, mailbox)
    before = mails(admin, mailbox)
    missed = write(provider, "written while the cursor was dead")
    provider.labels(binned, add=["TRASH"], remove=["INBOX"])
    provider.delete("gmail", removed)
    provider.faults(expire_history_before="now")
    result = pull(settings, mailbox)
    assert not result.more
    assert result.rows["messages"] == 1
    after = mails(admin, mailbox)
    assert [row for row in after if row[0] != missed] == before
    assert [change for change, _ in changes(admin, mailbox, removed)] == ["missing"]
    assert changes(admin, mailbox, kept) == []
    ((change, labels),) = changes(admin, mailbox, binned)
    assert change == "labels_added"
    assert "TRASH" in labels
    assert pull(settings, mailbox).rows == NOTHING
    provider.faults(expire_history_before="now")
    assert pull(settings, mailbox).rows == NOTHING


def test_a_storm_of_rate_limits_is_sat_out(
    settings: Settings, admin: Database, provider: Simulator, mailbox: str
) -> None:
    provider.faults(gmail_rate_limit=0.2, http_429=2, http_500=2)
    pull(settings, mailbox)
    provider.faults(gmail_rate_limit=0)
    assert pull(settings, mailbox).rows == NOTHING
    assert len(mails(admin, mailbox)) > 30


def test_an_expired_access_token_is_renewed(
    settings: Settings, provider: Simulator, mailbox: str
) -> None:
    pull(settings, mailbox)
    provider.faults(expire_access_tokens=True)
    write(provider)
    assert pull(settings, mailbox).rows["messages"] == 1


def test_a_dead_refresh_token_is_said_in_words(
    settings: Settings, admin: Database, provider: Simulator, mailbox: str
) -> None:
    provider.faults(invalid_grant=1.0)
    with pytest.raises(NeedsAdmin, match=r"invalid_grant.*consent"):
        pull(settings, mailbox)
    ((error,),) = admin.execute(
        "select error from jobs.connection_health where connection_id = %s", [mailbox]
    ).fetchall()
    assert provider.accounts["gmail"]["refresh_token"] not in error
    provider.faults(invalid_grant=0)
    pull(settings, mailbox)
    assert admin.execute(
        "select error, last_succeeded_at is not null from jobs.connection_health where connection_id = %s",
        [mailbox],
    ).fetchall() == [(None, True)]


def test_new_mail_shows_before_a_long_first_pull_is_over(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    mailbox: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gmail_api, "BATCH_SIZE", 5)
    monkeypatch.setattr(gmail_steps, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(gmail_steps, "FIRST_STEP_SECONDS", 0.0)
    newest = write(provider, "the newest")
    first = pull(settings, mailbox, budget_seconds=0)
    assert first.more
    assert [row[0] for row in mails(admin, mailbox)].count(newest) == 1
    during = write(provider, "written during the pull")
    second = pull(settings, mailbox, budget_seconds=0)
    assert second.more
    assert during in [row[0] for row in mails(admin, mailbox)]
    rest = pull(settings, mailbox)
    identities = [row[0] for row in mails(admin, mailbox)]
    assert len(identities) == len(set(identities))
    assert first.rows["messages"] + second.rows["messages"] + rest.rows["messages"] == len(
        identities
    )
    assert pull(settings, mailbox).rows == NOTHING


def test_the_watch_is_renewed_for_a_week(
    settings: Settings, admin: Database, provider: Simulator, mailbox: str
) -> None:
    ends = renew(settings, mailbox)
    assert timedelta(days=6) < ends - datetime.now(UTC) < timedelta(days=8)
    ((expires,),) = admin.execute(
        "select detail ->> 'expires_ms' from jobs.connection_health where connection_id = %s and job = 'watch'",
        [mailbox],
    ).fetchall()
    assert int(expires) == provider.state()["watch_until_ms"]
