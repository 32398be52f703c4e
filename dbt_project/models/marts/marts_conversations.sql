-- Grain: one row per conversation.
select
    conversations.conversation_id,
    conversations.thread_key,
    conversations.channel,
    links.customer_id,
    conversations.first_at,
    conversations.last_at,
    conversations.message_count,
    conversations.last_direction,
    assigned.assignee,
    array(
        select distinct tags.name from {{ source('crm', 'taggings') }} as taggings
        inner join {{ source('crm', 'shown_tags') }} as tags using (tag_id)
        where taggings.object_id = any(conversations.threads || conversations.conversation_id)
            and taggings.object_type = 'conversation' and taggings.removed_at is null
        order by tags.name
    ) as tags
from {{ ref('conversations') }} as conversations
left join {{ ref('customer_identities') }} as links on links.identity = conversations.counterpart_identity
-- What was decided of a thread holds for the conversation that it became a part of; the latest decision where parts differ.
left join lateral (
    select assignments.assignee from {{ source('crm', 'assignments') }} as assignments
    where assignments.thread_id = any(conversations.threads || conversations.conversation_id) and assignments.ended_at is null
    order by assignments.assigned_at desc, assignments.assignment_id
    limit 1
) as assigned on true
