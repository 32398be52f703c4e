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
    -- What anybody can send under, and what is one call or one mail, is never suggested.
    and identities.scheme in (select scheme from {{ ref('identity_schemes') }} where is_suggested)

union

-- What a provider told of two identities and what does not count by itself: a changed number, another spelling of one.
select
    told.identity,
    links.customer_id,
    told.how as reason,
    jsonb_build_object('same_as', told.other, 'first_at', told.first_at, 'last_at', told.last_at, 'message_id', told.message_id)
from (
    select identity, same_as as other, how, first_at, last_at, message_id from {{ ref('same_as') }}
    union all
    select same_as, identity, how, first_at, last_at, message_id from {{ ref('same_as') }}
) as told
inner join {{ source('crm', 'identity_links') }} as links on links.identity = told.other and links.ended_at is null
where told.how not in ('seen together', 'changed user id')
    and not exists (
        select 1 from {{ source('crm', 'identity_links') }} as own where own.identity = told.identity and own.ended_at is null
    )

union

-- The name under which the business saved the number in its WhatsApp app (docs/providers/whatsapp.md).
select
    saved.identity,
    names.customer_id,
    'name in the contact book',
    jsonb_build_object('name', saved.name)
from {{ ref('stg_whatsapp__contact_book') }} as saved
inner join names on names.name = lower(saved.name)
where not exists (
    select 1 from {{ source('crm', 'identity_links') }} as own where own.identity = saved.identity and own.ended_at is null
)
