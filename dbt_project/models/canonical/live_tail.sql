-- Grain: one row per message that has a copy which the incremental table has not taken in yet. Short: a refresh
-- empties it. The same fold, over those copies and the stored rows of the same messages.
{{ config(materialized='view') }}
with

copies as materialized (

    select * from {{ ref('message_copies') }}
    where transaction_id >= canonical.processed_horizon()

),

stored as not materialized (

    select * from {{ ref('messages') }}

),

{{ partials_of('copies', 'stored') }},

folded as (

    {{ fold('partials') }}

)

select {{ folded_columns() | join(', ') }} from folded
