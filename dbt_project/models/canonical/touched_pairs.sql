-- Grain: one row per pair of identities that this fold was told of. A working table.
{{ config(materialized='table', meta={'working': true}) }}
select distinct pair_id, identity from ({{ told_pairs(ref('batch')) }}) as told
