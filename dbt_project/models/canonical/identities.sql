-- Grain: one row per outside identity seen in a message. Recounted whole for each identity that a refresh touched.
-- depends_on: {{ ref('messages') }}
{{ config(
    incremental_strategy='append',
    pre_hook="{{ forget_touched('identity', touched_identities()) }}",
    indexes=[{'columns': ['identity'], 'unique': true}, {'columns': ['last_inbound_at']}],
) }}
with

participants as (

    select * from {{ ref('message_participants') }}
    where not is_ours and is_first

),

touched as (

    select participants.*
    from participants
    {% if is_incremental() %}
    where identity in ({{ touched_identities() }})
    {% endif %}

)

select
    identity,
    (array_agg(display_name order by sent_at desc, message_id desc) filter (where display_name is not null))[1] as display_name,
    min(sent_at) as first_seen_at,
    max(sent_at) as last_seen_at,
    -- Who only ever stood in To or Cc did not write to us.
    max(sent_at) filter (where role = 'from') as last_inbound_at,
    count(*) as message_count
from touched
group by identity
