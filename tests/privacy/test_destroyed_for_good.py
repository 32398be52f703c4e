"""The customer of the demonstration, on six channels, with files: destroyed, and everything done that could bring them back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from media.fetch import fetch
from media.store import MediaStore
from pipelines.pull import pull
from privacy import destruction
from privacy.erasure import SHORTEST_SOUGHT
from privacy.sweep import sweep
from simulator import server
from tests.privacy.residue import residue, words_in_dump
from tests.privacy.test_destruction import DELIVERED, insert_again
from tests.test_any_order import connected, folded, pulled
from tests.webhooks.conftest import serve
from transform.build import build
from transform.models import Models
from warehouse import decisions
from warehouse.channels import registry
from warehouse.events import Actor
from warehouse.queries import queries
from warehouse.settings import Role, Settings
from webhooks.replay import replay

OFFICER = Actor(name="pia", role="privacy_officer")
NAME = "Mai Tran"
MEDIA = queries("media")
#: Where nothing of what others wrote stands.
OURS = ("crm.", "jobs.", "privacy.", "canonical.identities", "canonical.search_people")
LONG_AGO = datetime(2004, 1, 1, tzinfo=UTC)
OF_OTHERS = """
    select message_id, to_jsonb(messages) - 'folded_in' as columns from canonical.messages as messages
    where message_id <> all(%s) and content_order is not null
"""

#: What they said, in every version, unless somebody else says the same; and the transcripts of their calls.
WORDS_OF = """
    with said as (
        select body as text, message_id from canonical.messages where content_order is not null
        union all
        select subject, message_id from canonical.messages where content_order is not null
        union all
        select body, message_id from marts.message_revisions
    )

    select distinct text from said
    where message_id = any(%(messages)s) and length(text) > 15 and not exists (
        select from said as others
        where others.message_id <> all(%(messages)s) and position(lower(said.text) in lower(others.text)) > 0
    )
"""
#: Files by whether a message of theirs, somebody else's, or both need them.
FILES = """
    select sha256, bool_or(message_id = any(%(messages)s)), bool_or(message_id <> all(%(messages)s))
    from (
        select sha256, message_id from jobs.media
        union
        select raw_sha256, 'gmail|' || lower(mailbox) || '|' || id from raw_gmail.messages
    ) as needed
    where sha256 is not null
    group by 1
"""
SHARE_A_FILE = """
    insert into jobs.media (message_id, attachment_id, channel, connection_id, state, sha256)
    select others.message_id, 'the same', others.channel, media.connection_id, 'stored', media.sha256
    from (select * from jobs.media where message_id = any(%(messages)s) and sha256 is not null order by sha256 limit 1) as media
    cross join (
        select message_id, channel from canonical.messages
        where message_id <> all(%(messages)s) and content_order is not null order by message_id limit 1
    ) as others
