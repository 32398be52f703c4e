What the pulls ask and write. The loader runs all of it.

-- noted_tables --
-- What was noted when the tables of these schemas were made.
select nspname, obj_description(oid, 'pg_namespace')
from pg_namespace
where nspname = any(%(schemas)s)

-- held_sms --
-- The versions held of these SMS.
select sid, payload, media
from raw_twilio_sms.messages
where connection_id = %(connection_id)s and sid = any(%(sids)s)

-- held_sms_between --
-- SMS held from a time to a time and not yet known to be gone.
select distinct messages.sid
from raw_twilio_sms.messages as messages
where
    messages.connection_id = %(connection_id)s
    and messages.sent_at > %(after)s
    and messages.sent_at < %(before)s
    and not exists (
        select from raw_twilio_sms.removals as removals
        where removals.connection_id = messages.connection_id and removals.sid = messages.sid
    )
order by messages.sid
limit %(limit)s

-- held_calls --
-- Which versions of these calls are held.
select sid, version
from raw_twilio_voice.calls
where connection_id = %(connection_id)s and sid = any(%(sids)s)

-- held_calls_between --
-- Calls held from a time to a time and not yet known to be gone.
select distinct calls.sid
from raw_twilio_voice.calls as calls
where
    calls.connection_id = %(connection_id)s
    and calls.started_at > %(after)s
    and calls.started_at < %(before)s
    and not exists (
        select from raw_twilio_voice.removals as removals
        where removals.connection_id = calls.connection_id and removals.sid = calls.sid
    )
order by calls.sid
limit %(limit)s

-- oldest_call_under_way --
-- When the oldest call began, after a time, of which no version is its end.
select min(calls.started_at)
from raw_twilio_voice.calls as calls
where
    calls.connection_id = %(connection_id)s
    and calls.started_at > %(after)s
    and not exists (
        select from raw_twilio_voice.calls as ended
        where
            ended.connection_id = calls.connection_id
            and ended.sid = calls.sid
            and ended.payload ->> 'status' not in ('queued', 'initiated', 'ringing', 'in-progress')
    )

-- held_recordings --
-- Which versions of these recordings are held.
select sid, version
from raw_twilio_voice.recordings
where connection_id = %(connection_id)s and sid = any(%(sids)s)

-- held_recordings_between --
-- Recordings held from a time to a time and not yet known to be gone.
select distinct recordings.sid
from raw_twilio_voice.recordings as recordings
where
    recordings.connection_id = %(connection_id)s
    and recordings.created_at > %(after)s
    and recordings.created_at < %(before)s
    and not exists (
        select from raw_twilio_voice.removals as removals
        where removals.connection_id = recordings.connection_id and removals.sid = recordings.sid
    )
order by recordings.sid
limit %(limit)s

-- oldest_recording_under_way --
-- When the oldest recording was made, after a time, of which no version is a finished one.
select min(recordings.created_at)
from raw_twilio_voice.recordings as recordings
where
    recordings.connection_id = %(connection_id)s
    and recordings.created_at > %(after)s
    and not exists (
        select from raw_twilio_voice.recordings as finished
        where
            finished.connection_id = recordings.connection_id
            and finished.sid = recordings.sid
            and finished.payload ->> 'status' not in ('in-progress', 'paused', 'stopped', 'processing')
    )

-- calls_of_recordings --
-- The call of each of these recordings.
select distinct sid, call_sid
from raw_twilio_voice.recordings
where connection_id = %(connection_id)s and sid = any(%(sids)s)

-- held_call_removals --
-- Which of these calls and recordings are known to be gone.
select sid
from raw_twilio_voice.removals
where connection_id = %(connection_id)s and sid = any(%(sids)s)

-- held_transcriptions --
-- Which versions of these transcripts are held.
select sid, version
from raw_twilio_voice.transcriptions
where connection_id = %(connection_id)s and sid = any(%(sids)s)

-- transcribed_recordings --
-- Which of these recordings have a transcript that will not change any more.
select distinct recording_sid
from raw_twilio_voice.transcriptions
where
    connection_id = %(connection_id)s
    and recording_sid = any(%(sids)s)
    and payload ->> 'status' in ('completed', 'failed')

-- held_messenger --
-- Which versions of these messages are held, and whether without their details.
select id, version, unavailable
from raw_messenger.messages
where connection_id = %(connection_id)s and id = any(%(ids)s)

-- messenger_counterpart --
-- The other side of a conversation, as its newest row with one tells it.
select counterpart
from raw_messenger.messages
where
    connection_id = %(connection_id)s
    and conversation_id = %(conversation)s
    and counterpart is not null
order by created_at desc nulls last
limit 1

