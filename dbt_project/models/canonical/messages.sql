-- Grain: one row per message; one per message of which only a status or a removal is known so far (content_order null), kept
-- until its content arrives; one per receipt of a thread (delivered or read up to here); one per id that belongs to another message
-- (moved_to). Readers take those with content_order.
{{ config(
    meta={'forget': 'batch', 'forget_key': 'message_id'},
    indexes=[
        {'columns': ['message_id'], 'unique': true},
        {'columns': ['connection_id', 'sent_at']},
        {'columns': ['reference_id']},
        {'columns': ['folded_in']},
    ],
    post_hook=[
        index_of("messages_thread", "(channel, thread_key, sort_key) include (message_id, direction, counterpart_identity, sent_at) where content_order is not null"),
        index_of("messages_moved", "(message_id) where moved_to is not null"),
        empty_whole(),
        index_of("messages_waiting", "(channel, received_at) where content_order is null and moved_to is null"),
    ],
) }}
{% if is_incremental() %}
select
    {% for column in folded_columns() -%}
    {{ column }},
    {% endfor -%}
    sort_key,
    {{ fold_number() }} as folded_in
from {{ ref('batch') }}
where not is_destroyed
{% elif builds_whole() %}
-- depends_on: {{ ref('batch') }}
-- depends_on: {{ ref('kept_copies') }}
select * from {{ ref('whole_1') }}
union all
select * from {{ ref('whole_2') }}
union all
select * from {{ ref('whole_3') }}
{% else %}
with

copies as not materialized (

    select * from {{ ref('kept_copies') }}
    where {{ is_within_target() }}

),

{{ whole_fold() }}
{% endif %}
