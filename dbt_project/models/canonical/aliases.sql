-- Grain: one row per identity that a provider told to be the same person's as another: a business-scoped id and the phone number that it
-- was seen with, or the id before it. The latest telling counts. Applied here and nowhere else: threads and links read this.
{{ config(
    meta={'forget': 'touched_aliases', 'forget_key': 'identity'},
    indexes=[{'columns': ['identity'], 'unique': true}, {'columns': ['same_as']}],
) }}
-- depends_on: {{ ref('touched_aliases') }}
with

told as not materialized (

    select identity, same_as, last_at, how = 'seen together' as is_number
    from {{ ref('same_as') }}
    where how in ('seen together', 'changed user id')

),

latest as materialized (

    select distinct on (told.identity) told.identity, told.same_as
    from told
    {% if is_incremental() %}
    inner join {{ ref('touched_aliases') }} as touched on touched.identity = told.identity
    {% endif %}
    order by told.identity, told.is_number desc, told.last_at desc, told.same_as collate "C"

),

-- An id that replaced another leads on to the number of that one.
further as materialized (

    select distinct on (told.identity) told.identity, told.same_as
    from told
    inner join (select distinct same_as from latest) as reached on reached.same_as = told.identity
    order by told.identity, told.is_number desc, told.last_at desc, told.same_as collate "C"

)

select latest.identity, coalesce(further.same_as, latest.same_as) as same_as
from latest
left join further on further.identity = latest.same_as
