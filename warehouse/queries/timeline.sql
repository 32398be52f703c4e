-- The hot queries of the timeline. They give what marts.timeline gives (a test holds them equal) and never sort more than
-- a page: each identity of the customer is one scan of an index, and the live tail is merged in.

-- timeline_page --
-- One page of a customer's timeline, newest first, strictly before a position; the newest page without one.
with

links as materialized (

    select identity from crm.identity_links
    where customer_id = %(customer_id)s and ended_at is null

),

tail as materialized (

    select * from canonical.live_tail

),

live as (

    select person ->> 'identity' as identity, tail.sent_at, tail.message_id
    from tail
    cross join lateral jsonb_array_elements(tail.participants) as person
    where tail.content_order is not null
        and not (person ->> 'is_ours')::boolean
        and person ->> 'identity' in (select identity from links)
        and (tail.sent_at, tail.message_id) < (coalesce(%(before_sent_at)s::timestamptz, 'infinity'), coalesce(%(before_message_id)s::text, ''))

),

stored as (

    select one_identity.*
    from links
    cross join lateral (
        select participants.identity, participants.sent_at, participants.message_id
        from canonical.message_participants as participants
        where participants.identity = links.identity
            and participants.is_first
            and not participants.is_ours
            and (participants.sent_at, participants.message_id) < (coalesce(%(before_sent_at)s::timestamptz, 'infinity'), coalesce(%(before_message_id)s::text, ''))
        order by participants.sent_at desc, participants.message_id desc
        -- As many more as the tail may take away again: taking them away here would cost the order of the index.
        limit %(page_size)s + (select count(*) from tail)
    ) as one_identity
    where not exists (select 1 from tail where tail.message_id = one_identity.message_id)

),

-- A message with two identities of the customer stands once.
page as materialized (

    select min(identity) as identity, sent_at, message_id
    from (select * from stored union all select * from live) as either
    group by sent_at, message_id
    order by sent_at desc, message_id desc
    limit %(page_size)s

)

select
    %(customer_id)s::text as customer_id,
    page.identity,
    messages.sent_at,
    messages.message_id,
    messages.channel,
    messages.connection_id,
    messages.direction,
    messages.from_address,
    messages.from_name,
    messages.to_addresses,
    messages.counterpart_identity,
    messages.thread_key,
    messages.kind,
    messages.subject,
    messages.body,
    messages.quoted_body,
    messages.attachments,
    messages.status,
    messages.reactions,
    messages.revision,
    messages.is_deleted,
    messages.seen_via,
    messages.received_at,
    messages.provider_metadata
from page
inner join canonical.messages as messages using (message_id)
where not exists (select 1 from tail where tail.message_id = page.message_id)

union all

select
    %(customer_id)s::text as customer_id,
    page.identity,
    tail.sent_at,
    tail.message_id,
    tail.channel,
    tail.connection_id,
    tail.direction,
    tail.from_address,
    tail.from_name,
    tail.to_addresses,
    tail.counterpart_identity,
    tail.thread_key,
    tail.kind,
    tail.subject,
    tail.body,
    tail.quoted_body,
    tail.attachments,
    tail.status,
    tail.reactions,
    tail.revision,
    tail.is_deleted,
    tail.seen_via,
    tail.received_at,
    tail.provider_metadata
from page
inner join tail using (message_id)
order by sent_at desc, message_id desc
