-- add_strangers --
-- Numbers that wrote once each just now, and are nobody's.
insert into raw.webhook_deliveries (
    delivery_id, received_at, channel, connection_id, delivery_key, method, path, query, headers, content_type, body, payload
)
select gen_random_uuid(), now(), 'twilio_sms', %(connection)s::text, 'stranger ' || number, 'POST', '/', '', '{}', '', '', jsonb_build_object(
    'MessageSid', 'SM' || md5('stranger ' || number), 'AccountSid', %(account_sid)s::text, 'From', '+6149' || lpad(number::text, 7, '0'),
    'To', %(our_number)s::text, 'Body', 'It is me, from another phone', 'NumMedia', '0', 'SmsStatus', 'received'
)
from generate_series(1, %(strangers)s::int) as numbers (number)

-- strangers --
select identities.identity, messages.message_id
from canonical.identities as identities
inner join canonical.messages as messages on messages.counterpart_identity = identities.identity
where identities.identity like 'phone:+6149%%' and identities.message_count = 1
order by 1

-- largest_identity --
-- By which the busy customer is known for most of the messages, with the newest of these.
with

counted as (

    select links.identity, seen.message_count, seen.last_seen_at
    from crm.identity_links as links
    inner join canonical.identities as seen using (identity)
    where links.customer_id = %(customer_id)s and links.ended_at is null and seen.message_count > 1

)

select
    counted.identity, counted.message_count,
    (
        select message_id from canonical.message_participants as participants
        where participants.identity = counted.identity and participants.is_first and not participants.is_ours
        order by sort_key desc limit 1
    ) as newest
from counted
order by message_count desc
limit 1

-- written --
-- Rows of the tables that hold correspondence which were put, changed or removed since the server began to count.
select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint as rows
from pg_stat_user_tables
where schemaname = 'canonical' and relname in (
    'messages', 'message_participants', 'identities', 'threads', 'conversations', 'attachments', 'search_documents', 'search_people', 'same_as', 'aliases'
)

-- told_statistics --
-- What a session counted is told when it is idle for a while, or asked to.
select pg_stat_force_next_flush()
