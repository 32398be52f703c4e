-- Grain: one row per identity that a provider told to be the same person's as another: a business-scoped id and the phone number that it
-- was seen with, or the id before it. The latest telling counts. Applied here and nowhere else: threads and links read this.
{{ config(
    meta={'forget': 'touched_aliases', 'forget_key': 'identity'},
    indexes=[{'columns': ['identity'], 'unique': true}, {'columns': ['same_as']}],
) }}
-- depends_on: {{ ref('touched_aliases') }}
with

latest as not materialized (

    select distinct on (identity) identity, same_as
    from {{ ref('same_as') }}
    where how in ('seen together', 'changed user id')
    order by identity, how = 'seen together' desc, last_at desc, same_as collate "C"

)

-- An id that replaced another leads on to the number of that one.
select latest.identity, coalesce(further.same_as, latest.same_as) as same_as
from latest
left join latest as further on further.identity = latest.same_as
{% if is_incremental() %}
where latest.identity in (select identity from {{ ref('touched_aliases') }})
{% endif %}
