"""Mails that nobody wrote, through parser, raw rows, fold and page: none breaks anything, none is lost, none hides another.

    CRM_FUZZED_MAILS=20000 python -m pytest -s tests/test_mail_fuzz.py      the full number
    CRM_FUZZ_SEED=2 …                                                       other mails

Half of them are mails of the corpus bent at random, half are put together from pieces that break readers. Among them,
in each batch, stand mails of the corpus as they are: what becomes of these must not depend on their neighbours.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as hypothesis_settings
from psycopg.rows import dict_row

from app.views import list_html, message_html
from app.views.sight import Sight
from mail.reader import CPU_SECONDS, MODES, MailReader
from pipelines.gmail_rows import references
from tests.app.drawn import ATTRIBUTES, SYDNEY, TAGS, Elements
from tests.dbt_project.raw_rows import add_connections, mail
from tests.payloads.gmail.bent import bent, made_up
from tests.payloads.gmail.mails import MAILS
from transform.models import Models

#: Read before the tests' own environment is made.
FUZZED = int(os.environ.get("CRM_FUZZED_MAILS", "300"))
SEED = int(os.environ.get("CRM_FUZZ_SEED", "1"))
BATCH = 2000
#: Of the corpus, in each batch.
NEIGHBOURS = [each.raw for each in MAILS[::9]]
SENT_OF_TEN = 2
LEFT_OUT = set(MODES.values())
Database = psycopg.Connection[Any]


@dataclass
class Fuzz:
    """Reads mails one by one, keeps their rows for landing, and remembers the slowest."""

    reader: MailReader
    rows: list[dict[str, Any]] = field(default_factory=list)
    slowest: float = 0.0
    parts: int = 0
    landed: int = 0
    _labels: random.Random = field(default_factory=lambda: random.Random(3))

    def take(self, raw: bytes, *, is_neighbour: bool = False) -> str:
        """Its row, after what must hold of every mail was looked at; returns the id."""
        started = time.monotonic()
        columns = self.reader.columns(raw)
        self.slowest = max(self.slowest, time.monotonic() - started)
        notes = columns["parse_notes"]
        assert not LEFT_OUT.intersection(notes), raw
        assert not any("could not be" in note and "address" not in note for note in notes), raw
        assert columns["body_text"] is not None or columns["attachments"] or notes, raw
        for file in columns["attachments"]:
            content = self.reader.part(raw, file["part_id"])
            assert content is not None, raw
            assert hashlib.sha256(content).hexdigest() == file["sha256"], raw
            self.parts += 1
        number = self.landed = self.landed + 1
        is_sent = not is_neighbour and self._labels.randrange(10) < SENT_OF_TEN
        row = {
            **dict(mail(number, labels=("SENT",) if is_sent else ("INBOX",), sent=number).columns),
            **columns,
            **references(columns["envelope"]),
            "thread_id": f"t{number}",
            "version": str(number),
            "_dlt_id": str(number),
            "_dlt_load_id": "1",
        }
        self.rows.append(
            {
                name: json.dumps(value) if isinstance(value, dict | list) else value
                for name, value in row.items()
            }
        )
        return str(row["id"])

    def land(self, admin: Database, rows: list[dict[str, Any]]) -> None:
        names = list(rows[0])
        statement = (
            f"insert into raw_gmail.messages ({', '.join(names)})"
            f" values ({', '.join(f'%({name})s' for name in names)})"
        )
        with admin.transaction(), admin.cursor() as cursor:
            cursor.executemany(statement, rows)  # type: ignore[arg-type]


@pytest.fixture
def fuzz() -> Iterator[Fuzz]:
    with MailReader() as reader:
        yield Fuzz(reader)


def neighbours(admin: Database, ids: list[str]) -> list[tuple[Any, ...]]:
    """What became of these mails, without what differs from one landing to the next."""
    return admin.execute(
        """
        select
            direction, from_address, from_name, to_addresses, subject, body, quoted_body, status, provider_metadata - 'raw_sha256',
            counterpart_identity like 'unknown:%%',
            array(
                select attachment - 'attachment_id' - 'source' from jsonb_array_elements(attachments) with ordinality as listed (attachment, position)
                order by position
            )
        from canonical.messages
        where provider_message_id = any(%s)
        order by provider_message_id
        """,
        [ids],
    ).fetchall()


def draw(rows: list[dict[str, Any]]) -> None:
    """Each as a card: no exception, and nothing in it that others wrote became an element."""
    sight = Sight(zone=SYDNEY, now=datetime.now(UTC))
    for row in rows:
        drawn = message_html.message(row, sight)
        assert drawn.startswith("<article")
        found = Elements(drawn)
        assert set(found.tags) <= TAGS, row["message_id"]
        assert set(found.attributes) <= ATTRIBUTES | {"rel"}, row["message_id"]
        assert all(
            address.startswith(("/message?", "/mail?", "/attachment?", "#m", "http://", "https://"))
            for address in found.attributes.get("href", [])
        )
        line = {**row, "identity": row["counterpart_identity"], "display_name": row["from_name"]}
        line |= {"last_inbound_at": row["sent_at"], "message_count": 1}
        assert set(Elements(list_html.waiting(line, SYDNEY, sight.now)).tags) <= TAGS


@pytest.mark.timeout(600 + FUZZED // 10)
def test_fuzzed_mails_break_nothing_and_each_stands_on_a_page(
    admin: Database, serving_models: Models, fold_now: Callable[[], int], fuzz: Fuzz
) -> None:
    add_connections(admin)
    chance = random.Random(SEED)
    for _ in range(FUZZED // 2):
        fuzz.take(bent(chance))

    @seed(SEED)
    @hypothesis_settings(
        max_examples=FUZZED - FUZZED // 2,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(made_up())
    def read(raw: bytes) -> None:
        fuzz.take(raw)

    read()
    fuzzed, fuzz.rows = fuzz.rows, []
    alone = [fuzz.take(raw, is_neighbour=True) for raw in NEIGHBOURS]
    fuzz.land(admin, fuzz.rows)
    fold_now()
    expected = neighbours(admin, alone)
    assert len(expected) == len(NEIGHBOURS)

    for first in range(0, len(fuzzed), BATCH):
        fuzz.rows = fuzzed[first : first + BATCH]
        among = [fuzz.take(raw, is_neighbour=True) for raw in NEIGHBOURS]
        chance.shuffle(fuzz.rows)
        fuzz.land(admin, fuzz.rows)
        fold_now()
        assert neighbours(admin, among) == expected
        with psycopg.connect(
            admin.info.dsn, password=admin.info.password, row_factory=dict_row
        ) as reader:
            rows = reader.execute(
                "select messages.*, null as answered_message_id from marts.messages as messages"
                " where provider_message_id = any(%s)",
                [[row["id"] for row in fuzz.rows]],
            ).fetchall()
        assert {row["provider_message_id"] for row in rows} == {row["id"] for row in fuzz.rows}
        draw(rows)
    assert admin.execute(
        "select (select count(*) from canonical.messages where content_order is not null),"
        " (select count(*) from canonical.set_aside), (select count(*) from canonical.quarantine)"
    ).fetchone() == (fuzz.landed, 0, 0)
    serving_models.invoke("test", "--select", "assert_every_shown_message_stands_on_a_page")
    print(
        f"{len(fuzzed)} fuzzed mails with {fuzz.parts} parts, {fuzz.landed} landed; the slowest took {fuzz.slowest:.2f} s"
    )
    assert fuzz.slowest < CPU_SECONDS + 5
