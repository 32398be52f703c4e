-- Grain: one row per raw row that this fold read and that has events in quarantine, from now on or so far. A working table.
{{ config(materialized='table', meta={'working': true}) }}
select distinct split_part(raw_ref, '#', 1) as raw_row from {{ ref('touched_events') }}
