-- What accounting calls a message belongs to a message that has content, so that somebody can see it. A file of WhatsApp's history
-- waits for its message, and may wait for ever.
with

shown as (

    select fact.key as raw_ref
    from {{ ref('messages') }} as messages
    cross join lateral jsonb_each(messages.facts) as fact
    where messages.content_order is not null or fact.value ? 'file'

),

waiting as (

    {{ waiting_rows() }}

)

select events.channel, events.raw_ref
from {{ ref('marts_outcomes') }} as events
left join shown using (raw_ref)
where events.outcome = 'message'
    and shown.raw_ref is null
    and split_part(events.raw_ref, '#', 1) not in (select raw_row from waiting)
