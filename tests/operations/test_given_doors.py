"""What one program is given: its own role and keys; who gets into one is not in the others."""

from __future__ import annotations

import psycopg
import pytest

from operations.runtime import prepare
from operations.runtime.programs import NEEDS, Ports, programs
from warehouse import connections
from warehouse.sealing import PASTED, PASTED_PUBLIC
from warehouse.settings import Role, Settings, SettingsError


def settings_of(name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As the program itself reads them."""
    (program,) = [
        each
        for each in programs(settings, Ports(base=20_000), demo=False, messages=0)
        if each.name == name
    ]
    assert program.given is not None
    for variable in ("CRM_DATABASE_URL", "CRM_MASTER_KEY"):
        monkeypatch.setenv(variable, "of the owner")
    given = program.environment | program.given()
    assert settings.master_keys[0] not in str(given)
    assert settings.admin_url not in str(given)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    return Settings(_env_file=None)  # type: ignore[call-arg]


def test_each_program_has_its_own_doors_and_no_other(
    settings: Settings, admin: psycopg.Connection[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The master key of a data folder must not stand in for what was not given.
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    purposes = {
        connections.SECRETS, connections.SIGNING, PASTED, PASTED_PUBLIC, "session cookie name", "news ticket",
        "second factor",
    }  # fmt: skip
    for name, needs in NEEDS.items():
        its = settings_of(name, settings, monkeypatch)
        for role in Role:
            if role in needs.roles:
                psycopg.connect(its.url_for(role)).close()
            else:
                with pytest.raises(SettingsError):
                    its.url_for(role)
        with pytest.raises(SettingsError):
            _ = its.master_keys
        for purpose in purposes:
            if purpose in needs.purposes:
                assert its.derived(purpose) == settings.derived(purpose)
            else:
                with pytest.raises(SettingsError):
                    its.derive(purpose)


def test_the_receiver_opens_what_proves_and_nothing_else(
    settings: Settings, admin: psycopg.Connection[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = connections.add(
        admin, settings, channel="messenger", name="Page", actor="test",
        values={"app_secret": "proves-a-delivery", "access_token": "reads-everything", "page_id": "1"},
    )  # fmt: skip
    its = settings_of("receiver", settings, monkeypatch)
    with psycopg.connect(its.url_for(Role.RECEIVER), row_factory=psycopg.rows.dict_row) as database:
        row = database.execute(
            connections.SQL["one_to_verify"], {"connection_id": made.connection_id}
        ).fetchone()
        assert row is not None
        opened = connections.open_row(row, its, connections.SIGNING)
        assert opened.secrets.keys() == {"app_secret", "verify_token"}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.execute(
                connections.SQL["one_connection"], {"connection_id": made.connection_id}
            )
    # What a former version stored is sealed at the next migration.
    admin.execute("update crm.connections set signing = null")
    connections.seal_signing(admin, settings)
    assert admin.execute(
        "select count(*) from crm.connections where signing is null"
    ).fetchone() == (0,)


def test_a_container_reads_its_doors_from_a_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = settings.data_dir / "keys"
    prepare.keys(settings, str(folder))
    for name, needs in NEEDS.items():
        file = folder / name / "env"
        assert file.stat().st_mode & 0o777 == 0o600
        its = Settings(_env_file=file)  # type: ignore[call-arg]
        for role in needs.roles:
            assert its.url_for(role) == settings.url_for(role)
        for purpose in needs.purposes:
            assert its.derived(purpose) == settings.derived(purpose)
