-- Grain: one row per thread: the messages of one thread key on one channel, as the provider groups them; with the conversation that it is a
-- part of, and how far what we sent is delivered and read where the provider tells that of the thread and not of each message.
{{ config(
    meta={'forget': 'touched_threads', 'forget_key': 'thread_id'},
    indexes=[
        {'columns': ['thread_id'], 'unique': true},
        {'columns': ['conversation_id']},
        {'columns': ['counterpart_identity']},
    ],
) }}
-- depends_on: {{ ref('touched_threads') }}
-- depends_on: {{ ref('former_conversations') }}
with

messages as not materialized (

    select * from {{ ref('messages') }}

),

{% if is_incremental() %}
touched as not materialized (

    select * from {{ ref('touched_threads') }}

),

parts as (

    -- What stands, what is added, and what is counted anew.
    select stored.thread_id, stored.channel, stored.thread_key, stored.message_count, stored.first_at, stored.last_at,
        stored.last_direction_mark, stored.counterpart_mark
    from touched
    inner join {{ this }} as stored using (thread_id)
    where not touched.is_recounted

    union all

    select thread_id, channel, thread_key, message_count, first_at, last_at, last_direction_mark, counterpart_mark
    from touched
    where not is_recounted and message_count > 0

    union all

    select touched.thread_id, touched.channel, touched.thread_key, counted.*
    from touched
    cross join lateral (
        select {{ counts_of_thread() }}
        from messages
        where messages.channel = touched.channel and messages.thread_key = touched.thread_key and messages.content_order is not null
    ) as counted
    where touched.is_recounted and counted.message_count > 0

),
{% else %}
parts as (

    select channel || '|' || thread_key as thread_id, min(channel) as channel, min(thread_key) as thread_key, {{ counts_of_thread() }}
    from messages
    where content_order is not null and thread_key is not null
    group by 1

),
{% endif %}

counted as (

    select
        thread_id,
        min(channel) as channel,
        min(thread_key) as thread_key,
        sum(message_count)::bigint as message_count,
        min(first_at) as first_at,
        max(last_at) as last_at,
        max(last_direction_mark collate "C") as last_direction_mark,
        max(counterpart_mark collate "C") as counterpart_mark,
        {{ marked('max(counterpart_mark collate "C")') }} as counterpart_identity
    from parts
    group by thread_id

),

placed as (

    select counted.*, aliases.same_as, {{ thread_with_alias('counted', 'aliases.same_as') }} as conversation_key
    from counted
    left join {{ ref('aliases') }} as aliases on aliases.identity = counted.counterpart_identity

)

select
    thread_id,
    channel,
    thread_key,
    channel || '|' || conversation_key as conversation_id,
    conversation_key,
    same_as is not null as has_alias,
    counterpart_identity,
    first_at,
    last_at,
    message_count,
    {{ marked('last_direction_mark') }} as last_direction,
    last_direction_mark,
    counterpart_mark,
    {% for word, until in [('delivered', 'delivered_until'), ('read', 'read_until')] -%}
    (
        select {{ watermark_time('watermark', 'messages') }}
        from messages as watermark
        where watermark.message_id = {{ watermark_id('placed.channel', 'placed.thread_key', "'" ~ word ~ "'") }}
    ) as {{ until }}{{ ',' if not loop.last }}
    {% endfor %}
from placed
