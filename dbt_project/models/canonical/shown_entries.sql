-- Grain: one row per message and outside participant: what a reader of a timeline is shown, whoever's it is. Whose it is costs a search of its
-- own for every row; who reads one customer's timeline knows it, and reads this.
{{ config(materialized='view') }}
select
    participants.identity,
    {{ timeline_columns('messages') }}
from {{ ref('message_participants') }} as participants
inner join {{ ref('messages') }} as messages using (message_id)
left join {{ ref('threads') }} as threads on threads.thread_id = messages.channel || '|' || messages.thread_key
where participants.is_first and not participants.is_ours
