"""Credentials are encrypted with a key from outside the database; keys are checked by name."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cryptography.fernet import InvalidToken

from warehouse import connections
from warehouse.settings import Settings, SettingsError

CANARY = "canary-7f3a91"


def add(admin: psycopg.Connection[Any], settings: Settings) -> connections.Connection:
    return connections.add(
        admin,
        settings,
        channel="twilio_sms",
        name="Shop",
        values={"account_sid": "AC" + "0" * 32, "auth_token": CANARY},
        actor="test",
    )


def test_a_connection_comes_back_as_it_was_made(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    made = add(admin, settings)
    found = connections.find(admin, settings, made.connection_id)
    assert found is not None
    assert found.required("auth_token") == CANARY
    assert found.value("verify_token")
    assert connections.webhook_path(found) == f"/webhooks/twilio_sms/{made.connection_id}"


def test_no_secret_lies_readable_in_the_database_or_in_a_representation(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    made = add(admin, settings)
    row = admin.execute(
        "select connections::text, convert_from(secrets, 'UTF8') from crm.connections"
    ).fetchone()
    assert row is not None
    assert CANARY not in row[0] + row[1]
    assert CANARY not in repr(made)


def test_a_rotated_master_key_still_opens_and_a_foreign_one_does_not(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    made = add(admin, settings)
    new = "another-invented-master-key-9876543210-zyx"
    rotated = settings.model_copy(
        update={"master_key": type(settings.master_key)(f"{new},{settings.master_keys[0]}")}
    )
    rotated.__dict__.pop("master_keys", None)
    assert connections.find(admin, rotated, made.connection_id).required("auth_token") == CANARY  # type: ignore[union-attr]
    foreign = settings.model_copy(update={"master_key": type(settings.master_key)(new)})
    foreign.__dict__.pop("master_keys", None)
    with pytest.raises(InvalidToken):
        connections.find(admin, foreign, made.connection_id)


@pytest.mark.parametrize(
    ("channel", "values", "named"),
    [
        ("twilio_sms", {"account_sid": "AC1"}, "missing: auth_token"),
        (
            "twilio_sms",
            {"account_sid": "AC1", "auth_token": "t", "colour": "red"},
            "unknown: colour",
        ),
        ("telegraph", {}, "unknown channel telegraph"),
    ],
)
def test_unknown_and_missing_keys_are_named(
    settings: Settings,
    admin: psycopg.Connection[Any],
    channel: str,
    values: dict[str, str],
    named: str,
) -> None:
    with pytest.raises(connections.UnusableConnection, match=named):
        connections.add(admin, settings, channel=channel, name="x", values=values, actor="test")


@pytest.mark.parametrize("key", ["", "short", "a" * 64])
def test_an_absent_or_weak_master_key_is_refused(settings: Settings, key: str) -> None:
    weak = Settings(data_dir=settings.data_dir, master_key=key, _env_file=None)
    with pytest.raises(SettingsError, match="CRM_MASTER_KEY"):
        _ = weak.master_keys
