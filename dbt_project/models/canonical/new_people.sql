-- Grain: one row per outside identity that is new, called otherwise now, or gone. A working table.
{{ config(materialized='table', meta={'working': true}) }}
select touched.identity, now.identity is not null as is_found, canonical.search_text(coalesce(now.display_name, '')) as name
from {{ ref('touched_identities') }} as touched
left join {{ ref('identities') }} as now on now.identity = touched.identity
{% if not builds_whole() -%}
left join {{ stored('search_people') }} as standing on standing.identity = touched.identity
where now.identity is null or standing.name is distinct from canonical.search_text(coalesce(now.display_name, ''))
{%- endif %}
