-- Grain: one row per message; one per message of which only a status or a removal is known so far (content_order null), kept
-- until its content arrives; one per watermark of a thread; one per id that belongs to another message (moved_to). Folds the
-- copies of finished transactions below the target horizon with the rows that stand here already; the live tail is added by
-- live_messages.
-- The hook's indexes cover the recount; dbt's own list of indexes knows neither include nor where. After a rebuild the
-- next refresh makes them: the table that is being replaced still holds the names.
-- depends_on: {{ ref('message_copies') }}
{{ config(
    unique_key='message_id',
    indexes=[
        {'columns': ['message_id'], 'unique': true},
        {'columns': ['channel', 'thread_key', 'sent_at']},
        {'columns': ['counterpart_identity', 'sent_at']},
        {'columns': ['reference_id']},
        {'columns': ['folded_for']},
    ],
    post_hook=[
        "create index if not exists messages_thread_recount on {{ this }} (channel, thread_key) include (message_id, sent_at, direction, counterpart_identity) where content_order is not null",
        "create index if not exists messages_moved on {{ this }} (message_id) where moved_to is not null",
        "create index if not exists messages_waiting on {{ this }} (connection_id) where content_order is null and moved_to is null",
    ],
) }}
with

-- New ones by function, which opens only the doors that something came through; all of them by the view.
copies as {{ 'materialized' if is_incremental() else 'not materialized' }} (

    {% if is_incremental() -%}
    select * from canonical.{{ fresh_copies() }}(canonical.processed_horizon(), canonical.target_horizon())
    {%- else -%}
    select * from {{ ref('message_copies') }}
    where transaction_id < canonical.target_horizon()
    {%- endif %}

),

stored as not materialized (

    {% if is_incremental() -%}
    select * from {{ this }}
    {%- else -%}
    select null as nothing_is_stored
    {%- endif %}

),

{{ partials_of('copies', 'stored' if is_incremental() else none) }},

folded as (

    {{ fold('partials') }}

)

select
    {% for column in folded_columns() -%}
    folded.{{ column }},
    {% endfor -%}
    -- Which refresh wrote the row, so that the models behind this one know what is new to them.
    canonical.target_horizon() as folded_for,
    -- Where the row stood before and stands no more: its former thread and participants are counted anew, too.
    {% if is_incremental() -%}
    {{ left_behind('stored', 'folded') }} as left_behind
    {%- else -%}
    null::jsonb as left_behind
    {%- endif %}
from folded
{% if is_incremental() -%}
left join stored on stored.message_id = folded.message_id
{%- endif %}
