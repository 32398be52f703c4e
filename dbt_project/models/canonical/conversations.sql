-- Grain: one row per conversation: the messages of one thread key on one channel.
{{ config(
    unique_key='conversation_id',
    indexes=[{'columns': ['conversation_id'], 'unique': true}, {'columns': ['last_at']}],
) }}
with

-- Named twice: without the word the whole table would be copied before anything is looked up in it.
messages as not materialized (

    select * from {{ ref('messages') }}
    where content_order is not null

),

touched as (

    select messages.*
    from messages
    {% if is_incremental() %}
    where (channel, thread_key) in (
        select changed.channel, changed.thread_key
        from messages as changed
        where changed.folded_for = canonical.target_horizon()
    )
    {% endif %}

)

select
    channel || '|' || thread_key as conversation_id,
    thread_key,
    channel,
    (array_agg(counterpart_identity order by sent_at desc, message_id desc) filter (where counterpart_identity is not null))[1]
        as counterpart_identity,
    min(sent_at) as first_at,
    max(sent_at) as last_at,
    count(*) as message_count,
    (array_agg(direction order by sent_at desc, message_id desc))[1] as last_direction
from touched
group by channel, thread_key
