"""Many events over six channels, each delivered several times, shuffled and all at once: one correspondence comes of it.

    CRM_TEST_EVENTS=100000 CRM_TEST_SPLITS=20 python -m pytest -s tests/test_any_order.py

The receiver lands what the simulated providers send, the pipelines pull what they hold. Then the same raw rows go into
other warehouses, in other orders, by several writers at once, with folds at other moments in between: every table
that dbt derives must come out the same. So must a rebuild, in the long form: in each run tests/dbt_project/test_fold.py
rebuilds six channels at once, and tests/webhooks/test_samples.py every sample.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.pull import pull
from simulator import server
from tests.long_form import LONG
from tests.raw_rows import RawRows
from tests.template import Template
from tests.webhooks.conftest import serve
from transform import fold
from transform.build import build
from transform.models import Models
from warehouse import connections
from warehouse.channels import registry
from warehouse.settings import Settings

EVENTS = int(os.environ.get("CRM_TEST_EVENTS", "1000" if LONG else "600"))
SPLITS = int(os.environ.get("CRM_TEST_SPLITS", "3" if LONG else "1"))
FOLDS = 20 if EVENTS >= 100_000 else 3
#: What dbt derives. `folded_in` names a fold and not a message.
DERIVED = (
    "messages", "message_participants", "threads", "conversations", "identities", "aliases", "attachments", "same_as", "quarantine",
)  # fmt: skip
HASH = """
    select count(*), coalesce(sum(hashtextextended((to_jsonb(derived) - 'folded_in')::text, 0)::numeric), 0)::text
    from canonical.{} as derived
"""
Hashes = dict[str, tuple[int, str]]


def hashes(admin: psycopg.Connection[Any]) -> Hashes:
    return {name: admin.execute(HASH.format(name)).fetchone() for name in DERIVED}  # type: ignore[misc]


def folded(settings: Settings) -> None:
    """In a session of its own: the warehouse of a split is a new one."""
    with fold.connect(settings) as database:
        found = fold.standing(database)
        assert found is not None
        fold.Fold(database, found[1]).until_done()


def connected(
    admin: psycopg.Connection[Any], settings: Settings, simulator: server.Simulator, base_url: str
) -> dict[str, str]:
    """Every channel's account, its webhooks coming to us: channel -> connection id."""
    ids = {}
    for channel, keys in simulator.accounts.items():
        values = dict(keys)
        if "push_audience" in values:
            values["push_audience"] = base_url
        made = connections.add(
            admin, settings, channel=channel, name="", values=values, actor="test"
        )
        ids[channel] = made.connection_id
        connection = connections.find(admin, settings, made.connection_id)
        assert connection is not None
        url = base_url + connections.webhook_path(connection)
        if "push_audience" in values:
            simulator.subscribe(url, base_url)
        else:
            simulator.point(channel, url, connection.value("verify_token") or "")
    return ids


def pulled(settings: Settings, ids: dict[str, str], *providers: str) -> None:
    for channel, connection_id in ids.items():
        if registry()[channel].pulls and registry()[channel].provider in providers:
            pull(settings, connection_id)


@pytest.mark.timeout(120 + EVENTS * SPLITS // 50)
def test_many_events_in_any_order_are_one_correspondence(
    template: Template,
    settings: Settings,
    models: Models,
    tmp_path: Path,
) -> None:
    with (
        server.start(seed=7, messages=300, state_dir=tmp_path / "simulator") as simulator,
        psycopg.connect(settings.admin_url, autocommit=True) as admin,
    ):
        with serve(settings) as receiver:
            ids = connected(admin, receiver.settings, simulator, receiver.base_url)
            # Conversations first: Meta lets nobody ask often, and the burst brings hundreds.
            pulled(settings, ids, "meta")
            simulator.rehearse()
            told = simulator.burst(
                EVENTS, seed=3, duplicate_max=7, shuffle=True, batch=3, connections=32
            )
            print(told)
            assert told["refused"] == 0
            assert set(told["messages"]) == set(registry())
        pulled(settings, ids, "google", "twilio")
        folded(settings)
        expected = hashes(admin)
        print("in the order of arrival", expected)
        compare(admin, simulator.truth())
        raw = RawRows(admin, tmp_path)
    for split in range(SPLITS):
        template.clone()
        raw.pour(
            settings.admin_url,
            split,
            lambda: folded(settings),
            random.Random(split).randint(1, FOLDS),
        )
        folded(settings)
        with psycopg.connect(settings.admin_url, autocommit=True) as admin:
            found = hashes(admin)
            print("split", split, found == expected)
            assert found == expected, f"split {split}"
            if EVENTS >= 100_000 or (LONG and split == SPLITS - 1):
                assert build(settings, models).is_equal
                assert hashes(admin) == expected, f"the rebuild of split {split}"


def compare(admin: psycopg.Connection[Any], truth: list[dict[str, Any]]) -> None:
    """What the providers know is on timelines; the burst's own messages, which number themselves, as they were said."""
    shown = {
        (channel, identity): {"direction": direction, "body": body}
        for channel, identity, direction, body in admin.execute(
            "select channel, provider_message_id, direction, body from marts.messages"
        ).fetchall()
    }
    numbered = [message for message in truth if (message["body"] or "").startswith("#")]
    assert len(numbered) > EVENTS // 4
    wrong = [
        (message, shown.get((message["channel"], message["id"])))
        for message in numbered
        if shown.get((message["channel"], message["id"]))
        != {key: message[key] for key in ("direction", "body")}
    ]
    missing = [
        message
        for message in truth
        if (message["channel"], message["id"]) not in shown and not nobody_may_have(message)
    ]
    assert (wrong, missing) == ([], [])


def nobody_may_have(message: dict[str, Any]) -> bool:
    """Drafts, spam and bin are none of ours; what was unsent before anybody listened is in no history."""
    return (
        bool({"DRAFT", "SPAM", "TRASH"} & set(message.get("labels", ()))) or message["body"] is None
    )
