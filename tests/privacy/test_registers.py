"""The registers against the warehouse and the program: nothing is kept, and nobody is called, that does not stand there."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from privacy import register
from tests.privacy.registers import SPEC, tables, written
from tests.test_conventions import tracked
from warehouse.channels import registry

#: Documents, and what nobody calls: an issuer's name, an example of a webhook.
NOT_CALLED = {"accounts.google.com", "demo.twilio.com", "www.twilio.com"}


def test_every_column_is_classified_once(admin: psycopg.Connection[Any]) -> None:
    there = {
        (f"{schema}.{name}", column)
        for schema, name, column in admin.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_schema in ('marts', 'crm', 'privacy') and table_name !~ '^events_(default|y?20)'"
        ).fetchall()
    }
    listed = [(each.relation, column) for each in register.data_map() for column in each.columns]
    assert sorted(there - set(listed)) == [], "a line of privacy/registers/data_map.csv is missing"
    assert sorted(set(listed) - there) == [], "these are no more"
    assert sorted({each for each in listed if listed.count(each) > 1}) == []
    for each in register.data_map():
        assert each.class_ in register.CLASSES, each
        assert each.retention in {*register.KEPT, *register.SHORT}, each
        assert each.purpose, each
        assert each.recipients, each
    # A column that nobody has thought of is found.
    admin.execute("create table privacy.invention (name text)")
    assert ("privacy.invention", "name") not in listed


def test_every_host_that_is_called_is_registered() -> None:
    known = {each.host for each in register.hosts()}
    media = {host for channel in registry().values() for host in channel.media_hosts}
    said = {
        host
        for file in tracked("providers/*.py", "pipelines/*.py", "media/*.py", "webhooks/*.py", "worker/*.py", "warehouse/*.py")
        for host in re.findall(r"""["']https://([a-z0-9.-]+\.[a-z]+)["'/]""", file.read_text())
        if not host.endswith("example.com")
    }  # fmt: skip
    assert {"graph.facebook.com", "gmail.googleapis.com", "www.googleapis.com"} <= said
    assert sorted((media | said) - known - NOT_CALLED) == []
    for each in register.hosts():
        assert all((each.whose, each.country, each.why, each.data, each.basis)), each


def test_the_registers_are_the_ones_that_are_written_down() -> None:
    assert written(SPEC.read_text()) == tables(), (
        "write them anew: python -m tests.privacy.registers"
    )
