-- What becomes of attachments and recordings. The loader runs the fetching, crm_app asks for one at a time.

-- note_media --
-- Make a row for each attachment that must be fetched and has none. Looks at what arrived since a time, or at all.
insert into jobs.media (message_id, attachment_id, channel, connection_id, state, next_try_at)
select new.message_id, new.attachment_id, new.channel, new.connection_id, 'waiting', now()
from canonical.attachments as new
where
    -- Every connection: named, so that the index by connection and time finds what is new, and the planner sees how little.
    new.connection_id = any (array(select connection_id from crm.connections))
    and new.received_at >= coalesce(%(since)s::timestamptz, '-infinity')
    and new.source is not null
    and new.state = 'waiting'
    and not exists (
        select from jobs.media as known
        where known.message_id = new.message_id and known.attachment_id = new.attachment_id
    )
on conflict (message_id, attachment_id) do nothing

-- connections_with_due_media --
-- Connections that have something to fetch now and are not told to rest.
select connections.connection_id
from crm.connections as connections
left join jobs.connection_health as health
    on health.connection_id = connections.connection_id and health.job = 'media'
where
    connections.disabled_at is null
    and coalesce((health.detail ->> 'paused_until')::timestamptz, '-infinity') <= now()
    and exists (
        select from jobs.media as media
        where media.connection_id = connections.connection_id and media.next_try_at <= now()
    )
order by connections.connection_id

-- media_health --
-- What the job noted last about a connection.
select detail from jobs.connection_health where connection_id = %(connection_id)s and job = 'media'

-- due_media --
-- What to fetch next of a connection: what fell due last comes first, so that new arrivals pass a backlog. Without those
-- that are being fetched. No source: the models have it no longer.
with next as materialized (

    -- The index gives the next ones of a backlog of any length.
    select message_id, attachment_id, attempts, next_try_at
    from jobs.media
    where connection_id = %(connection_id)s and next_try_at <= now()
    order by next_try_at desc
    limit %(limit)s + cardinality(%(message_ids)s::text[])

)

select
    next.message_id,
    next.attachment_id,
    next.attempts,
    attachments.provider_message_id,
    attachments.content_type,
    attachments.source,
    attachments.received_at
from next
left join canonical.attachments as attachments using (message_id, attachment_id)
where not exists (
    select from unnest(%(message_ids)s::text[], %(attachment_ids)s::text[]) as under_way (message_id, attachment_id)
    where under_way.message_id = next.message_id and under_way.attachment_id = next.attachment_id
)
order by next.next_try_at desc
limit %(limit)s

-- forget_media --
-- It moved to another message, or was never an attachment: nothing is to be fetched under this name.
delete from jobs.media
where message_id = %(message_id)s and attachment_id = %(attachment_id)s and state = 'waiting'

-- begin_media --
-- An attempt counts before it is made, so that one that kills its process counts too.
update jobs.media
set
    attempts = attempts + 1,
    first_tried_at = coalesce(first_tried_at, now()),
    last_tried_at = now()
where message_id = %(message_id)s and attachment_id = %(attachment_id)s
returning attempts, first_tried_at

-- end_media --
-- How the attempt went, told to whoever shows it.
with told as (

    update jobs.media
    set
        state = %(state)s,
        sha256 = %(sha256)s,
        size_bytes = %(size_bytes)s,
        sniffed_type = %(sniffed_type)s,
        width = %(width)s,
        height = %(height)s,
        is_inline = %(is_inline)s,
        reason = %(reason)s,
        next_try_at = case when %(state)s = 'waiting' then now() + make_interval(secs => %(pause_seconds)s) end
    where message_id = %(message_id)s and attachment_id = %(attachment_id)s and state = 'waiting'
    returning connection_id, message_id

)

select pg_notify('crm_media', json_build_object('connection', connection_id, 'message', message_id)::text) from told

-- count_media --
-- How many attachments of a connection are in each state.
select state, count(*) as attachments
from jobs.media
where connection_id = %(connection_id)s
group by state

-- retry_media --
select crm.retry_media(%(message_id)s, %(attachment_id)s)

-- attachment_to_open --
-- An attachment with all that decides who may open it: its message, and what became of it. `listed` is null where the message does not have
-- it (any more).
with

message as materialized (

    select connection_id, kind, removal, attachments
    from canonical.messages
    where message_id = %(message_id)s and content_order is not null

),

customers as (

    select identities.customer_id
    from canonical.message_participants as people
    cross join lateral (
        select known.customer_id from canonical.customer_identities as known where known.identity = people.identity limit 1
    ) as identities
    where people.message_id = %(message_id)s

)

select
    message.kind,
    message.removal is not distinct from 'unsent' as is_unsent,
    listed.attachment as listed,
    media.state,
    media.sha256,
    media.size_bytes,
    media.sniffed_type,
    coalesce(media.is_inline, false) as is_inline,
    coalesce(connections.settings ->> 'recording_basis', '') <> '' as has_recording_basis,
    coalesce((select array_agg(distinct customer_id order by customer_id) from customers), '{}') as customer_ids
from message
left join lateral (
    select attachment
    from jsonb_array_elements(message.attachments) as attachment
    where attachment ->> 'attachment_id' = %(attachment_id)s
    limit 1
) as listed on true
left join jobs.media as media on media.message_id = %(message_id)s and media.attachment_id = %(attachment_id)s
left join crm.connections as connections on connections.connection_id = message.connection_id

-- was_opened --
-- Whether this session has opened it a moment ago, so that the next piece of it is no other look.
select exists (
    select from crm.events
    where
        actor = %(actor)s
        and at > now() - make_interval(secs => %(seconds)s)
        and session_id = %(session_id)s
        and action = %(action)s
        and object_id = %(object_id)s
) as was_opened