"""

Database = psycopg.Connection[Any]


Rows = dict[str, dict[str, Any]]


def changes(before: Rows, now: Rows, *but: str) -> dict[str, dict[str, Any]]:
    """Which columns of which messages are otherwise than before, with both."""
    found = {
        message_id: {
            column: (value, now.get(message_id, {}).get(column))
            for column, value in columns.items()
            if column not in but and now.get(message_id, {}).get(column) != value
        }
        for message_id, columns in before.items()
    }
    return {message_id: columns for message_id, columns in found.items() if columns}


def fetched(settings: Settings, admin: Database, ids: dict[str, str]) -> None:
    """Files of the last messages, as the worker fetches them."""
    admin.execute(MEDIA["note_media"], {"since": None})
    for connection_id in ids.values():
        fetch(settings, connection_id, budget_seconds=20)


def a_customer(settings: Settings, admin: Database, hero: dict[str, Any]) -> str:
    """The person with all their addresses, and everything of theirs linked, tagged, noted, assigned, saved, put off."""
    written = [str(hero[key]) for key in ("phone", "email", "bsuid", "igsid", "psid") if hero[key]]
    identities = [
        identity
        for (identity,) in admin.execute(
            "select identity from canonical.identities where regexp_replace(identity, '^.*:', '') = any(%s)", [written]
        ).fetchall()
    ]  # fmt: skip
    admin.execute(
        "insert into crm.users (user_name, display_name, email, role, password_hash) values ('mia', 'Mia', 'mia@example.com', 'agent', 'none')"
    )
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        customer = decisions.create_customer(app, OFFICER, NAME)
        for identity in identities:
            decisions.link(app, OFFICER, identity, customer, reason=f"{NAME} said so")
        ((message,),) = app.execute(
            "select min(message_id) from marts.timeline where customer_id = %s", [customer]
        ).fetchall()
        conversations = app.execute(
            "select conversation_id from marts.conversations where customer_id = %s", [customer]
        ).fetchall()
        decisions.tag(app, OFFICER, message, "bike")
        for (conversation,) in conversations:
            decisions.tag(app, OFFICER, conversation, "family")
            decisions.assign(app, OFFICER, conversation, assignee="mia", note=f"ring {NAME}")
        decisions.note(app, OFFICER, f"{NAME} comes on Saturday", customer_id=customer)
        decisions.save_view(
            app, OFFICER, f"of {NAME}", page="timeline", query=f"customer={customer}", customer_ids=[customer]
        )  # fmt: skip
    admin.execute("set search_path = jobs, public")
    admin.execute(
        "insert into jobs.procrastinate_jobs (task_name, queue_name, args) values ('forget', 'slow', %s)",
        [Jsonb({"told": hero["email"]})],
    )
    admin.execute("reset search_path")
    return customer


def test_nothing_brings_a_destroyed_customer_back(
    settings: Settings, models: Models, tmp_path: Path
) -> None:
    with (
        server.start(seed=7, messages=150, state_dir=tmp_path / "simulator") as simulator,
        psycopg.connect(settings.admin_url, autocommit=True) as admin,
    ):
        with serve(settings) as receiver:
            ids = connected(admin, receiver.settings, simulator, receiver.base_url)
            pulled(settings, ids, "meta")
            simulator.rehearse()
            simulator.burst(60, seed=3, duplicate_max=2, shuffle=True, batch=3, connections=8)
        # Now of all of them what histories say of what webhooks told: pulling it anew brings nothing new of others.
        pulled(settings, ids, "meta", "google", "twilio")
        folded(settings)
        fetched(settings, admin, ids)
        customer = a_customer(
            settings, admin, next(each for each in simulator.people() if each["name"] == NAME)
        )
        with destruction.destroying(settings) as database:
            found = destruction.find(database, customer)
        subject, messages = found.subject, found.subject.message_ids
        assert set(found.by_channel) == set(registry())
        # A file that the store keeps once, because somebody else was sent the same.
        of_another = {"messages": messages}
        admin.execute(SHARE_A_FILE, of_another)
        files = admin.execute(FILES, of_another).fetchall()
        shared = {sha256 for sha256, is_theirs, is_others in files if is_theirs and is_others}
        assert len(shared) == 1
        delivered = admin.execute(DELIVERED).fetchall()
        others = dict(admin.execute(OF_OTHERS, [messages]).fetchall())
        assert len(others) > 100
        stored = set(MediaStore(settings.media_root).every())
        said = {text for (text,) in admin.execute(WORDS_OF, of_another).fetchall()}
        words = {
            customer, *subject.threads, *subject.provider_ids, *said,
            *(each for each in subject.addresses if len(each) >= SHORTEST_SOUGHT),
        }  # fmt: skip
        assert len(said) > 50
        namesakes = {
            identity
            for (identity,) in admin.execute(
                "select identity from canonical.search_people where strpos(name, %s) > 0 and identity <> all(%s)",
                [NAME.casefold(), subject.identities],
            ).fetchall()
        }
        # The words are those that stand there.
        assert words_in_dump(settings, words) == words

        certificate = destruction.destroy(settings, OFFICER, customer, "a request of the 28th")

        assert residue(settings, words) == []
        # The name is other people's, too: only what is ours may not name this one, but for namesakes in search.
        named = [place for place in residue(settings, [NAME]) if place.startswith(OURS)]
        assert [
            place for place in named if not any(f" of {each}: " in place for each in namesakes)
        ] == []
        now = dict(admin.execute(OF_OTHERS, [messages]).fetchall())
        assert (changes(others, now), now.keys()) == ({}, others.keys())
        assert certificate.counts["attachments"] > 0
        gone = {sha256 for sha256, is_theirs, is_others in files if is_theirs and not is_others}
        assert set(MediaStore(settings.media_root).every()) == stored - gone
        assert gone & stored

        # The same webhooks again, every delivery read anew, every history from its beginning, every file.
        insert_again(admin, delivered)
        with admin.transaction():
            replay(admin, since=LONG_AGO)
        brought = {
            channel: sum(pull(settings, connection_id, LONG_AGO).rows.values())
            for channel, connection_id in ids.items()
            if registry()[channel].pulls
        }
        assert all(brought.values()), brought
        folded(settings)
        fetched(settings, admin, ids)
        assert sweep(settings) > len(found.by_channel)
        assert build(settings, models).is_equal
        assert sweep(settings) == 0
        assert residue(settings, words) == []
        now = dict(admin.execute(OF_OTHERS, [messages]).fetchall())
        # A copy more adds where it lies, and changes nothing else.
        assert (changes(others, now, "facts"), now.keys()) == ({}, others.keys())
        assert set(MediaStore(settings.media_root).every()) == stored - gone
