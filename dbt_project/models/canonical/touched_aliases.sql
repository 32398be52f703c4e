-- Grain: one row per identity whose alias this fold may change: it was told of, or it leads to one that was. A working table.
{{ config(materialized='table', meta={'working': true}) }}
select identity from {{ ref('touched_pairs') }}

union

select further.identity
from {{ ref('same_as') }} as further
where further.same_as in (select identity from {{ ref('touched_pairs') }})
