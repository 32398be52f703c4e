-- Grain: one row per message, as of now: the stored rows, and in place of some of them their live form; the status with the
-- watermarks of the thread.
{{ config(materialized='view') }}
with

tail as materialized (

    select * from {{ ref('live_tail') }}

),

{{ live_threads('tail') }}

select
    {% for column in folded_columns() -%}
    {{ 'stored.' ~ column if column != 'status' else status_in_thread(
        'stored',
        'case when live.conversation_id is null then threads.delivered_until else live.delivered_until end',
        'case when live.conversation_id is null then threads.read_until else live.read_until end'
    ) ~ ' as status' }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('messages') }} as stored
left join {{ ref('conversations') }} as threads
    on threads.conversation_id = stored.channel || '|' || stored.thread_key and stored.direction = 'outbound'
left join live_threads as live on live.conversation_id = stored.channel || '|' || stored.thread_key
where stored.content_order is not null
    and not exists (select 1 from tail where tail.message_id = stored.message_id)

union all

select
    {% for column in folded_columns() -%}
    {{ 'tail.' ~ column if column != 'status' else status_in_thread('tail', 'live.delivered_until', 'live.read_until') ~ ' as status' }}{{ ',' if not loop.last }}
    {% endfor %}
from tail
left join live_threads as live on live.conversation_id = tail.channel || '|' || tail.thread_key
where tail.content_order is not null
