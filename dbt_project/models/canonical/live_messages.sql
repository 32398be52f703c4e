-- Grain: one row per message, as of now: the stored rows, and in place of some of them their live form.
{{ config(materialized='view') }}
with

tail as materialized (

    select * from {{ ref('live_tail') }}

)

select {{ folded_columns() | join(', ') }} from {{ ref('messages') }} as stored
where stored.content_order is not null
    and not exists (select 1 from tail where tail.message_id = stored.message_id)

union all

select {{ folded_columns() | join(', ') }} from tail
where content_order is not null
