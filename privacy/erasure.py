"""Rows of raw taken away: deliveries whole or in part, rows of histories; and what the next fold forgets.

Within a transaction of the caller's. Deciding what is to go is destruction's, retention's and the sweep's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from privacy.deliveries import Entry, NotJson, entries, parse, remainder
from warehouse.notices import Notice
from warehouse.queries import queries
from warehouse.schemes import schemes

SQL = queries("privacy")
DELIVERIES = "raw.webhook_deliveries"
#: An address that is shorter is not looked for within other texts: it would be found in what is somebody else's.
SHORTEST_SOUGHT = 8
#: Channel, sometimes a mailbox, and the provider's id.
MOST_PARTS = 2
#: No id and no address of a provider is longer (dbt_project/macros/bounded.sql).
LONGEST_KEY = 600

Database = psycopg.Connection[Any]


@dataclass
class Subject:
    """What is to go: messages, and where a person goes, how they are known."""

    certificate_id: str
    #: (message_id, channel, until): `until` of the receipts of a thread.
    messages: list[tuple[str, str, str | None]] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    #: Threads and conversations that are theirs alone.
    threads: list[str] = field(default_factory=list)
    #: How people were written who were destroyed before, where that stands beside a message of theirs.
    known_addresses: list[str] = field(default_factory=list)

    @property
    def message_ids(self) -> list[str]:
        return [message_id for message_id, _, _ in self.messages]

    @property
    def provider_ids(self) -> list[str]:
        """The providers' own ids of the messages. An id that we made of other facts has more parts."""
        return [
            message_id.rpartition("|")[2]
            for message_id, _, until in self.messages
            if until is None and message_id.count("|") <= MOST_PARTS
        ]

    @property
    def addresses(self) -> list[str]:
        """How the person is written in payloads."""
        return sorted({form for identity in self.identities for form in written(identity)})

    @property
    def objects(self) -> list[str]:
        """Whatever a decision or an event may be about."""
        return sorted({*self.customers, *self.identities, *self.threads, *self.message_ids})

    @property
    def patterns(self) -> list[str]:
        """For `ilike any`: an address or a customer's id within a longer text, also as an address of a page has it."""
        sought = {*self.addresses, *self.customers}
        return _patterns(sought | {each.replace("@", "%40") for each in sought if "@" in each})

    @property
    def name_patterns(self) -> list[str]:
        """The same of whole names: for what was searched for and what views are called, not for what others wrote."""
        return _patterns({each for each in self.names if " " in each.strip()})


def _patterns(sought: Iterable[str]) -> list[str]:
    return sorted(
        "%" + each.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        for each in sought
        if len(each) >= SHORTEST_SOUGHT
    )


@dataclass
class Erased:
    """What was taken out of raw."""

    raw_rows: list[str] = field(default_factory=list)
    redacted: int = 0
    by_table: dict[str, int] = field(default_factory=dict)
    #: connection and key of deliveries of which something went.
    keys: list[tuple[str, str]] = field(default_factory=list)
    #: Files that rows of histories named.
    files: set[str] = field(default_factory=set)
    #: Rows in which an address of theirs stands within what is somebody else's.
    mentions: int = 0


def written(identity: str) -> set[str]:
    """The value of an identity as payloads have it: of a number also the digits alone."""
    scheme, _, rest = identity.partition(":")
    known = schemes().get(scheme)
    value = rest.rpartition(":")[2] if known and known.scope else rest
    return {value.casefold(), value.casefold().removeprefix("+")} - {""}


def erase(database: Database, subject: Subject, besides: Collection[str] = ()) -> Erased:
    """Take what the subject names out of raw.

    besides: rows of raw that are known to hold something of it.
    """
    erased = Erased()
    rows = database.execute(SQL["references"], {"messages": subject.message_ids}).fetchall()
    references = {row for (row,) in rows}.union(besides)
    waiting = _erase_deliveries(database, subject, references, erased)
    _erase_histories(database, subject, references, erased)
    # Of what went some was of messages that never came: only a status of them was known.
    known = set(subject.message_ids)
    for message_id, channel in database.execute(
        SQL["waiting_of"], {"ids": sorted(waiting), "messages": subject.message_ids}
    ).fetchall():
        if message_id not in known:
            subject.messages.append((message_id, channel, None))
    return erased


def entomb(database: Database, subject: Subject, erased: Erased) -> None:
    """Have the gate hold all of it back from now on, and the next fold forget it."""
    values = [
        *((message_id, "message" if until is None else "receipts", until) for message_id, _, until in subject.messages),
        *((f"delivery|{connection}|{key}", "delivery", None) for connection, key in erased.keys),
        *((f"customer|{each}", "customer", None) for each in subject.customers),
        *((f"identity|{each}", "identity", None) for each in subject.identities),
        *((f"address|{each}", "address", None) for each in subject.addresses),
    ]  # fmt: skip
    database.execute(
        SQL["entomb"],
        {
            "values": [value for value, _, _ in values],
            "kinds": [kind for _, kind, _ in values],
            "untils": [until for _, _, until in values],
            "certificate_id": subject.certificate_id,
        },
    )
    forget(database, [(each, channel) for each, channel, _ in subject.messages], erased.raw_rows)


