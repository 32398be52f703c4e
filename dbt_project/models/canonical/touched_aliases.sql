-- Grain: one row per identity whose alias this fold may change: it was told of, or it leads to one that was, over however many steps an alias
-- may take. A working table.
{{ config(materialized='table', meta={'working': true}) }}
with recursive

touched as (

    select identity, 1 as depth from {{ ref('touched_pairs') }}

    union

    select further.identity, touched.depth + 1
    from touched
    inner join {{ ref('same_as') }} as further on further.same_as = touched.identity
    where further.how in ({{ ways_that_count() }}) and touched.depth < {{ most_steps_of_an_alias() }}

)

select distinct identity from touched
