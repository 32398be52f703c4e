-- Grain: one row per message, identity and role. The timeline of an identity is a scan of the index on it.
{{ config(
    unique_key='message_id',
    indexes=[
        {'columns': ['identity', 'sent_at', 'message_id']},
        {'columns': ['message_id']},
    ],
) }}
with

refolded as (

    select * from {{ ref('messages') }}
    {% if is_incremental() %}
    where folded_for = canonical.target_horizon()
    {% endif %}

)

{{ participants_of('refolded') }}
