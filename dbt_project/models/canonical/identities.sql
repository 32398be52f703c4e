-- Grain: one row per outside identity seen in a message.
{{ config(
    meta={'forget': 'touched_identities', 'forget_key': 'identity'},
    indexes=[{'columns': ['identity'], 'unique': true}, {'columns': ['last_inbound_key']}],
    post_hook=[index_of("identities_that_never_wrote", "(last_seen_at, identity) where last_inbound_key is null")],
) }}
-- depends_on: {{ ref('touched_identities') }}
with

participants as not materialized (

    select * from {{ ref('message_participants') }}
    where not is_ours and is_first

),

{% if is_incremental() %}
touched as not materialized (

    select * from {{ ref('touched_identities') }}

),

parts as (

    -- What stands, what is added, and what is counted anew.
    select stored.identity, stored.message_count, stored.first_seen_at, stored.last_seen_at, stored.last_inbound_at, stored.last_inbound_key,
        stored.display_name_mark
    from touched
    inner join {{ this }} as stored using (identity)
    where not touched.is_recounted

    union all

    select identity, message_count, first_seen_at, last_seen_at, last_inbound_at, last_inbound_key, display_name_mark
    from touched
    where not is_recounted

    union all

    select touched.identity, counted.*
    from touched
    cross join lateral (
        select {{ counts_of_identity() }} from participants where participants.identity = touched.identity
    ) as counted
    where touched.is_recounted and counted.message_count > 0

)
{% else %}
parts as (

    select identity, {{ counts_of_identity() }} from participants group by identity

)
{% endif %}

select
    identity,
    {{ marked('max(display_name_mark collate "C")') }} as display_name,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    max(last_inbound_at) as last_inbound_at,
    max(last_inbound_key collate "C") as last_inbound_key,
    sum(message_count)::bigint as message_count,
    max(display_name_mark collate "C") as display_name_mark
from parts
group by identity
