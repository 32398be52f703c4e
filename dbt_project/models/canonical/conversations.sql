-- Grain: one row per conversation: the messages of one thread key on one channel. Also how far what we sent is delivered and read,
-- where the provider tells that of the thread and not of each message.
{{ config(
    incremental_strategy='append',
    pre_hook="{{ forget_touched('channel, thread_key', touched_threads()) }}",
    indexes=[{'columns': ['conversation_id'], 'unique': true}, {'columns': ['last_at']}],
) }}
with

-- Named several times: without the word the whole table would be copied before anything is looked up in it.
messages as not materialized (

    select * from {{ ref('messages') }}

),

touched as (

    select messages.*
    from messages
    where content_order is not null
    {% if is_incremental() %}
        and (channel, thread_key) in ({{ touched_threads() }})
    {% endif %}

),

counted as (

    select
        channel,
        thread_key,
        (array_agg(counterpart_identity order by sent_at desc, message_id desc) filter (where counterpart_identity is not null))[1]
            as counterpart_identity,
        min(sent_at) as first_at,
        max(sent_at) as last_at,
        count(*) as message_count,
        (array_agg(direction order by sent_at desc, message_id desc))[1] as last_direction
    from touched
    group by channel, thread_key

)

select
    channel || '|' || thread_key as conversation_id,
    thread_key,
    channel,
    counterpart_identity,
    first_at,
    last_at,
    message_count,
    last_direction,
    {% for word, until in [('delivered', 'delivered_until'), ('read', 'read_until')] -%}
    (
        select {{ watermark_time('watermark', 'messages') }}
        from messages as watermark
        where watermark.message_id = {{ watermark_id('counted.channel', 'counted.thread_key', "'" ~ word ~ "'") }}
    ) as {{ until }}{{ ',' if not loop.last }}
    {% endfor %}
from counted