def forget(
    database: Database, messages: Sequence[tuple[str, str]], raw_rows: Sequence[str]
) -> None:
    """What the next fold takes out of the tables."""
    forgotten = {("message", message_id): channel for message_id, channel in messages}
    forgotten |= {("raw row", row): "" for row in raw_rows}
    if forgotten:
        database.execute(
            SQL["forget"],
            {
                "kinds": [kind for kind, _ in forgotten],
                "keys": [key for _, key in forgotten],
                "channels": list(forgotten.values()),
            },
        )
        # With the commit.
        database.execute(f"notify {Notice.FOLD}".encode())


# -- deliveries ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Delivery:
    delivery_id: str
    received_at: Any
    channel: str
    connection_id: str
    delivery_key: str
    body: bytes
    payload: str | None

    @property
    def raw_row(self) -> str:
        return f"{DELIVERIES}/{self.delivery_id}"

    def text(self) -> str | None:
        """The exact bytes, where they are JSON that the database can hold; else the payload that was read."""
        try:
            text = bytes(self.body).decode()
            parse(text)
        except (UnicodeDecodeError, NotJson):
            return self.payload
        return self.payload if "\\u0000" in text or "\x00" in text else text


def _erase_deliveries(
    database: Database, subject: Subject, references: Iterable[str], erased: Erased
) -> set[str]:
    """Returns the ids in our words of whatever stood in what went."""
    referred = {row.partition("/")[2] for row in references if row.startswith(f"{DELIVERIES}/")}
    theirs = {
        each.casefold()
        for each in (*subject.addresses, *subject.known_addresses, *subject.provider_ids)
    }
    waiting: set[str] = set()
    gone: list[_Delivery] = []
    found = _deliveries(database, subject, referred)
    living = _living(database, subject, found)
    for delivery in found:
        text = delivery.text()
        prefix = f"{delivery.channel}|"

        def is_kept(entry: Entry, prefix: str = prefix) -> bool:
            return any(prefix + each in living for each in entry.texts)

        if text is None:
            # Nothing can be read in it: what is known of it is that it is theirs, or that their address stands in it.
            gone.append(delivery)
            continue
        every = entries(parse(text))
        left = remainder(text, theirs, is_kept)
        if left.is_changed:
            waiting.update(prefix + each for each in left.gone if len(each) <= LONGEST_KEY)
            if left.text is None:
                gone.append(delivery)
            else:
                database.execute(
                    SQL["redact_delivery"],
                    {
                        "text": left.text,
                        "received_at": delivery.received_at,
                        "delivery_id": delivery.delivery_id,
                    },
                )
                erased.redacted += 1
                erased.keys.append((delivery.connection_id, delivery.delivery_key))
        elif delivery.delivery_id in referred and not any(map(is_kept, every)):
            # What it tells has no id of its own in it.
            gone.append(delivery)
        else:
            erased.mentions += 1
    database.execute(SQL["erase_deliveries"], {"delivery_ids": [each.delivery_id for each in gone]})
    erased.keys += [(each.connection_id, each.delivery_key) for each in gone]
    database.execute(
        SQL["erase_keys"],
        {
            "connection_ids": [each.connection_id for each in gone],
            "delivery_keys": [each.delivery_key for each in gone],
        },
    )
    erased.raw_rows += [each.raw_row for each in gone]
    if gone:
        erased.by_table[DELIVERIES] = len(gone)
    return waiting


def _deliveries(database: Database, subject: Subject, referred: Collection[str]) -> list[_Delivery]:
    """Those that are named, and those in which an address or an id of theirs stands; the oldest first."""
    asked = {
        "delivery_ids": sorted(referred),
        "patterns": subject.patterns,
        "messages": subject.message_ids,
        "provider_ids": subject.provider_ids,
    }
    ways = ["deliveries_by_id"]
    ways += ["deliveries_by_address"] if subject.patterns else []
    ways += ["deliveries_by_id_within"] if subject.provider_ids else []
    found: dict[str, _Delivery] = {}
    for way in ways:
        for row in database.execute(SQL[way], asked).fetchall():
            found[row[0]] = _Delivery(*row)
    return sorted(found.values(), key=lambda each: (each.received_at, each.delivery_id))


def texts_of(database: Database, raw_rows: Collection[str]) -> set[tuple[str, str]]:
    """Every value that stands in these deliveries, with the channel."""
    ids = [row.partition("/")[2] for row in raw_rows if row.startswith(f"{DELIVERIES}/")]
    found: set[tuple[str, str]] = set()
    for row in database.execute(SQL["deliveries_by_id"], {"delivery_ids": ids}).fetchall():
        delivery = _Delivery(*row)
        text = delivery.text()
        if text is not None:
            for entry in entries(parse(text)):
                found |= {
                    (delivery.channel, each) for each in entry.texts if len(each) <= LONGEST_KEY
                }
    return found


