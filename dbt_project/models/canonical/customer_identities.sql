-- Grain: one row per identity that belongs to a customer: by its own open link, a decision, joined at read time and never copied into a
-- table; or by that of the phone number or id that a provider told to be the same person's (aliases). An own link counts more.
{{ config(materialized='view') }}
select identity, customer_id, linked_at from {{ source('crm', 'identity_links') }} where ended_at is null

union all

select aliases.identity, links.customer_id, links.linked_at
from {{ ref('aliases') }} as aliases
inner join {{ source('crm', 'identity_links') }} as links on links.identity = aliases.same_as and links.ended_at is null
where not exists (
    select 1 from {{ source('crm', 'identity_links') }} as own where own.identity = aliases.identity and own.ended_at is null
)
