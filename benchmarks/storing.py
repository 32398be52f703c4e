"""Invented correspondence, written straight into raw in the shape that the two doors leave.

Of 100 messages 20 are incoming SMS by webhook (half of them in the history too), 15 outgoing SMS from the
history (a third with a delivered status by webhook), 15 mails from Gmail's history, 25 of WhatsApp (10 of them
echoes, each with a status), 10 calls (a third with a second leg), 10 of Messenger (3 of them echoes, a third of
these with a receipt of the thread) and 5 of Instagram. One customer, `BUSY`, has a known number of messages;
some twenty thousand others at a million messages share the rest.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "storing.sql").read_text())
SMS_CONNECTION, MAIL_CONNECTION = "be0c000000000001", "be0c000000000002"
VOICE_CONNECTION, WHATSAPP_CONNECTION = "be0c000000000003", "be0c000000000004"
MESSENGER_CONNECTION, INSTAGRAM_CONNECTION = "be0c000000000005", "be0c000000000006"
PHONE_NUMBER_ID, BUSINESS_ACCOUNT_ID = "106540352242922", "102290129340398"
PAGE_ID, INSTAGRAM_ACCOUNT_ID = "100200300400500", "17841400008460056"
ACCOUNT_SID = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
OUR_NUMBER = "+61491570156"
MAILBOX = "sales@example.com"
#: The customer with many messages.
BUSY = "customer-0"
MESSAGES_PER_CUSTOMER = 50
#: As many as there are numbers for fiction in the four ranges that are used.
MOST_CUSTOMERS = 40_000
#: Messages in one transaction, so that transaction ids spread as they do in use.
CHUNK = 5_000
#: A run with fewer stored messages tries the benchmark out: it repeats less, and its figures mean nothing.
TRIAL_MESSAGES = 10_000
YEAR_SECONDS = 365 * 24 * 3600
#: No message has a multiple of this as its number.
NEVER = 1 << 62


@dataclass
class Store:
    """What has been stored so far, by the number of the last message."""

    settings: Settings
    #: Messages of the first fill.
    messages: int
    #: How many of them are the busy customer's. No later fill gives them more.
    busy_messages: int
    last: int = 0

    @property
    def customers(self) -> int:
        most = max(self.messages, self.last) // MESSAGES_PER_CUSTOMER
        return max(3, min(MOST_CUSTOMERS, most))

    def prepare(self) -> None:
        """The function that invents, past partitions, connections, customers and their links."""
        with self._connect() as database:
            database.execute(SQL["make_correspondence"])
            for (statement,) in database.execute(SQL["past_partitions"], {}).fetchall():
                database.execute(statement)
            values = self._values() | {"customers": self.customers}
            database.execute(SQL["add_connections"], values)
            database.execute(SQL["add_customers"], values)

    def write_words(self) -> None:
        """Have texts whose words are as common as in a natural language; behind `prepare`, before the first fill."""
        with self._connect() as database:
            for statement in ("make_words", "keep_plain", "correspond_in_words"):
                database.execute(SQL[statement])

    def fill(self, messages: int | None = None) -> None:
        """Store up to so many messages in all (`messages` of the store unless told), spread over the last year."""
        total = messages or self.messages
        every = self.messages // self.busy_messages if self.busy_messages else NEVER
        firsts = range(self.last + 1, total + 1, CHUNK)

        def write_some(own: range) -> None:
            with self._connect() as database:
                for first in own:
                    last = min(first + CHUNK - 1, total)
                    self._write(
                        database,
                        first,
                        last,
                        busy_every=every,
                        busy_last=self.messages,
                        seconds_apart=YEAR_SECONDS / total,
                        behind=total - last,
                    )

        # Inventing them takes the server's processor: a session for each core.
        sessions = os.cpu_count() or 1
        with ThreadPoolExecutor(sessions) as pool:
            list(pool.map(write_some, (firsts[each::sessions] for each in range(sessions))))
        self.last = max(self.last, total)

    def add(self, messages: int, *, busy_every: int = NEVER) -> None:
        """Store some more, dated in the last minutes, in one transaction.

        Args:
            busy_every: every so many of them are the busy customer's; NEVER: none is.
        """
        with self._connect() as database:
            self._write(
                database,
                self.last + 1,
                self.last + messages,
                busy_every=busy_every,
                busy_last=self.last + messages,
                seconds_apart=0.05,
                behind=0,
            )
        self.last += messages

    def analyze(self) -> None:
        """Statistics and visibility, as autovacuum would have left them."""
        with self._connect() as database:
            database.execute(SQL["analyze"])

    def counted(self) -> int:
        """Messages with content in the incremental table."""
        with self._connect() as database:
            row = database.execute(SQL["count_messages"]).fetchone()
        assert row is not None
        return int(row[0])

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.settings.url_for(Role.ADMIN), autocommit=True)

    def _values(self) -> dict[str, Any]:
        return {
            "sms_connection": SMS_CONNECTION,
            "mail_connection": MAIL_CONNECTION,
            "voice_connection": VOICE_CONNECTION,
            "whatsapp_connection": WHATSAPP_CONNECTION,
            "messenger_connection": MESSENGER_CONNECTION,
            "instagram_connection": INSTAGRAM_CONNECTION,
            "phone_number_id": PHONE_NUMBER_ID,
            "business_account_id": BUSINESS_ACCOUNT_ID,
            "page_id": PAGE_ID,
            "account_id": INSTAGRAM_ACCOUNT_ID,
            "account_sid": ACCOUNT_SID,
            "our_number": OUR_NUMBER,
            "mailbox": MAILBOX,
        }

    def _write(
        self,
        database: psycopg.Connection[Any],
        first: int,
        last: int,
        **shape: Any,
    ) -> None:
        values = (
            self._values() | shape | {"first": first, "last": last, "customers": self.customers}
        )
        with database.transaction():
            for query in ("store_deliveries", "store_sms_history", "store_mails"):
                database.execute(SQL[query], values)
