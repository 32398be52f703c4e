-- Grain: one row per message that has a copy which the incremental table has not taken in yet. Short: a refresh
-- empties it. The same fold, over those copies and the stored rows of the same messages (macros/tail.sql).
-- depends_on: {{ ref('message_copies') }}
-- depends_on: {{ ref('messages') }}
{{ config(materialized='view', pre_hook="{{ create_fold_tail(ref('messages')) }}") }}
select {{ folded_columns() | join(', ') }} from canonical.{{ fold_tail() }}()
