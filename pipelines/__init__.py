"""Door two: the providers' histories, pulled.

    provider ── <channel>.source ──> dlt ──> raw_<channel>.*   (append-only in meaning)
                      │
                      └── bytes (mails) ──> media store

**The pipeline contract.** A channel whose history can be pulled has one module `pipelines/<channel>.py`
with one `@dlt.source`:

    source(connection, since, existing_rows) -> DltSource

- `connection`: a `warehouse.connections.Connection`, credentials open.
- `since`: an aware UTC datetime from which everything is pulled again; None goes on from the cursor.
- `existing_rows`: a `pipelines.existing_rows.ExistingRows`: what the warehouse already holds of this connection, and
  where bytes are stored. It only reads tables.

A source knows no destination and no environment. One run of it is one *step*: bounded in time, it loads
some rows and moves the cursor, which lies in dlt's state and is committed only together with the rows.
While `state["backfill"]` is set, there is more to pull, and `pipelines.pull` runs the next step; so a
first pull of hours shows its newest rows first and loses one step at most to a crash.

Resources stand at module level with key, disposition and columns on the decorator. The disposition is
always `INSERT_ONLY`: a version once seen is never rewritten, so a second pull inserts nothing, and an
empty answer changes nothing. Rows come without NUL or lone surrogates (warehouse.sanitise). Failures are
those of providers.failures.

Providers limit how fast they are asked: every client keeps the pace that its provider allows and repeats what
is temporary (providers.failures.BackOff); what needs a longer pause goes back to the queue. Two walks of one step
may meet the same thing: a source yields a key once a step.

Beside `source` the module names RESOURCES (the tables), INDEXES (of its own, by table) and LOOK_BACK (how
far a nightly pull goes back, None where the provider tells every change).

Tables (jsonb where it says json; every table also has `transaction_id xid8`, see destination.py):

raw_twilio_sms.messages   connection_id, sid, version (of payload + media), payload json (as sent), media
                          json (array), sent_at, pulled_at; key connection_id + sid + version
raw_twilio_sms.removals   connection_id, sid, noticed_at; key connection_id + sid
raw_twilio_voice.calls    connection_id, sid, version, payload json (as sent), started_at, pulled_at; key
                          connection_id + sid + version
raw_twilio_voice.recordings      connection_id, sid, version, call_sid, payload json, created_at, pulled_at; key
                          connection_id + sid + version
raw_twilio_voice.transcriptions  connection_id, sid, version, recording_sid, call_sid (of its recording),
                          payload json, pulled_at; key connection_id + sid + version
raw_twilio_voice.removals        connection_id, sid, kind (call, recording), noticed_at; key connection_id + sid
raw_messenger.messages    connection_id, account_id (page or Instagram account), conversation_id, id,
raw_instagram.messages    version (of what lasts in the payload: no signatures of addresses), payload json (as sent,
                          without paging; null where unavailable), unavailable (exists, details not given),
                          counterpart json, created_time (as sent), created_at, pulled_at; key connection_id + id +
                          version
raw_gmail.messages        connection_id, mailbox, id, thread_id, history_id, label_ids json,
                          internal_date, size_estimate, version (of raw_sha256 + parser_version + labels),
                          raw_sha256, raw_size_bytes, envelope json, body_text, body_quoted, body_format,
                          attachments json, parser_version, parse_notes json, rfc822_message_id,
                          reported_message_id, pulled_at; key connection_id + id + version
raw_gmail.changes         connection_id, mailbox, history_id, id, thread_id, change (added, removed,
                          labels_added, labels_removed, missing, set aside), label_ids json, changed_labels json,
                          pulled_at; key connection_id + history_id + id + change
raw_gmail.send_as         connection_id, mailbox, address, pulled_at; key connection_id + address
"""
