-- Grain: one row per conversation, live.
with

tail as materialized (

    select * from {{ ref('live_tail') }}
    where content_order is not null

),

-- The stored row of a conversation in the tail, and the tail's messages that are not stored yet, make the live row.
fresh as (

    select
        channel || '|' || thread_key as conversation_id,
        thread_key,
        channel,
        (array_agg(counterpart_identity order by sent_at desc, message_id desc) filter (where counterpart_identity is not null))[1]
            as counterpart_identity,
        min(sent_at) as first_at,
        max(sent_at) as last_at,
        count(*) filter (
            where not exists (
                select 1 from {{ ref('messages') }} as stored
                where stored.message_id = tail.message_id and stored.content_order is not null
            )
        ) as message_count,
        (array_agg(direction order by sent_at desc, message_id desc))[1] as last_direction
    from tail
    group by channel, thread_key

),

combined as (

    select
        conversation_id,
        coalesce(stored.thread_key, fresh.thread_key) as thread_key,
        coalesce(stored.channel, fresh.channel) as channel,
        case when stored.last_at > fresh.last_at then coalesce(stored.counterpart_identity, fresh.counterpart_identity)
            else coalesce(fresh.counterpart_identity, stored.counterpart_identity) end as counterpart_identity,
        least(stored.first_at, fresh.first_at) as first_at,
        greatest(stored.last_at, fresh.last_at) as last_at,
        coalesce(stored.message_count, 0) + coalesce(fresh.message_count, 0) as message_count,
        case when stored.last_at > fresh.last_at then stored.last_direction else coalesce(fresh.last_direction, stored.last_direction) end
            as last_direction
    from {{ ref('conversations') }} as stored
    full outer join fresh using (conversation_id)

),

-- A person whose phone number was left out for a while wrote in the same conversation all along.
joined as (

    select
        combined.channel || '|' || {{ thread_with_alias('combined', 'aliases.same_as') }} as conversation_id,
        {{ thread_with_alias('combined', 'aliases.same_as') }} as thread_key,
        combined.channel,
        array_agg(combined.conversation_id) as parts,
        (array_agg(combined.counterpart_identity order by aliases.same_as is not null, combined.last_at desc, combined.conversation_id)
            filter (where combined.counterpart_identity is not null))[1] as counterpart_identity,
        min(combined.first_at) as first_at,
        max(combined.last_at) as last_at,
        sum(combined.message_count)::bigint as message_count,
        (array_agg(combined.last_direction order by combined.last_at desc, combined.conversation_id desc))[1] as last_direction
    from combined
    left join {{ ref('live_aliases') }} as aliases on aliases.identity = combined.counterpart_identity
    group by 1, 2, 3

)

select
    joined.conversation_id,
    joined.thread_key,
    joined.channel,
    links.customer_id,
    joined.first_at,
    joined.last_at,
    joined.message_count,
    joined.last_direction,
    assigned.assignee,
    array(
        select distinct tags.tag from {{ source('crm', 'conversation_tags') }} as tags
        where tags.conversation_id = any(joined.parts || joined.conversation_id) and tags.removed_at is null
        order by tags.tag
    ) as tags
from joined
left join {{ open_links() }} as links on links.identity = joined.counterpart_identity
-- What was decided of a part holds for the whole; the latest decision where parts differ.
left join lateral (
    select assignments.assignee from {{ source('crm', 'assignments') }} as assignments
    where assignments.conversation_id = any(joined.parts || joined.conversation_id) and assignments.ended_at is null
    order by assignments.assigned_at desc, assignments.assignment_id
    limit 1
) as assigned on true
