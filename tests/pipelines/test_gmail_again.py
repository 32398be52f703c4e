"""Stored mails are read again by a better parser: counted, resumable, the old row kept, a rebuild the same.

CRM_MAILS_AGAIN=10000 python -m pytest tests/pipelines/test_gmail_again.py      the full number
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from mail.parse import PARSER_VERSION
from media.store import MediaStore
from pipelines import gmail_again
from pipelines.gmail_again import read_again
from tests.dbt_project.raw_rows import History, add_connections, mail
from tests.long_form import LONG
from transform.build import build
from transform.models import Models
from warehouse.settings import Settings

MAILS = int(os.environ.get("CRM_MAILS_AGAIN", "300"))


def test_stored_mails_are_read_again(
    settings: Settings,
    models: Models,
    admin: psycopg.Connection[Any],
    fold_now: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_connections(admin)
    store = MediaStore(settings.media_root)
    for number in range(MAILS):
        raw = (
            f"From: Sam <sam{number % 50}@example.org>\r\nTo: sales@example.com\r\nSubject: Order {number}\r\n"
            f"Message-ID: <m{number}@mail.example.org>\r\n\r\nwords of mail {number}\r\n"
        ).encode()
        row = dict(mail(number, body="as an older parser read it", thread=f"t{number}").columns)
        row |= {"raw_sha256": store.store(raw), "raw_size_bytes": len(raw)}
        History("raw_gmail.messages", tuple(row.items())).insert(admin)
    # One whose bytes are gone keeps its row.
    mail(MAILS, body="without bytes").insert(admin)
    fold_now()

    class Interrupted(Exception):
        pass

    def stop(_: object) -> None:
        raise Interrupted

    monkeypatch.setattr(gmail_again, "BATCH", 100)
    with pytest.raises(Interrupted):
        read_again(settings, stop)
    first = read_again(settings)
    assert (first.total, first.read, first.without_bytes) == (MAILS + 1 - 100, MAILS - 100, 1)
    assert read_again(settings).read == 0

    versions = admin.execute(
        "select parser_version, count(*) from raw_gmail.messages group by 1 order by 1"
    ).fetchall()
    assert versions == [(1, MAILS + 1), (PARSER_VERSION, MAILS)]
    fold_now()
    query = "select count(*), count(*) filter (where body like 'words of mail %') from canonical.messages"
    assert admin.execute(query).fetchone() == (MAILS + 1, MAILS)
    if LONG:
        rebuilt = build(settings, models)
        assert admin.execute(query).fetchone() == (MAILS + 1, MAILS)
        assert rebuilt.is_equal
