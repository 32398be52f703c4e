-- Grain: one row per identity without a customer and customer of the same name. A suggestion with its evidence, for a
-- person to decide; nothing is linked by it.
with

identities as (

    select * from {{ ref('marts_identities') }}

),

names as (

    -- The name a customer is filed under, and the names its linked identities go by.
    select customer_id, lower(name) as name from {{ source('crm', 'customers') }}
    union
    select customer_id, lower(display_name) from identities where customer_id is not null and display_name is not null

)

select
    identities.identity,
    names.customer_id,
    'same name'::text as reason,
    jsonb_build_object(
        'display_name', identities.display_name, 'first_seen_at', identities.first_seen_at,
        'message_count', identities.message_count
    ) as evidence
from identities
inner join names on names.name = lower(identities.display_name)
where identities.customer_id is null
    -- Spoofable senders and short codes are never suggested (design.md §7).
    and identities.scheme not in ('short_code', 'alphanumeric', 'sip')
