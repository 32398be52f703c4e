-- Grain: one row per message and outside participant.
select
    links.customer_id,
    entries.identity,
    {%- for column in timeline_names() %}
    entries.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('shown_entries') }} as entries
left join {{ ref('customer_identities') }} as links on links.identity = entries.identity
