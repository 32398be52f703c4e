-- Grain: one row per message that this fold touches: as it is with the new copies, and how it stood before. A working table.
{{ config(materialized='table', meta={'working': true}) }}
{% if builds_whole() %}
with

copies as (

    select * from {{ ref('new_copies') }}

),

{{ partials_of('copies') }}

select folded.*, false as was_shown, {{ former_columns(none) }}
from ({{ folded_rows('partials') }}) as folded
{% else %}
with

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

select folded.*, coalesce(stored.content_order is not null, false) as was_shown, {{ former_columns('stored') }}
from folded
left join stored on stored.message_id = folded.message_id
{% endif %}
