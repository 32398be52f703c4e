-- Grain: one row per message and outside participant.
select
    links.customer_id,
    participants.identity,
    {{ timeline_columns('messages') }}
from {{ ref('message_participants') }} as participants
inner join {{ ref('messages') }} as messages using (message_id)
left join {{ ref('threads') }} as threads on threads.thread_id = messages.channel || '|' || messages.thread_key
left join {{ ref('customer_identities') }} as links on links.identity = participants.identity
where participants.is_first and not participants.is_ours
