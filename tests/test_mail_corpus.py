"""The whole corpus of mails through mailbox, pull, fold and page: each is shown somewhere, and each can be drawn."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from app.views import message_html
from app.views.sight import Sight
from pipelines.pull import pull
from simulator import server
from simulator.server import Simulator
from tests.app.drawn import SYDNEY
from tests.payloads.gmail.mails import MAILS
from warehouse import connections
from warehouse.settings import Settings


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Simulator]:
    with server.start(seed=11, messages=20, state_dir=tmp_path / "provider") as running:
        yield running


def test_every_mail_of_the_corpus_is_pulled_folded_found_and_drawn(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    fold_now: Callable[[], int],
) -> None:
    mailbox = connections.add(
        admin,
        settings,
        channel="gmail",
        name="test",
        values=provider.accounts["gmail"],
        actor="test",
    ).connection_id
    arrived = {
        str(
            provider.message(
                channel="gmail",
                sender="sam@example.com",
                raw_base64=base64.b64encode(mail.raw).decode(),
            )["id"]
        ): mail
        for mail in MAILS
        # Gmail holds no mail of no bytes.
        if mail.raw
    }
    pull(settings, mailbox)
    fold_now()
    with psycopg.connect(
        admin.info.dsn, password=admin.info.password, row_factory=dict_row
    ) as reader:
        rows = reader.execute(
            "select messages.*, null as answered_message_id from marts.messages as messages"
            " where provider_message_id = any(%s)",
            [list(arrived)],
        ).fetchall()
    assert {row["provider_message_id"] for row in rows} == set(arrived)
    queue = admin.execute(
        """
        select messages.provider_message_id
        from canonical.messages as messages
        join canonical.message_participants as people on people.message_id = messages.message_id and not people.is_ours
        join canonical.identities as identities on identities.identity = people.identity
        where messages.provider_message_id = any(%s) and identities.last_inbound_at is not null
        """,
        [list(arrived)],
    ).fetchall()
    assert {identity for (identity,) in queue} == set(arrived)
    sight = Sight(zone=SYDNEY, now=datetime.now(UTC))
    for row in rows:
        drawn = message_html.message(row, sight)
        assert drawn.startswith("<article")
        expected = arrived[row["provider_message_id"]].expected
        if isinstance(expected.get("note"), str):
            assert expected["note"] in drawn
