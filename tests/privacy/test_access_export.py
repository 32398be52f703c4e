"""What one customer is given of what is held about them: complete, readable, and without what is other people's."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from media.store import MediaStore
from privacy import access_export, breach
from tests.dbt_project import raw_rows, six_channels
from tests.dbt_project.raw_rows import inbound, mail
from warehouse import decisions
from warehouse.events import Actor, record
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

PIA = Actor(name="pia", role="privacy_officer")
Database = psycopg.Connection[Any]


def test_everything_of_one_person_and_nothing_of_another(
    settings: Settings, admin: Database, fold_now: Callable[[], int], tmp_path: Path
) -> None:
    raw_rows.add_connections(admin)
    six_channels.add_connections(admin)
    for row in (
        inbound(1, body="=HYPERLINK(\"http://example.com\")"), inbound(2, body="<script>alert(1)</script> مرحبا"), inbound(3, media=1),
        inbound(4, From="+61491570157", body="of another person"),
        mail(1, sender="sam@example.org", cc=("kim@example.net",)),
        six_channels.call_event(1, "completed", sender="+61491570006", duration=20),
    ):  # fmt: skip
        row.insert(admin)
    fold_now()
    sha256 = MediaStore(settings.media_root).store(b"a picture")
    admin.execute(
        "insert into jobs.media (message_id, attachment_id, channel, connection_id, state, sha256)"
        " select message_id, attachment_id, channel, connection_id, 'stored', %s from canonical.attachments where channel = 'twilio_sms'",
        [sha256],
    )
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        customer = decisions.create_customer(app, PIA, "Sam <b>Example</b>")
        for identity in ("phone:+61491570006", "email:sam@example.org"):
            decisions.link(app, PIA, identity, customer, reason="said so")
        decisions.note(app, PIA, "likes <i>tea</i>", customer_id=customer)
    seen: list[tuple[int, int]] = []
    out = tmp_path / "sam.zip"
    done = access_export.export(settings, PIA, customer, out, lambda *told: seen.append(told))

    held = admin.execute(
        "select message_id from marts.timeline where customer_id = %s", [customer]
    ).fetchall()
    assert seen[-1] == (len(held), len(held))
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        messages = [json.loads(line) for line in archive.read("messages.json").splitlines()]
        lines = list(csv.DictReader(io.StringIO(archive.read("messages.csv").decode("utf-8-sig"))))
        page = archive.read("READ ME.html").decode()
        about = json.loads(archive.read("about.json"))
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
        (file,) = (name for name in archive.namelist() if name.startswith("files/"))
        assert archive.read(file) == b"a picture"
    assert sorted(message["message_id"] for message in messages) == sorted(
        found for (found,) in held
    )
    assert (len(lines), done.messages, done.files) == (len(held), len(held), 1)
    assert [each["sent_at"] for each in messages] == sorted(each["sent_at"] for each in messages)
    # Nothing runs: not in a spreadsheet, not in a browser.
    assert any(line["body"].startswith("'=HYPERLINK") for line in lines)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>Example" not in page
    assert "<i>tea" not in page
    # Another person's address is not theirs to be given.
    assert "kim@example.net" not in everything
    assert "of another person" not in everything
    assert done.redacted == 1
    assert {each["identity"] for each in about["identities"]} == {
        "phone:+61491570006",
        "email:sam@example.org",
    }
    assert {"customer.create", "identity.link", "privacy.export"} <= {
        each["action"] for each in about["shown_to"]
    }
    assert admin.execute(
        "select customer_ids from crm.events where action = 'privacy.export'"
    ).fetchall() == [([customer],)]
    with pytest.raises(Refused, match="no customer"):
        access_export.export(settings, PIA, "nobody", tmp_path / "nobody.zip")
    with pytest.raises(Refused, match="no folder"):
        access_export.export(settings, PIA, customer, tmp_path / "nowhere" / "sam.zip")
    assert [file.name for file in tmp_path.glob("*.zip*")] == ["sam.zip"]


def test_whom_an_account_saw_is_what_a_scan_of_the_log_says(
    settings: Settings, admin: Database
) -> None:
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        for number in range(60):
            actor = Actor(
                name=("mia", "mallory")[number % 2], role="agent", ip=f"192.0.2.{number % 3}"
            )
            customers = [f"c{each}" for each in range(number % 5)]
            object_type = ("customer", "identity", "saved view")[number % 3]
            record(
                app,
                actor.event("timeline.view", object_type, f"o{number % 4}", customer_ids=customers),
            )
    admin.execute("alter table crm.events disable trigger events_append_only")
    admin.execute("update crm.events set at = now() - (random() * interval '10 days')")
    admin.execute("alter table crm.events enable trigger events_append_only")
    until = datetime.now(UTC) - timedelta(days=2)
    since = until - timedelta(days=5)
    with psycopg.connect(settings.url_for(Role.APP)) as app:
        found = breach.seen_by(app, "mallory", since, until)
        with pytest.raises(Refused, match="after"):
            breach.seen_by(app, "mallory", until, since)
    scanned: dict[tuple[Any, ...], int] = {}
    for actor_name, at, object_type, object_id, customers in admin.execute(
        "select actor, at, object_type, object_id, customer_ids from crm.events"
    ).fetchall():
        if actor_name == "mallory" and since <= at < until:
            people = [(each, None, None) for each in customers]
            if not customers and object_type == "identity":
                people = [(None, object_type, object_id)]
            for each in people:
                scanned[each] = scanned.get(each, 0) + 1
    assert scanned
    assert {
        (row["customer_id"], row["object_type"], row["object_id"]): row["times"] for row in found
    } == scanned