-- untold_messenger --
-- Messages whose new text no webhook told: id, which edit, and the conversation where history knows it.
select
    edits.provider_message_id,
    edits.edit,
    (
        select held.conversation_id
        from raw_messenger.messages as held
        where held.connection_id = %(connection_id)s and held.id = edits.provider_message_id
        limit 1
    ) as conversation_id
from crm.untold_edits(%(connection_id)s, %(limit)s) as edits

-- held_instagram --
-- Which versions of these messages are held, and whether without their details.
select id, version, unavailable
from raw_instagram.messages
where connection_id = %(connection_id)s and id = any(%(ids)s)

-- instagram_counterpart --
-- The other side of a conversation, as its newest row with one tells it.
select counterpart
from raw_instagram.messages
where
    connection_id = %(connection_id)s
    and conversation_id = %(conversation)s
    and counterpart is not null
order by created_at desc nulls last
limit 1

-- untold_instagram --
-- Messages whose new text no webhook told: id, which edit, and the conversation where history knows it.
select
    edits.provider_message_id,
    edits.edit,
    (
        select held.conversation_id
        from raw_instagram.messages as held
        where held.connection_id = %(connection_id)s and held.id = edits.provider_message_id
        limit 1
    ) as conversation_id
from crm.untold_edits(%(connection_id)s, %(limit)s) as edits

-- held_mails --
-- Which of these mails are held: id, time in epoch milliseconds, and the newest labels that were told.
with told as (
    select id, history_id, label_ids
    from raw_gmail.messages
    where connection_id = %(connection_id)s and id = any(%(ids)s)
    union all
    select id, history_id, label_ids
    from raw_gmail.changes
    where connection_id = %(connection_id)s and id = any(%(ids)s) and label_ids is not null
),

newest as (
    select distinct on (id) id, label_ids
    from told
    -- Digits of the same length compare as numbers; the tie-break only makes the choice repeatable.
    order by id asc, lpad(history_id, 20, '0') desc nulls last, label_ids::text asc
)

select distinct messages.id, coalesce(messages.internal_date, '0'), coalesce(newest.label_ids, '[]')
from raw_gmail.messages as messages
inner join newest using (id)
where messages.connection_id = %(connection_id)s and messages.id = any(%(ids)s)

-- all_held_mails --
-- Every mail held and not known to be gone: id and thread.
select distinct messages.id, messages.thread_id
from raw_gmail.messages as messages
where
    messages.connection_id = %(connection_id)s
    and not exists (
        select from raw_gmail.changes as changes
        where
            changes.connection_id = messages.connection_id
            and changes.id = messages.id
            and changes.change in ('removed', 'missing')
    )

-- lock --
-- One pull per connection, one load per channel: taken for as long as the session lives.
select pg_try_advisory_lock(hashtextextended(%(name)s, 0))

-- wait_for_lock --
select pg_advisory_lock(hashtextextended(%(name)s, 0))

-- ask_for_refresh --
select pg_notify('crm_loaded', %(channel)s)

-- job_started --
insert into jobs.connection_health (connection_id, job, last_started_at)
values (%(connection_id)s, %(job)s, now())
on conflict (connection_id, job) do update set last_started_at = excluded.last_started_at

-- job_progressed --
update jobs.connection_health set detail = %(detail)s
where connection_id = %(connection_id)s and job = %(job)s

-- job_succeeded --
insert into jobs.connection_health (connection_id, job, last_succeeded_at, detail)
values (%(connection_id)s, %(job)s, now(), %(detail)s)
on conflict (connection_id, job) do update
set last_succeeded_at = excluded.last_succeeded_at, error = null, detail = excluded.detail

-- job_failed --
insert into jobs.connection_health (connection_id, job, last_failed_at, error)
values (%(connection_id)s, %(job)s, now(), %(error)s)
on conflict (connection_id, job) do update
set last_failed_at = excluded.last_failed_at, error = excluded.error

-- pullable_connections --
-- Connections that are not disabled, with their channel, and whether their pulls rest. Their secrets stay where they are.
select connection_id, channel, paused_at is not null as is_paused
from crm.connections
where disabled_at is null
order by created_at, connection_id

-- rests --
-- Whether a connection is paused or disabled by now.
select paused_at is not null or disabled_at is not null from crm.connections where connection_id = %(connection_id)s

-- watches --
-- Gmail connections that can be pushed to, and when Google's watch on each mailbox ends (null: there is none).
select
    connections.connection_id,
    to_timestamp(nullif(health.detail ->> 'expires_ms', '')::bigint / 1000.0) as expires_at
from crm.connections as connections
left join jobs.connection_health as health
    on health.connection_id = connections.connection_id and health.job = 'watch'
where
    connections.disabled_at is null
    and connections.channel = 'gmail'
    and connections.settings ->> 'pubsub_topic' <> ''

