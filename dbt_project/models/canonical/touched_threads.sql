-- Grain: one row per thread that this fold touches, with what it adds to it. Where a message left the thread or moved within it
-- (`is_recounted`), adding is not enough and the thread is counted from its messages. A working table.
{{ config(materialized='table', meta={'working': true}) }}
with

batch as not materialized (

    select * from {{ ref('batch') }}

),

changed as (

    select * from batch
    where was_shown is distinct from (content_order is not null)
        or (sort_key, thread_key, direction, counterpart_identity)
            is distinct from (former_sort_key, former_thread_key, former_direction, former_counterpart_identity)

),

differences as (

    select channel, thread_key, true as is_added, sort_key, sent_at, direction, counterpart_identity
    from changed
    where content_order is not null

    union all

    select channel, former_thread_key, false, null, null, null, null
    from changed
    where was_shown

    union all

    -- How far it is delivered and read may be known only now. Nothing to count.
    select channel, thread_key, null, null, null, null, null
    from batch
    where provider_message_id = 'watermark' or content_order is not null

    union all

    -- Threads of a person whose other identity became known.
    select threads.channel, threads.thread_key, null, null, null, null, null
    from {{ stored('threads') if not builds_whole() else no_threads() }} as threads
    where threads.counterpart_identity in (select identity from {{ ref('touched_aliases') }})

)

select
    channel || '|' || thread_key as thread_id,
    min(channel) as channel,
    min(thread_key) as thread_key,
    coalesce(bool_or(not is_added), false) as is_recounted,
    {{ counts_of_thread(where='is_added') }}
from differences
where thread_key is not null
group by 1
