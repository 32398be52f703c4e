"""A warehouse of each former version, with what it held, brought to this one: nothing is lost, what comes next is shown.

`former/<version>.sql.xz` was written by that version itself: its demonstration, some live messages, what people had
decided, and pg_dump. `former/<version>.json` is what it showed: every message and its text.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pipelines.destination import prepare_all
from tests.dbt_project.raw_rows import add_connections, inbound
from tests.template import MASTER_KEY
from tests.warehouse.test_demotion import former
from transform.models import Models
from transform.resident import take_in
from warehouse import connections
from warehouse.migrate import migrate
from warehouse.postgres import Embedded
from warehouse.settings import Settings

FOLDER = Path(__file__).parent / "former"
VERSIONS = sorted(file.name.removesuffix(".sql.xz") for file in FOLDER.glob("*.sql.xz"))
#: What pg_dump leaves to whoever made the cluster.
ROLES = ("crm_receiver", "crm_loader", "crm_transformer", "crm_app", "crm_analyst")
#: Everything that people decided, and every byte that was received.
KEPT = (
    "select count(*), min(name), max(name) from crm.customers",
    "select count(*), min(identity), max(identity) from crm.identity_links where ended_at is null",
    "select count(*), min(user_name), max(password_hash) from crm.users",
    "select count(*), md5(string_agg(md5(body), '' order by delivery_id)) from raw.webhook_deliveries",
    "select count(*), md5(string_agg(sid, '' order by sid)) from raw_twilio_sms.messages",
    "select count(*), md5(string_agg(id, '' order by id)) from raw_gmail.messages",
    "select count(*), min(action), max(action) from crm.events",
)

__all__ = ["former"]


def test_every_version_that_was_released_is_tried() -> None:
    told = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    released = [line.split()[1] for line in told.splitlines() if line.startswith("## 0.")]
    assert sorted(released) == VERSIONS


@pytest.fixture(scope="module")
def parsed() -> Callable[[Settings, str], Models]:
    """dbt, parsed once for all versions: the project is the same, and so is the name of the database."""
    kept: list[Models] = []

    def models(settings: Settings, build: str) -> Models:
        if not kept:
            kept.append(Models(settings, build))
        kept[0].settings = settings
        return kept[0]

    return models


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_of_a_former_version_is_lost(
    version: str,
    former: Embedded,
    parsed: Callable[[Settings, str], Models],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transform.build.Models", parsed)
    settings = Settings(
        database_url=former.url_file.read_text().strip(),
        data_dir=former.data_dir,
        master_key=MASTER_KEY,
        _env_file=None,
    )  # type: ignore[call-arg]
    shown = json.loads((FOLDER / f"{version}.json").read_text())
    with psycopg.connect(former.superuser_url, autocommit=True) as superuser:
        superuser.execute("create database crm")
        for role in ROLES:
            superuser.execute(f"create role {role} login")  # type: ignore[arg-type]
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        owner.execute(lzma.decompress((FOLDER / f"{version}.sql.xz").read_bytes()))
    with psycopg.connect(settings.admin_url) as owner:
        kept = [owner.execute(query).fetchall() for query in KEPT]  # type: ignore[arg-type]
        assert len(shown) > 60
    # As `./crm up` begins.
    former.make_database()
    migrate(settings)
    prepare_all(settings)
    take_in(settings, timeout_seconds=120)
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        assert [owner.execute(query).fetchall() for query in KEPT] == kept  # type: ignore[arg-type]
        messages = "select message_id, body from marts.messages"
        assert dict(owner.execute(messages).fetchall()) == shown
        # Its connections still open, under the key that they were stored with.
        for opened in connections.every(owner, settings):
            assert opened.secrets
        add_connections(owner)
        inbound(99).insert(owner)
        take_in(settings)
        assert len(owner.execute(messages).fetchall()) == len(shown) + 1
    migrate(settings)
