"""A warehouse with models, people and correspondence for the tests of the app.

Messages are written as a provider's history would be: raw rows, which the fold turns into messages at once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psycopg
import pytest

from warehouse.channels import registry

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from app.access.sessions import Viewer
    from tests.app.browsing import Person
    from warehouse.settings import Settings

ACCOUNT = "AC" + "5" * 32
OUR_NUMBER = "+61255501000"
OUR_MAILBOX = "help@example.com"


#: Of everybody who signs in.
PASSWORD = "correct horse battery"


@cache
def _hashed(password: str) -> str:
    # As `passwords.hash_password` makes them, but for the quarter of a second that each of those costs on purpose.
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()


@dataclass
class Correspondence:
    """Writes what a person wrote to us and what we wrote, as history rows."""

    settings: Settings
    #: Brings what landed into the tables.
    fold: Callable[[], int]
    #: As where the fold runs beside; otherwise a test folds when it wants to.
    folds_at_once: bool = True
    sms_connection: str = ""
    mail_connection: str = ""
    _mails: int = field(default=0)
    #: One for all that a test writes: a new one for each statement costs it as much as the statement.
    _session: psycopg.Connection[Any] | None = field(default=None)

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """As the owner: tests may look and change where no program may."""
        cursor = self.session().execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def session(self) -> psycopg.Connection[Any]:
        """Of the owner, each statement its own transaction; a new one where a test has ended it."""
        if self._session is None or self._session.closed:
            # Unprepared: a test may change a table between two of the same statements.
            self._session = psycopg.connect(
                self.settings.admin_url, autocommit=True, prepare_threshold=None
            )
        return self._session

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def connect_channels(self) -> None:
        from warehouse import connections

        with psycopg.connect(self.settings.admin_url) as owner:
            self.sms_connection = connections.add(
                owner, self.settings, channel="twilio_sms", name="SMS", actor="test",
                values={"account_sid": ACCOUNT, "auth_token": "t" * 32, "numbers": OUR_NUMBER},
            ).connection_id  # fmt: skip
            self.mail_connection = connections.add(
                owner, self.settings, channel="gmail", name="Mail", actor="test",
                values={
                    "address": OUR_MAILBOX,
                    "push_audience": "https://example.com/push",
                    "push_service_account": "push@example.com",
                },
            ).connection_id  # fmt: skip

    def sms(
        self,
        number: str,
        body: str,
        at: datetime,
        *,
        ours: bool = False,
        status: str | None = None,
        sid: str | None = None,
        media: list[dict[str, Any]] | None = None,
        **more: Any,
    ) -> str:
        """One version of an SMS; returns its SID. A newer version of a SID says a newer status."""
        sid = sid or "SM" + secrets.token_hex(16)
        payload = {
            "sid": sid,
            "account_sid": ACCOUNT,
            "from": OUR_NUMBER if ours else number,
            "to": number if ours else OUR_NUMBER,
            "direction": "outbound-api" if ours else "inbound",
            "body": body,
            "status": status or ("delivered" if ours else "received"),
            "date_sent": format_datetime(at),
            "date_created": format_datetime(at),
            "date_updated": format_datetime(datetime.now(UTC)),
            "num_media": str(len(media or [])),
            **more,
        }
        version = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        self.execute(
            "insert into raw_twilio_sms.messages (connection_id, sid, version, payload, media, pulled_at, _dlt_id, _dlt_load_id)"
            " values (%s, %s, %s, %s, %s, now(), %s, '1')",
            [
                self.sms_connection,
                sid,
                version,
                json.dumps(payload),
                json.dumps(media or []),
                secrets.token_hex(16),
            ],
        )
        self._landed()
        return sid

    def remove_sms(self, sid: str) -> None:
        self.execute(
            "insert into raw_twilio_sms.removals (connection_id, sid, noticed_at, _dlt_id, _dlt_load_id)"
            " values (%s, %s, now(), %s, '1')",
            [self.sms_connection, sid, secrets.token_hex(16)],
        )
        self._landed()

    def mail(
        self,
        address: str,
        subject: str,
        body: str,
        at: datetime,
        *,
        name: str = "",
        ours: bool = False,
        quoted: str | None = None,
        attachments: list[dict[str, Any]] | None = None,
        raw_sha256: str = "",
        columns: dict[str, Any] | None = None,
    ) -> str:
        """One mail; `columns` stand instead of what is made of the other arguments."""
        self._mails += 1
        mail_id = secrets.token_hex(8)
        them, us = {"name": name, "address": address}, {"name": "Help", "address": OUR_MAILBOX}
        envelope = {
            "from": us if ours else them,
            "to": [them if ours else us],
            "cc": [],
            "bcc": [],
            "reply_to": [],
            "subject": subject,
            "message_id": f"<{mail_id}@example.com>",
        }
        row: dict[str, Any] = {
            "connection_id": self.mail_connection, "mailbox": OUR_MAILBOX, "id": mail_id, "thread_id": mail_id,
            "history_id": str(self._mails), "label_ids": ["SENT"] if ours else ["INBOX"],
            "internal_date": str(int(at.timestamp() * 1000)), "version": secrets.token_hex(32),
            "raw_sha256": raw_sha256 or secrets.token_hex(32), "raw_size_bytes": len(body), "envelope": envelope, "body_text": body,
            "body_quoted": quoted, "body_format": "plain", "attachments": attachments or [], "parser_version": 1, "parse_notes": [],
            "pulled_at": datetime.now(UTC), "size_estimate": 1, "_dlt_id": secrets.token_hex(16), "_dlt_load_id": "1",
            **(columns or {}),
        }  # fmt: skip
        self.execute(
            f"insert into raw_gmail.messages ({', '.join(row)}) values ({', '.join(f'%({name})s' for name in row)})",
            {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()},
        )  # fmt: skip
        self._landed()
        return mail_id

    def raw_mail(self, raw: bytes, at: datetime, *, ours: bool = False) -> str:
        """A mail from its bytes, read and stored as a pull does it; returns its id."""
        from mail.parse import parse
        from media.store import MediaStore
        from pipelines.gmail_rows import references

        columns = parse(raw).columns()
        return self.mail(
            "sam@example.com",
            "",
            "",
            at,
            ours=ours,
            raw_sha256=MediaStore(self.settings.media_root).store(raw),
            columns={**columns, **references(columns["envelope"])},
        )

    def connect(self, channel: str, **values: str) -> str:
        """A connection on another channel, with invented secrets; returns its id."""
        from warehouse import connections

        secrets_of = dict.fromkeys(registry()[channel].required_keys, "s" * 32)
        with psycopg.connect(self.settings.admin_url) as owner:
            return connections.add(
                owner, self.settings, channel=channel, name=registry()[channel].name, actor="test",
                values={**secrets_of, **values},
            ).connection_id  # fmt: skip

    def land(
        self,
        channel: str,
        connection_id: str,
        payload: dict[str, Any],
        *,
        at: datetime | None = None,
    ) -> str:
        """A delivery as the receiver lands it: a form for Twilio, JSON for Meta; returns its id."""
        delivery_id = str(uuid.uuid4())
        is_form = channel.startswith("twilio")
        body = urlencode(payload).encode() if is_form else json.dumps(payload).encode()
        self.execute(
            "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key, method,"
            " path, query, headers, content_type, body, payload)"
            " values (%s, %s, %s, %s, %s, 'POST', '/', '', %s, %s, %s, %s)",
            [
                delivery_id, at or datetime.now(UTC), channel, connection_id, delivery_id,
                json.dumps({"user-agent": "provider/1"}),
                "application/x-www-form-urlencoded" if is_form else "application/json", body, json.dumps(payload),
            ],
        )  # fmt: skip
        self._landed()
        return delivery_id

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written in the block is folded once, at its end: a fold for each of a hundred costs ten seconds."""
        at_once, self.folds_at_once = self.folds_at_once, False
        yield
        self.folds_at_once = at_once
        self._landed()

    def _landed(self) -> None:
        if self.folds_at_once:
            self.fold()

    def customer(self, name: str, *identities: str) -> str:
        customer_id = secrets.token_hex(16)
        self.execute(
            "insert into crm.customers (customer_id, name, created_by) values (%s, %s, 'test')",
            [customer_id, name],
        )
        for identity in identities:
            self.execute(
                "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
                " values (%s, %s, %s, %s, 'test', 'test')",
                [secrets.token_hex(16), secrets.token_hex(16), identity, customer_id],
            )
        return customer_id

    def user(self, name: str, role: str = "agent", password: str = PASSWORD) -> str:
        self.execute(
            "insert into crm.users (user_name, display_name, email, role, password_hash) values (%s, %s, %s, %s, %s)",
            [name, name.title(), f"{name}@example.com", role, _hashed(password)],
        )
        return name

    def signed_in(self, name: str, role: str = "agent") -> Viewer:
        """This person with a session of the id `session-<name>`; they are made, or given this role, where needed."""
        from app.access.roles import UserRole
        from app.access.sessions import Viewer

        session_id = f"session-{name}"
        self.execute(
            "insert into crm.users (user_name, display_name, email, role, password_hash) values (%s, %s, %s, %s, 'none')"
            " on conflict (user_name) do update set role = excluded.role",
            [name, name.title(), f"{name}@example.com", role],
        )
        self.execute(
            "insert into crm.sessions (session_id, token_hash, user_name, expires_at)"
            " values (%s, sha256(%s::bytea), %s, now() + interval '1 hour') on conflict do nothing",
            [session_id, session_id, name],
        )
        return Viewer(
            user_name=name,
            display_name=name.title(),
            role=UserRole(role),
            session_id=session_id,
            ip="127.0.0.1",
        )

    def events(self, action: str) -> list[dict[str, Any]]:
        with self.session().cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(
                "select * from crm.events where action = %s order by at", [action]
            ).fetchall()


