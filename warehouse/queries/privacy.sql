-- What takes a person's data out of everything (privacy/). Parameters: customers, identities, messages, rows … as the program found them.

-- customers --
-- The customer and all whose identities were merged into theirs; where it was merged into another itself.
with recursive same as (
    select customer_id, name, merged_into from crm.customers where customer_id = %(customer_id)s
    union
    select customers.customer_id, customers.name, customers.merged_into
    from crm.customers as customers
    inner join same on customers.merged_into = same.customer_id
)

select customer_id, name, merged_into from same order by customer_id = %(customer_id)s desc, customer_id

-- identities --
-- What belongs to these customers, with the numbers and ids that providers told to be the same person's, unless those are somebody else's.
with linked as (
    select identity from canonical.customer_identities where customer_id = any(%(customers)s)
),

led_to as (
    select aliases.same_as as identity
    from canonical.aliases as aliases
    inner join linked using (identity)
),

led_from as (
    select aliases.identity
    from canonical.aliases as aliases
    where aliases.same_as in (select identity from linked union select identity from led_to)
)

select identity from linked
union
select found.identity
from (select identity from led_to union select identity from led_from) as found
where not exists (
    select from crm.identity_links as links
    where links.identity = found.identity and links.ended_at is null and links.customer_id <> all(%(customers)s)
)
order by 1

-- messages --
-- The messages of these people, with what belongs to them: legs of their calls, reports of mail systems about mails to them, receipts of threads
-- that are theirs alone. One in which another customer stands, too, is that one's correspondence (`is_shared`).
with recursive own as materialized (

    select distinct participants.message_id
    from canonical.message_participants as participants
    where participants.identity = any(%(identities)s) and not participants.is_ours

),

judged as materialized (

    select own.message_id, exists (
        select from canonical.message_participants as others
        inner join canonical.customer_identities as links on links.identity = others.identity
        where others.message_id = own.message_id and not others.is_ours and links.customer_id <> all(%(customers)s)
    ) as is_shared
    from own

)

--> privacy.with_what_belongs

-- with_what_belongs --
-- Shared: behind CTEs of which the last is `judged` (message_id, is_shared).
, taken as materialized (

    select message_id from judged where not is_shared or %(with_shared)s

),

