-- Grain: one row per conversation that a touched thread was a part of. Read before the threads are put. A working table.
-- depends_on: {{ ref('touched_threads') }}
{{ config(materialized='table', meta={'working': true}) }}
{% if builds_whole() %}
select null::text as conversation_id where false
{% else %}
select distinct stored.conversation_id
from {{ ref('touched_threads') }} as touched
inner join {{ stored('threads') }} as stored using (thread_id)
{% endif %}
