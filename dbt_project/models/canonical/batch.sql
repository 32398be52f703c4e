-- Grain: one row per message that this fold touches: as it is with the new copies, and how it stood before. One that was destroyed
-- (privacy.forgetting) is nothing any more: what hangs on it is forgotten and counted anew by the same steps. A working table.
{{ config(materialized='table', meta={'working': true}) }}
{% if builds_whole() %}
with

copies as (

    select * from {{ ref('new_copies') }}

),

{{ partials_of('copies') }}

select folded.*, false as was_shown, {{ former_columns(none) }}, false as is_destroyed, null::jsonb as former_same_as
from ({{ folded_rows('partials') }}) as folded
-- depends_on: {{ ref('new_rows') }}
{% else %}
with

forgotten as materialized (

    select row_id as message_id from {{ ref('new_rows') }} where raw_table = 'privacy.forgetting' and load_id = 'message'

),

copies as materialized (

    select * from {{ ref('new_copies') }}

),

stored as not materialized (

    select * from {{ stored('messages') }}

),

{{ partials_of('copies', 'stored') }},

folded as (

    {{ folded_rows('partials') }}

)

select
    folded.*, coalesce(stored.content_order is not null, false) as was_shown, {{ former_columns('stored') }}, false as is_destroyed,
    null::jsonb as former_same_as
from folded
left join stored on stored.message_id = folded.message_id
where folded.message_id not in (select message_id from forgotten)

union all

select
    {% for column in folded_columns() -%}
    {% if column in ('message_id', 'channel', 'provider_message_id', 'thread_key') -%}
    stored.{{ column }},
    {% elif column == 'facts' -%}
    '{}'::jsonb as facts,
    {% elif column == 'attachments' -%}
    '[]'::jsonb as attachments,
    {% else -%}
    -- A null of its type and collation.
    case when false then stored.{{ column }} end as {{ column }},
    {% endif -%}
    {% endfor -%}
    case when false then stored.sort_key end as sort_key,
    stored.content_order is not null, {{ former_columns('stored') }}, true, stored.same_as
from forgotten
inner join stored using (message_id)
{% endif %}
