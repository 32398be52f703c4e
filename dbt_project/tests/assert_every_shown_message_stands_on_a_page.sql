-- Every message that is shown, of whatever channel and from or to whomever, is reached from a page: from the timeline of a customer, or from
-- a line of the queue, where whoever belongs to nobody stands, who wrote among those who wait and the others among those who never wrote.
with

reached as (

    select participants.message_id
    from {{ ref('message_participants') }} as participants
    left join {{ ref('customer_identities') }} as customers using (identity)
    left join {{ ref('identities') }} as seen using (identity)
    where participants.is_first
        and not participants.is_ours
        and (customers.customer_id is not null or seen.last_inbound_key is not null or seen.last_seen_at is not null)

)

select messages.message_id
from {{ ref('messages') }} as messages
where messages.content_order is not null
    and not exists (select 1 from reached where reached.message_id = messages.message_id)
