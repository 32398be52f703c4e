-- Grain: one row per message that others speak of and that never came: answered, reacted to, edited, delivered, but not received.
{{ config(materialized='view', post_hook="grant select on {{ this }} to crm_loader") }}
with

known as (

    select message_id, channel, connection_id, in_reply_to, content_order, moved_to, provider_message_id, received_at, facts
    from {{ ref('messages') }}

)

select distinct answers.in_reply_to as message_id, answers.channel, answers.connection_id, 'answered' as spoken_of, answers.received_at
from known as answers
where answers.in_reply_to is not null
    and not exists (select 1 from known where known.message_id = answers.in_reply_to and known.content_order is not null)

union all

select message_id, channel, null, 'edited, reacted to or delivered', received_at
from known
where content_order is null and moved_to is null and provider_message_id <> 'watermark' and facts <> '{}'
