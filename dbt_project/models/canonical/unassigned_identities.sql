-- Grain: one row per identity that belongs to no customer, neither by a link of its own nor by that of the identity that it leads to (what
-- customer_identities holds is the rest), and that nobody marked as no customer. Each part is asked of a table by its key, so that a page of
-- the newest is found without looking through all.
{{ config(materialized='view') }}
select
    seen.identity,
    seen.display_name,
    seen.first_seen_at,
    seen.last_seen_at,
    seen.last_inbound_at,
    seen.last_inbound_key,
    seen.message_count
from {{ ref('identities') }} as seen
where not exists (
    select 1 from {{ source('crm', 'identity_links') }} as own where own.identity = seen.identity and own.ended_at is null
)
and not exists (
    select 1
    from {{ ref('aliases') }} as aliases
    inner join {{ source('crm', 'identity_links') }} as links on links.identity = aliases.same_as and links.ended_at is null
    where aliases.identity = seen.identity
)
and not exists (
    select 1 from {{ source('crm', 'not_customers') }} as marks where marks.identity = seen.identity and marks.ended_at is null
)
