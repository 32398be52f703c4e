-- Grain: one row per message, identity and role. The hook empties what a refresh folded anew: an id may have moved to another message.
-- The timeline of an identity is a scan of the index on it.
-- The hook's index covers the recount; dbt's own list of indexes knows neither include nor where. After a rebuild the
-- next refresh makes it: the table that is being replaced still holds the name.
{{ config(
    incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where message_id in (select message_id from {{ ref('messages') }} where folded_for = canonical.target_horizon()){% endif %}",
    indexes=[
        {'columns': ['identity', 'sent_at', 'message_id']},
        {'columns': ['message_id']},
    ],
    post_hook="create index if not exists message_participants_recount on {{ this }} (identity) include (message_id, sent_at, role, display_name) where is_first and not is_ours",
) }}
with

refolded as (

    select * from {{ ref('messages') }}
    {% if is_incremental() %}
    where folded_for = canonical.target_horizon()
    {% endif %}

)

{{ participants_of('refolded') }}