def _living(database: Database, subject: Subject, found: Collection[_Delivery]) -> set[str]:
    """Of all ids that stand in these deliveries those of messages that are to stay."""
    candidates: set[str] = set()
    for delivery in found:
        text = delivery.text()
        if text is not None:
            for entry in entries(parse(text)):
                candidates |= {
                    f"{delivery.channel}|{each}"
                    for each in entry.texts
                    if 0 < len(each) <= LONGEST_KEY
                }
    rows = database.execute(
        SQL["living"], {"ids": sorted(candidates), "messages": subject.message_ids}
    ).fetchall()
    return {message_id for (message_id,) in rows}


# -- histories -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _History:
    schema: str
    name: str
    columns: frozenset[str]
    has_staging: bool

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def channel(self) -> str:
        return self.schema.removeprefix("raw_")

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def staging(self) -> sql.Identifier:
        return sql.Identifier(f"{self.schema}_staging", self.name)


def histories(database: Database) -> list[_History]:
    """Every table of every history."""
    return [
        _History(schema, name, frozenset(columns), has_staging)
        for schema, name, columns, has_staging in database.execute(SQL["histories"]).fetchall()
    ]


def _erase_histories(
    database: Database, subject: Subject, references: Iterable[str], erased: Erased
) -> None:
    referred: dict[str, set[str]] = {}
    for row in references:
        table, _, row_id = row.partition("/")
        referred.setdefault(table, set()).add(row_id)
    for history in histories(database):
        ids = set(referred.get(history.full_name, ()))
        ids |= _rows_by_id(database, history, subject)
        if subject.patterns:
            ids |= _rows_by_address(database, history, subject, ids, erased)
        if ids:
            _erase_rows(database, history, sorted(ids), erased)
        if history.has_staging:
            _empty_staging(database, history)


def _rows_by_id(database: Database, history: _History, subject: Subject) -> set[str]:
    """Rows about these messages, found by the provider's id: changes, removals, what was never made a copy of."""
    # Of a channel whose ids are a mailbox's own the mailbox is a part of the id.
    prefix = f"{history.channel}|"
    rests = [each.removeprefix(prefix) for each in subject.message_ids if each.startswith(prefix)]
    found: set[str] = set()
    for column in sorted({"id", "sid", "call_sid"} & history.columns):
        key = sql.Identifier(column)
        told = (
            sql.SQL("lower(mailbox) || '|' || {}").format(key)
            if "mailbox" in history.columns
            else key
        )
        last = sorted({each.rpartition("|")[2] for each in rests})
        statement = sql.SQL("select _dlt_id from {} where {} = any(%s) and {} = any(%s)").format(
            history.table, key, told
        )
        found |= {row for (row,) in database.execute(statement, [last, rests]).fetchall()}
    return found


def _rows_by_address(
    database: Database, history: _History, subject: Subject, known: set[str], erased: Erased
) -> set[str]:
    """Rows in which the person's address stands, unless a message that is to stay is made of them."""
    statement = sql.SQL("select _dlt_id from {} as stored where stored::text ilike any(%s)").format(
        history.table
    )
    found = {row for (row,) in database.execute(statement, [subject.patterns]).fetchall()} - known
    if not found:
        return found
    kept = {
        row.partition("/")[2]
        for (row,) in database.execute(
            SQL["referred_by_others"],
            {
                "raw_rows": [f"{history.full_name}/{each}" for each in sorted(found)],
                "messages": subject.message_ids,
            },
        ).fetchall()
    }
    erased.mentions += len(kept)
    return found - kept


def _erase_rows(database: Database, history: _History, ids: Sequence[str], erased: Erased) -> None:
    hashed = "raw_sha256" if "raw_sha256" in history.columns else "null"
    statement = sql.SQL("delete from {} where _dlt_id = any(%s) returning _dlt_id, {}").format(
        history.table, sql.Identifier(hashed) if hashed != "null" else sql.NULL
    )
    gone = database.execute(statement, [list(ids)]).fetchall()
    erased.raw_rows += [f"{history.full_name}/{row_id}" for row_id, _ in gone]
    erased.files |= {file for _, file in gone if file}
    if gone:
        erased.by_table[history.full_name] = len(gone)


def _empty_staging(database: Database, history: _History) -> None:
    """What the last load left beside its table. A load under way holds a lock (pipelines/destination.py)."""
    (is_free,) = database.execute(
        "select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"load {history.schema}"]
    ).fetchone() or (False,)
    if is_free:
        database.execute(sql.SQL("delete from {}").format(history.staging))


def as_json(value: Any) -> str:
    """One spelling, for a hash."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
