"""A backup that is older than a destruction is restored: what was destroyed goes again."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from privacy import destruction, outside
from privacy.reapply import reapply
from tests.dbt_project import raw_rows
from tests.dbt_project.raw_rows import inbound, mail
from tests.privacy.residue import residue
from tests.template import Template
from transform.resident import take_in
from warehouse import decisions
from warehouse.events import Actor
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

PIA = Actor(name="pia", role="privacy_officer")
PHONE, ADDRESS = "+61491570006", "sam@example.org"
ANOTHER_KEY = "update privacy.tombstone_key set secret = %s, inner_pad = privacy.pad(%s, 54), outer_pad = privacy.pad(%s, 92)"


def filled(settings: Settings, customer: str | None = None) -> str:
    """What the backup holds: their messages, somebody else's, and what was decided."""
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        raw_rows.add_connections(admin)
        for row in (inbound(1), inbound(2, From="+61491570157"), mail(1, sender=ADDRESS)):
            row.insert(admin)
    take_in(settings)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        if customer is None:
            customer = decisions.create_customer(app, PIA, "Samira Citizen")
        else:
            # A restore keeps ids.
            app.execute(
                "insert into crm.customers (customer_id, name, created_by) values (%s, 'Samira Citizen', 'pia')", [customer]
            )  # fmt: skip
        for identity in (f"phone:{PHONE}", f"email:{ADDRESS}"):
            decisions.link(app, PIA, identity, customer, reason="Samira said so")
    return customer


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.admin_url) as admin:
        return admin.execute(query).fetchall()  # type: ignore[arg-type]


def test_what_a_restored_backup_brings_goes_again(template: Template, settings: Settings) -> None:
    customer = filled(settings)
    certificate = destruction.destroy(settings, PIA, customer, "asked for it")
    assert reapply(settings, PIA) == []
    # No word of theirs stands outside either.
    words = [customer, PHONE[1:], ADDRESS, "Samira", raw_rows.sid(1)]
    assert residue(settings, words) == []
    # A crash in the middle of a line leaves what came before.
    with outside.destroyed_file(settings).open("ab") as file:
        file.write(b'{"certificate": {"cert')

    template.clone()
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        # A backup from before there was a key: this warehouse made another one.
        admin.execute(ANOTHER_KEY, [b"k" * 32] * 3)
    filled(settings, customer)
    assert residue(settings, words) != []
    assert reapply(settings, PIA) == [certificate.certificate_id]
    assert residue(settings, words) == []
    assert rows(settings, "select provider_message_id from marts.messages") == [(raw_rows.sid(2),)]
    assert rows(settings, "select hash from privacy.certificates") == [(certificate.hash,)]
    assert reapply(settings, PIA) == []
    # And the gate holds what comes now.
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        inbound(1, copy=1).insert(admin)
    take_in(settings)
    assert rows(settings, "select provider_message_id from marts.messages") == [(raw_rows.sid(2),)]

    outside.key_file(settings).unlink()
    template.clone()
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute(ANOTHER_KEY, [b"k" * 32] * 3)
    with pytest.raises(Refused, match="another tombstone key"):
        reapply(settings, PIA)
