"""What came again of what was destroyed, taken out of raw again.

A provider sends a webhook twice, a history is pulled anew, somebody restores an export: the gate holds it back from
every table at once, and this takes it out of raw. The worker does it every minute, commands that bring raw rows in do
it at their end; where nothing was ever destroyed it asks one question.
"""

from __future__ import annotations

from media.store import MediaStore
from privacy import files
from privacy.destruction import destroying
from privacy.erasure import SQL, Subject, erase, forget, texts_of
from transform.resident import take_in
from warehouse.settings import Settings


def sweep(settings: Settings, *, folding: bool = False) -> int:
    """Look through what was folded since the last sweep; returns how many rows of raw were taken out or redacted.

    folding: have everything folded first. What is not folded yet is left for the next sweep: nobody can tell of it yet
    what else is in it.
    """
    with destroying(settings) as database:
        row = database.execute(SQL["sweep_from"]).fetchone()
        assert row is not None
        if not row[0]:
            return 0
        if folding:
            database.commit()
            take_in(settings)
            row = database.execute(SQL["sweep_from"]).fetchone()
            assert row is not None
        _, until, since = row
        found = database.execute(SQL["returned"], {"since": since}).fetchall()
        if not found:
            database.execute(SQL["note_swept"], {"until": until})
            database.commit()
            files.remove_due(database, MediaStore(settings.media_root))
            return 0
        subject = Subject(certificate_id="")
        said = texts_of(database, {row for row, _ in found})
        # Of some messages that were destroyed there stands only what no copy is made of.
        ids = sorted({f"{channel}|{each}" for channel, each in said})
        known = database.execute(SQL["known_messages"], {"ids": ids}).fetchall()
        returned = {message_id for _, message_id in found if message_id}
        returned |= {message_id for (message_id,) in known}
        subject.messages = [
            (message_id, message_id.partition("|")[0], None) for message_id in sorted(returned)
        ]
        # Beside such a message stands who wrote it, and how far they had read.
        texts = sorted({each.casefold() for _, each in said})
        subject.known_addresses = [
            each
            for (each,) in database.execute(SQL["known_addresses"], {"texts": texts}).fetchall()
        ]
        erased = erase(database, subject, {raw_row for raw_row, _ in found})
        if erased.raw_rows:
            # Where an event of them waits in quarantine.
            forget(database, [], erased.raw_rows)
        files.due(database, erased.files)
        database.execute(SQL["note_swept"], {"until": until})
        database.commit()
        files.remove_due(database, MediaStore(settings.media_root))
        return len(erased.raw_rows) + erased.redacted
