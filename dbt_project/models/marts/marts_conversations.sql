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
        select distinct tags.tag from {{ source('crm', 'conversation_tags') }} as tags
        where tags.conversation_id = any(conversations.threads || conversations.conversation_id) and tags.removed_at is null
        order by tags.tag
    ) as tags
from {{ ref('conversations') }} as conversations
left join {{ ref('customer_identities') }} as links on links.identity = conversations.counterpart_identity
-- What was decided of a thread holds for the conversation that it became a part of; the latest decision where parts differ.
left join lateral (
    select assignments.assignee from {{ source('crm', 'assignments') }} as assignments
    where assignments.conversation_id = any(conversations.threads || conversations.conversation_id) and assignments.ended_at is null
    order by assignments.assigned_at desc, assignments.assignment_id
    limit 1
) as assigned on true