-- due_tokens --
-- Connections whose token lives for weeks and is to be renewed: a week after the last time, or, where that never
-- happened, a day after the connection was made, because how old its token was then is not known. Meta renews
-- none that is younger than a day. And connections whose token cannot be renewed, where Meta's app can be asked when it dies.
select connections.connection_id
from crm.connections as connections
left join jobs.connection_health as health
    on health.connection_id = connections.connection_id and health.job = 'token'
where
    connections.disabled_at is null
    and case
        when connections.channel = 'instagram' and coalesce(nullif(connections.settings ->> 'flavour', ''), 'instagram') = 'instagram'
            then coalesce(health.last_succeeded_at < now() - interval '7 days', connections.created_at < now() - interval '1 day')
        when connections.channel in ('instagram', 'messenger', 'whatsapp')
            then connections.settings ->> 'app_id' <> '' and coalesce(health.last_started_at < now() - interval '20 hours', true)
        else false
    end
order by connections.connection_id

-- renew_secrets --
select crm.renew_secrets(%(connection_id)s, %(known)s, %(renewed)s, %(valid_until)s)

-- token_end --
-- When the token of a connection dies, as it was told when it was last renewed.
select detail ->> 'expires_at'
from jobs.connection_health
where connection_id = %(connection_id)s and job = 'token'

-- make_partitions --
select raw.make_partitions()

-- forget_old_keys --
select raw.forget_old_keys()

-- transaction_id_columns --
-- Tables of a schema that have a transaction id.
select table_name::text
from information_schema.columns
where table_schema = %(schema)s and column_name = 'transaction_id'

-- index_names --
select indexname::text
from pg_indexes
where schemaname = %(schema)s

-- suspects --
-- What earlier pulls died over. What was in hand alone died a death of its own, and enough of these set it aside.
with left_behind as (
    select item_id, count(*) over () = 1 as was_alone
    from jobs.in_hand
    where connection_id = %(connection_id)s and is_in_hand
),

judged as (
    update jobs.in_hand as items
    set
        is_in_hand = false,
        deaths = items.deaths + left_behind.was_alone::integer,
        set_aside_at = case when items.deaths + left_behind.was_alone::integer >= %(deaths)s then now() end
    from left_behind
    where items.connection_id = %(connection_id)s and items.item_id = left_behind.item_id
    returning items.item_id, items.set_aside_at is not null as is_set_aside
)

select item_id, is_set_aside from judged
union all
select item_id, set_aside_at is not null
from jobs.in_hand
where connection_id = %(connection_id)s and not is_in_hand

-- take_in_hand --
insert into jobs.in_hand (connection_id, item_id)
select %(connection_id)s, item
from unnest(%(items)s::text[]) as item
on conflict (connection_id, item_id) do update set is_in_hand = true
returning item_id

-- put_down --
delete from jobs.in_hand
where connection_id = %(connection_id)s and item_id = any(%(items)s)
returning item_id

-- count_mails_to_read_again --
select count(*)
from (
    select from raw_gmail.messages
    group by connection_id, id
    having max(parser_version) < %(parser_version)s
) as older

-- mails_to_read_again --
-- Of each mail that only an older parser has read, the row with the newest labels; in the order of their keys, behind one of them.
with page as (
    select connection_id, id
    from raw_gmail.messages
    where (connection_id, id) > (%(after_connection)s, %(after_id)s)
    group by connection_id, id
    having max(parser_version) < %(parser_version)s
    order by connection_id, id
    limit %(limit)s
)

select distinct on (connection_id, id) connection_id, id, _dlt_id, raw_sha256, label_ids
from raw_gmail.messages
inner join page using (connection_id, id)
order by connection_id, id, lpad(history_id, 20, '0') desc nulls last, parser_version desc

-- insert_mail_again --
insert into raw_gmail.messages (
    connection_id, mailbox, id, thread_id, history_id, label_ids, internal_date, size_estimate, raw_sha256, raw_size_bytes,
    version, envelope, body_text, body_quoted, body_format, attachments, parser_version, parse_notes,
    rfc822_message_id, reported_message_id, pulled_at, _dlt_load_id, _dlt_id
)
select
    connection_id, mailbox, id, thread_id, history_id, label_ids, internal_date, size_estimate, raw_sha256, raw_size_bytes,
    %(version)s, %(envelope)s, %(body_text)s, %(body_quoted)s, %(body_format)s, %(attachments)s, %(parser_version)s, %(parse_notes)s,
    %(rfc822_message_id)s, %(reported_message_id)s, pulled_at, _dlt_load_id, %(new)s
from raw_gmail.messages
where _dlt_id = %(old)s
on conflict do nothing

-- forget_culprits --
delete from jobs.in_hand where set_aside_at is not null

-- forget_model_tests --
-- Of the former run: a test may be gone since.
delete from jobs.model_tests

-- note_model_test --
insert into jobs.model_tests (test, status, failures, tested_at) values (%(test)s, %(status)s, %(failures)s, %(tested_at)s)
