-- Whom an account saw, from the log (privacy/breach.py).

-- seen_by --
-- One row a customer whom events of this account name, and one for each thing that it opened of somebody who is none. By the index of actors.
with

events as materialized (

    select at, action, object_type, object_id, customer_ids, ip, session_id
    from crm.events
    where actor = %(user)s and at >= %(since)s and at < %(until)s

),

seen as (

    select each as customer_id, null::text as object_type, null::text as object_id, at, action, ip
    from events
    cross join unnest(customer_ids) as each

    union all

    select null, object_type, object_id, at, action, ip
    from events
    where customer_ids = '{}' and object_type in ('identity', 'message', 'conversation', 'attachment', 'mail')

)

select
    seen.customer_id, customers.name, seen.object_type, seen.object_id,
    --> customer_card.known_by
    as known_by,
    count(*) as times, min(seen.at) as first_at, max(seen.at) as last_at,
    array_agg(distinct seen.action order by seen.action) as actions,
    array_remove(array_agg(distinct seen.ip order by seen.ip), null) as addresses
from seen
left join crm.customers as customers on customers.customer_id = seen.customer_id
group by seen.customer_id, customers.customer_id, customers.name, seen.object_type, seen.object_id
order by first_at, seen.customer_id, seen.object_id
