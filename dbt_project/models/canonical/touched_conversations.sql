-- Grain: one row per conversation that a touched thread was or is a part of. A working table.
{{ config(materialized='table', meta={'working': true}) }}
select conversation_id from {{ ref('former_conversations') }}

union

select threads.conversation_id
from {{ ref('touched_threads') }} as touched
inner join {{ ref('threads') }} as threads using (thread_id)