reports as materialized (

    select distinct regexp_replace(messages.message_id, '[^|]*$', '') || (fact.value #>> '{report,id}') as message_id
    from canonical.messages as messages
    inner join taken using (message_id)
    cross join lateral jsonb_each(messages.facts) as fact
    where fact.value ? 'report'

),

legs as (

    select message_id from taken
    union
    select message_id from reports
    union
    select moved.message_id
    from canonical.messages as moved
    inner join legs on moved.moved_to = legs.message_id

),

threads as materialized (

    select distinct messages.channel, messages.thread_key
    from canonical.messages as messages
    inner join taken using (message_id)
    where messages.content_order is not null and messages.thread_key is not null

),

their_threads as materialized (

    select channel, thread_key, channel || '|' || thread_key as thread_id
    from threads
    where not exists (
        select from canonical.messages as others
        where others.channel = threads.channel and others.thread_key = threads.thread_key and others.content_order is not null
            and others.message_id not in (select message_id from taken)
    )

),

every as (

    select messages.message_id, messages.channel, null::text as until, messages.content_order is not null as is_shown
    from canonical.messages as messages
    where messages.message_id in (select message_id from legs)

    union all

    select messages.message_id, messages.channel, messages.status_order, false
    from their_threads
    cross join (values ('delivered'), ('read')) as words (word)
    inner join canonical.messages as messages
        on messages.message_id = their_threads.channel || '|watermark|' || their_threads.thread_key || '|' || words.word

)

select
    coalesce((select jsonb_agg(jsonb_build_array(message_id, channel, until, is_shown) order by message_id) from every), '[]') as messages,
    array(select thread_id from their_threads order by 1) as threads,
    array(
        select distinct stored.conversation_id from canonical.threads as stored
        inner join their_threads using (thread_id)
        order by 1
    ) as conversations,
    (select count(*) from judged where is_shared) as shared

-- references --
-- Where copies of these messages lie in raw. A report of a mail system is a message of its own, and its row that one's.
select distinct split_part(fact.key, '#', 1) as raw_row
from canonical.messages as messages
cross join lateral jsonb_each(messages.facts) as fact
where messages.message_id = any(%(messages)s) and not fact.value ? 'report'

-- deliveries_by_id --
select delivery_id::text, received_at, channel, connection_id, delivery_key, body, payload::text
from raw.webhook_deliveries
where delivery_id = any(%(delivery_ids)s::uuid[])

-- deliveries_by_address --
-- An address of theirs stands somewhere in it.
select delivery_id::text, received_at, channel, connection_id, delivery_key, body, payload::text
from raw.webhook_deliveries
where payload::text ilike any(%(patterns)s) or payload is null and encode(body, 'escape') ilike any(%(patterns)s)

-- deliveries_by_id_within --
-- The provider's id of one of the messages is a value in it, at any depth: what no copy was made of, such as the interim transcript of a call
-- or a notice that a message was not edited. Around the time of the messages; no provider sends a webhook again for longer than a week.
with span as materialized (

    select
        min(least(sent_at, received_at)) - interval '1 day' as since,
        max(greatest(sent_at, received_at)) + interval '8 days' as until,
        array_agg(distinct channel) as channels
    from canonical.messages
    where message_id = any(%(messages)s) and content_order is not null

)

select delivery_id::text, received_at, channel, connection_id, delivery_key, body, payload::text
from raw.webhook_deliveries
where received_at >= (select since from span) and received_at < (select until from span)
    and channel = any((select channels from span)::text[])
    and exists (
        select from jsonb_path_query(payload, 'strict $.** ? (@.type() == "string")') as said
        where said #>> '{}' = any(%(provider_ids)s)
    )

-- living --
-- Which of these messages stand, and are to stand.
select message_id from canonical.messages
where message_id = any(%(ids)s) and content_order is not null and message_id <> all(%(messages)s)

-- waiting_of --
-- Rows of these ids that stand for a message of which only a status or a removal is known.
select message_id, channel from canonical.messages
where message_id = any(%(ids)s) and content_order is null and message_id <> all(%(messages)s)

-- erase_deliveries --
delete from raw.webhook_deliveries where delivery_id = any(%(delivery_ids)s::uuid[])

-- erase_keys --
-- Their keys too: what is sent again is taken, held back by the gate, and swept.
delete from raw.delivery_keys where (connection_id, delivery_key) in (
    select * from unnest(%(connection_ids)s::text[], %(delivery_keys)s::text[])
)

-- redact_delivery --
-- A new transaction id has the next fold read what is left: nothing of it changes but what stands in quarantine.
update raw.webhook_deliveries
set body = convert_to(%(text)s, 'UTF8'), payload = %(text)s::jsonb, payload_error = null, redacted_at = now(),
    transaction_id = pg_current_xact_id()
where received_at = %(received_at)s and delivery_id = %(delivery_id)s

-- erase_refusals --
delete from raw.refusals where encode(body_start, 'escape') ilike any(%(patterns)s)

-- histories --
-- Every table of a history: its columns, and the one in which a load leaves its rows beside it.
select
    namespaces.nspname as schema, classes.relname as name,
    array_agg(attributes.attname::text) as columns,
    to_regclass(format('%I.%I', namespaces.nspname || '_staging', classes.relname)) is not null as has_staging
from pg_class as classes
inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
inner join pg_attribute as attributes on attributes.attrelid = classes.oid and attributes.attnum > 0 and not attributes.attisdropped
where classes.relkind = 'r' and namespaces.nspname ~ '^raw_[a-z_]+$' and namespaces.nspname !~ '_staging$' and classes.relname !~ '^_dlt'
group by 1, 2, namespaces.oid
having bool_or(attributes.attname = 'transaction_id')
order by 1, 2

-- referred_by_others --
-- Of these rows of histories those that a message which is to stand is made of.
select distinct split_part(key, '#', 1) as raw_row
from canonical.messages as messages
cross join lateral jsonb_object_keys(messages.facts) as key
where messages.facts ?| %(raw_rows)s and messages.content_order is not null and messages.message_id <> all(%(messages)s)
    and key = any(%(raw_rows)s)

-- up_to --
-- Shared: up to which receipt. One that names a message instead of a time stands here without that name: up to all of its moment.
regexp_replace(until, '^(([^|]*[|]){3}).*$', '\1~')

-- entomb --
insert into privacy.tombstones (mark, kind, until, certificate_id)
select distinct on (privacy.mark(value)) privacy.mark(value), kind,
    --> privacy.up_to
    , %(certificate_id)s
from unnest(%(values)s::text[], %(kinds)s::text[], %(untils)s::text[]) as each (value, kind, until)
order by privacy.mark(value), until desc nulls first
on conflict do nothing

-- forget --
-- For the next fold, which is told at once.
insert into privacy.forgetting (kind, key, channel)
select * from unnest(%(kinds)s::text[], %(keys)s::text[], %(channels)s::text[])
on conflict (kind, key) do update set transaction_id = pg_current_xact_id()

-- erase_media --
delete from jobs.media where message_id = any(%(messages)s) returning sha256

-- files_due --
insert into privacy.files_due (sha256) select distinct unnest(%(hashes)s::text[]) on conflict do nothing

-- erase_evidence --
delete from jobs.link_evidence
where identity = any(%(identities)s) or other = any(%(identities)s) or customer_id = any(%(customers)s) or said ilike any(%(words)s)

-- blank_jobs --
-- What a job was told.
update jobs.procrastinate_jobs set args = '{"destroyed": true}' where args::text ilike any(%(patterns)s)

-- erase_in_hand --
delete from jobs.in_hand where item_id = any(%(provider_ids)s)

-- erase_set_aside --
delete from canonical.set_aside where raw_table || '/' || row_id = any(%(raw_rows)s)

-- erase_links --
delete from crm.identity_links where customer_id = any(%(customers)s) or identity = any(%(identities)s)

-- erase_marks --
delete from crm.not_customers where identity = any(%(identities)s)

-- erase_dismissals --
delete from crm.dismissed_suggestions where customer_id = any(%(customers)s) or identity = any(%(identities)s)

-- erase_notes --
delete from crm.notes where object_id = any(%(objects)s)

-- erase_taggings --
delete from crm.taggings where object_id = any(%(objects)s)

-- erase_assignments --
delete from crm.assignments where conversation_id = any(%(objects)s)

-- erase_conversation_ids --
delete from crm.conversation_ids where conversation_id = any(%(objects)s) or thread_id = any(%(objects)s)

-- erase_seen --
delete from crm.seen_conversations where conversation_id = any(%(objects)s)

-- erase_holds --
-- Those that were released: an open one has refused all of this.
delete from privacy.holds where object_id = any(%(objects)s) and released_at is not null

-- erase_views --
-- Those whose address names a customer, an identity or a conversation of theirs, written as it is or as an address writes it.
delete from crm.saved_views where query ilike any(%(words)s) or name ilike any(%(words)s)

-- erase_corrections --
delete from crm.corrections where object_id = any(%(objects)s)

-- erase_cases --
delete from privacy.cases where customer_id = any(%(customers)s)

-- erase_tasks --
-- Exports go with their files (privacy/exports.py); of a destruction the certificate is what stays.
delete from privacy.tasks where kind <> 'apply' and object_id = any(%(customers)s) and state <> 'running'

-- blank_tasks --
-- The one that is under way, and what it says of whom.
update privacy.tasks
set object_id = case when object_id = any(%(customers)s) then 'destroyed' else object_id end,
    reason = case when reason ilike any(%(words)s) then '' else reason end
where object_id = any(%(customers)s) or reason ilike any(%(words)s)

-- blank_cases --
-- Of other people: a case in whose words they stand.
update privacy.cases
set asked_by = case when asked_by ilike any(%(words)s) then 'destroyed' else asked_by end,
    identity_check = case when identity_check ilike any(%(words)s) then 'destroyed' else identity_check end,
    reason = case when reason ilike any(%(words)s) then 'destroyed' else reason end
where asked_by ilike any(%(words)s) or identity_check ilike any(%(words)s) or reason ilike any(%(words)s)

-- blank_incidents --
update privacy.incidents
set title = case when title ilike any(%(words)s) then 'destroyed' else title end,
    description = case when description ilike any(%(words)s) then 'destroyed' else description end,
    kinds = case when kinds ilike any(%(words)s) then 'destroyed' else kinds end,
    steps = case when steps ilike any(%(words)s) then 'destroyed' else steps end,
    decision_reason = case when decision_reason ilike any(%(words)s) then 'destroyed' else decision_reason end
where title ilike any(%(words)s) or description ilike any(%(words)s) or kinds ilike any(%(words)s) or steps ilike any(%(words)s)
    or decision_reason ilike any(%(words)s)

-- erase_changes --
-- What the ledger knows of them: without it nothing of them can be brought back by an undo.
with gone as (
    delete from crm.decision_changes
    where customer_ids && %(customers)s::text[] or object_id = any(%(objects)s)
        or subject ilike any(%(patterns)s) or data::text ilike any(%(patterns)s)
    returning decision_id
)

select distinct decision_id from gone

-- blank_reasons --
update crm.decisions set reason = '' where decision_id = any(%(decisions)s) and reason <> ''

-- erase_customers --
delete from crm.customers where customer_id = any(%(customers)s)

-- leaf --
-- Shared: the hash of an event, as the log is sealed with it.
sha256(convert_to(jsonb_build_array(
    event_id, extract(epoch from at), actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip
)::text, 'UTF8'))

-- redact_events --
-- That something happened, when and by whom, stays. Whom it was about becomes a mark; the details go where they speak of them. What
-- certifies a destruction names nobody.
with touched as materialized (

    select event_id,
        --> privacy.leaf
        as former_leaf
    from crm.events
    where action not in ('privacy.destroy', 'privacy.reapply') and (
        customer_ids && %(customers)s::text[]
        or object_id = any(%(objects)s)
        or regexp_replace(object_id, '[|][^|]*$', '') = any(%(objects)s)
        or object_id ilike any(%(patterns)s)
        or detail::text ilike any(%(words)s)
    )

),

changed as (

    update crm.events
    set
        object_id = case
            when object_id = any(%(objects)s) or object_id ilike any(%(patterns)s)
                -- An attachment, by its message.
                or regexp_replace(object_id, '[|][^|]*$', '') = any(%(objects)s)
                then 'destroyed:' || encode(privacy.mark('object|' || object_id), 'hex')
            else object_id
        end,
        customer_ids = array(
            select case when each = any(%(customers)s) then 'destroyed:' || encode(privacy.mark('customer|' || each), 'hex') else each end
            from unnest(customer_ids) with ordinality as listed (each, place)
            order by place
        ),
        detail = case
            when object_id = any(%(objects)s) or regexp_replace(object_id, '[|][^|]*$', '') = any(%(objects)s)
                or customer_ids <@ %(customers)s::text[] and customer_ids <> '{}' or detail::text ilike any(%(words)s)
                then '{"destroyed": true}'
            else detail
        end,
        redacted_by = %(certificate_id)s
    where event_id in (select event_id from touched)
    returning event_id,
        --> privacy.leaf
        as leaf

)

insert into crm.event_redactions (event_id, certificate_id, former_leaf, leaf)
select event_id, %(certificate_id)s, former_leaf, leaf
from changed
inner join touched using (event_id)

-- redactions_of --
-- One hash over all events that a certificate redacted.
select encode(sha256(string_agg(convert_to(event_id, 'UTF8') || former_leaf || leaf, ''::bytea order by event_id)), 'hex')
from crm.event_redactions
where certificate_id = %(certificate_id)s

-- certify --
insert into privacy.certificates (certificate_id, what, reason, destroyed_at, destroyed_by, counts, hash)
values (%(certificate_id)s, %(what)s, %(reason)s, %(destroyed_at)s, %(destroyed_by)s, %(counts)s, %(hash)s)

-- customer_mark --
select encode(privacy.mark('customer|' || %(customer_id)s), 'hex')

-- in_the_way --
-- Open holds on these customers, on their conversations, or on a tag that is on these.
select hold_id, covers, reason
from privacy.holds
where released_at is null and (
    covers = 'customer' and object_id = any(%(customers)s)
    or covers = 'conversation' and object_id = any(%(objects)s)
    or covers = 'tag' and exists (
        select from crm.taggings as taggings
        inner join crm.shown_tags as tags using (tag_id)
        where taggings.removed_at is null and taggings.object_id = any(%(objects)s) and tags.shown_tag_id = holds.object_id
    )
)
order by placed_at, hold_id

-- take_files_due --
select sha256 from privacy.files_due where due_at <= clock_timestamp() order by sha256 limit %(limit)s

-- files_needed --
select sha256 from jobs.media where sha256 = any(%(hashes)s)

-- file_done --
delete from privacy.files_due where sha256 = any(%(hashes)s)

-- sweep_from --
-- From which transaction on something may have come that was not looked through, and up to where all is folded. What lies beyond this
-- cluster's own transactions says nothing.
select
    exists (select from privacy.tombstones) as is_needed,
    least(pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmin(state.folded))::text as until,
    case when until_transaction <= pg_snapshot_xmax(pg_current_snapshot()) then until_transaction::text else '0' end as since
from privacy.swept
cross join canonical.fold_state as state
where state.build = 'live'

-- returned --
-- What came again: by the messages in it, and by a delivery that is the same as one of which all went, or a part.
with folded as (
    select folded from canonical.fold_state where build = 'live'
)

select distinct split_part(raw_ref, '#', 1) as raw_row, message_id
from canonical.destroyed_copies
where transaction_id >= coalesce(%(since)s, '0')::xid8 and pg_visible_in_snapshot(transaction_id, (select folded from folded))

union all

select 'raw.webhook_deliveries/' || deliveries.delivery_id, null
from raw.webhook_deliveries as deliveries
inner join privacy.tombstones as tombstones
    on tombstones.mark = privacy.mark('delivery|' || deliveries.connection_id || '|' || deliveries.delivery_key) and tombstones.kind = 'delivery'
where deliveries.transaction_id >= coalesce(%(since)s, '0')::xid8
    and pg_visible_in_snapshot(deliveries.transaction_id, (select folded from folded))

-- known_addresses --
-- Of these texts those under which somebody was known who was destroyed.
select each
from unnest(%(texts)s::text[]) as listed (each)
where privacy.mark('address|' || each) in (select mark from privacy.tombstones where kind = 'address')

-- known_messages --
-- Of these ids those of messages that were destroyed.
select message_id
from unnest(%(ids)s::text[]) as listed (message_id)
where privacy.mark(message_id) in (select mark from privacy.tombstones where kind = 'message')

-- note_swept --
update privacy.swept set until_transaction = %(until)s::text::xid8

-- tombstones_of --
select mark, kind, until from privacy.tombstones where certificate_id = %(certificate_id)s order by mark

-- secret --
select secret from privacy.tombstone_key

-- set_secret --
-- Only where no mark was made under another key.
update privacy.tombstone_key
set secret = %(secret)s, inner_pad = privacy.pad(%(secret)s, 54), outer_pad = privacy.pad(%(secret)s, 92)
where not exists (select from privacy.tombstones)

-- known_certificates --
select certificate_id from privacy.certificates

-- entomb_again --
insert into privacy.tombstones (mark, kind, until, certificate_id)
select mark, kind,
    --> privacy.up_to
    , %(certificate_id)s
from unnest(%(marks)s::bytea[], %(kinds)s::text[], %(untils)s::text[]) as each (mark, kind, until)
on conflict do nothing

-- marked_messages --
select messages.message_id, messages.channel, case when tombstones.kind = 'receipts' then messages.status_order end
from privacy.tombstones as tombstones
inner join canonical.messages as messages on privacy.mark(messages.message_id) = tombstones.mark
where tombstones.certificate_id = %(certificate_id)s and tombstones.kind in ('message', 'receipts')

-- marked_customers --
select customers.customer_id, customers.name
from privacy.tombstones as tombstones
inner join crm.customers as customers on privacy.mark('customer|' || customers.customer_id) = tombstones.mark
where tombstones.certificate_id = %(certificate_id)s and tombstones.kind = 'customer'

-- marked_identities --
select known.identity
from privacy.tombstones as tombstones
inner join (
    select identity from canonical.identities
    union
    select identity from crm.identity_links
    union
    select identity from crm.not_customers
) as known on privacy.mark('identity|' || known.identity) = tombstones.mark
where tombstones.certificate_id = %(certificate_id)s and tombstones.kind = 'identity'
