-- Grain: one row per message that has a copy which the incremental table has not taken in yet. Short: a refresh
-- empties it. The same fold, over those copies and the stored rows of the same messages.
{{ config(materialized='view') }}
with

copies as materialized (

    select * from {{ ref('message_copies') }}
    where transaction_id >= canonical.processed_horizon()

),

partials as (

    select {{ partial_columns() | join(', ') }} from copies

    union all

    select {{ partial_columns() | join(', ') }} from {{ ref('messages') }}
    where message_id in (select message_id from copies)

),

folded as (

    {{ fold('partials') }}

)

select {{ folded_columns() | join(', ') }} from folded
