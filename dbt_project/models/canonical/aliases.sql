-- Grain: one row per identity that a provider told to be the same person's as another: a business-scoped id and the phone number that it
-- was seen with, or the id before it. The latest telling counts. Applied here and nowhere else: threads and links read this.
{{ config(
    meta={'forget': 'touched_aliases', 'forget_key': 'identity'},
    indexes=[{'columns': ['identity'], 'unique': true}, {'columns': ['same_as']}],
) }}
-- depends_on: {{ ref('touched_aliases') }}
with recursive

{% if not is_incremental() %}
latest as materialized (

    select distinct on (identity) identity, same_as
    from {{ ref('same_as') }}
    where how in ({{ ways_that_count() }})
    order by identity, {{ latest_first() }}

),
{% endif %}

steps as (

    select {{ 'touched.identity' if is_incremental() else 'latest.identity' }}, latest.same_as, 1 as depth
    {% if is_incremental() -%}
    from {{ ref('touched_aliases') }} as touched
    {{ latest_of('touched.identity') }}
    {%- else -%}
    from latest
    {%- endif %}

    union all

    -- An id that replaced another leads on to the number of that one. A forged circle ends.
    select steps.identity, latest.same_as, steps.depth + 1
    from steps
    {% if is_incremental() -%}
    {{ latest_of('steps.same_as') }}
    {%- else -%}
    inner join latest on latest.identity = steps.same_as
    {%- endif %}
    where steps.depth < {{ most_steps_of_an_alias() }}

)

select distinct on (identity) identity, same_as
from steps
order by identity, depth desc
