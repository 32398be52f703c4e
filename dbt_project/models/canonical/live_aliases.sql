-- Grain: one row per identity that a provider told to be the same person's as another: a business-scoped id and the phone number that it
-- was seen with, or the id before it. The latest telling counts. As of now: stored, and what the live tail tells.
{{ config(materialized='view') }}
with

told as (

    select identity, same_as, how, last_at from {{ ref('same_as') }}

    union all

    select pair ->> 'identity', pair ->> 'same_as', pair ->> 'how', (pair ->> 'at')::timestamptz
    from {{ ref('live_tail') }} as tail
    cross join lateral jsonb_array_elements(tail.same_as) as pair
    where tail.same_as is not null

),

latest as (

    select distinct on (identity) identity, same_as
    from told
    where how in ('seen together', 'changed user id')
    order by identity, how = 'seen together' desc, last_at desc, same_as collate "C"

)

-- An id that replaced another leads on to the number of that one.
select latest.identity, coalesce(further.same_as, latest.same_as) as same_as
from latest
left join latest as further on further.identity = latest.same_as
