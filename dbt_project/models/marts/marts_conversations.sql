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
        coalesce(stored.counterpart_identity, fresh.counterpart_identity) as counterpart_identity,
        least(stored.first_at, fresh.first_at) as first_at,
        greatest(stored.last_at, fresh.last_at) as last_at,
        coalesce(stored.message_count, 0) + coalesce(fresh.message_count, 0) as message_count,
        case when stored.last_at > fresh.last_at then stored.last_direction else coalesce(fresh.last_direction, stored.last_direction) end
            as last_direction
    from {{ ref('conversations') }} as stored
    full outer join fresh using (conversation_id)

)

select
    combined.conversation_id,
    combined.thread_key,
    combined.channel,
    links.customer_id,
    combined.first_at,
    combined.last_at,
    combined.message_count,
    combined.last_direction,
    assignments.assignee,
    array(
        select tags.tag from {{ source('crm', 'conversation_tags') }} as tags
        where tags.conversation_id = combined.conversation_id and tags.removed_at is null
        order by tags.tag
    ) as tags
from combined
left join {{ open_links() }} as links on links.identity = combined.counterpart_identity
left join {{ source('crm', 'assignments') }} as assignments
    on assignments.conversation_id = combined.conversation_id and assignments.ended_at is null
