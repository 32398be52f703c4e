-- Grain: one row per raw row that this fold read, or that was destroyed, and that has events in quarantine, from now on or so far. A working table.
{{ config(materialized='table', meta={'working': true}) }}
select split_part(raw_ref, '#', 1) as raw_row from {{ ref('touched_events') }}

union

select row_id from {{ ref('new_rows') }} where raw_table = 'privacy.forgetting' and load_id = 'raw row'