@pytest.fixture
def correspondence(settings: Settings, fold_now: Callable[[], int]) -> Iterator[Correspondence]:
    """A writer of messages, with one connection on each channel; the app's modules use its warehouse."""
    from app import database

    database.use(settings)
    writer = Correspondence(settings, fold_now)
    writer.connect_channels()
    yield writer
    writer.close()
    database.close()


@pytest.fixture
def agent(correspondence: Correspondence) -> Viewer:
    """A person who may decide, signed in."""
    return correspondence.signed_in("agent")


@pytest.fixture
def address(correspondence: Correspondence, tmp_path: Path) -> Iterator[str]:
    """The app as a program of its own, on the warehouse of the test."""
    from tests.app.browsing import serving, usual_port

    correspondence.user("agent")
    port = usual_port()
    with serving(correspondence.settings, tmp_path, port=port, is_forked=True) as served:
        yield served


@pytest.fixture
def window(profile: BrowserContext, address: str) -> Iterator[Callable[..., Person]]:
    """Opens a window with a person in front of it, for whom nothing may go wrong or be loaded from elsewhere.

    `window(width=390, scheme="dark")`. All windows of a test are of one browser: they share who is signed in.
    """
    from tests.app import browsing

    opened: list[Person] = []

    def opens(**how: Any) -> Person:
        opened.append(browsing.Person(profile, address, **how))
        return opened[-1]

    yield opens
    try:
        for person in opened:
            assert person.elsewhere == []
            assert person.errors == []
    finally:
        browsing.forget(profile, address)


@pytest.fixture
def person(window: Callable[..., Person]) -> Person:
    """A person in front of a window that is neither wide nor narrow."""
    return window()
