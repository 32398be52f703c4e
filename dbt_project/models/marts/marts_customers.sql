-- Grain: one row per customer.
with

identities as (

    select * from {{ ref('marts_identities') }}
    where customer_id is not null

)

select
    customers.customer_id,
    customers.name,
    coalesce(array_agg(identities.identity order by identities.identity) filter (where identities.identity is not null), '{}') as identities,
    min(identities.first_seen_at) as first_at,
    max(identities.last_seen_at) as last_at,
    -- A message in which two identities of one customer stand counts once for each.
    coalesce(sum(identities.message_count), 0)::bigint as message_count
from {{ source('crm', 'customers') }} as customers
left join identities using (customer_id)
where customers.archived_at is null
group by customers.customer_id, customers.name
