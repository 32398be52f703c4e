-- Grain: one row per conversation: the threads of one person on one channel that are one to a reader. A person whose phone number was left
-- out for a while wrote in the same conversation all along.
{{ config(
    meta={'forget': 'touched_conversations', 'forget_key': 'conversation_id'},
    indexes=[{'columns': ['conversation_id'], 'unique': true}, {'columns': ['last_at']}, {'columns': ['last_direction', 'last_at']},
        {'columns': ['counterpart_identity']}],
) }}
-- depends_on: {{ ref('touched_conversations') }}
select
    conversation_id,
    min(conversation_key) as thread_key,
    min(channel) as channel,
    array_agg(thread_id order by thread_id) as threads,
    -- An identity that stands for itself comes before one that leads to another.
    coalesce(
        {{ marked('max(counterpart_mark collate "C") filter (where not has_alias)') }}, {{ marked('max(counterpart_mark collate "C")') }}
    ) as counterpart_identity,
    min(first_at) as first_at,
    max(last_at) as last_at,
    sum(message_count)::bigint as message_count,
    {{ marked('max(last_direction_mark collate "C")') }} as last_direction,
    split_part(max(last_direction_mark collate "C"), chr(1), 1) as last_sort_key
from {{ ref('threads') }}
{% if is_incremental() %}
where conversation_id in (select conversation_id from {{ ref('touched_conversations') }})
{% endif %}
group by conversation_id
