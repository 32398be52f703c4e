-- Every event that counts as a message is in a message: its raw reference stands among raw_refs. Rows are faults.
with

shown as (

    select jsonb_object_keys(facts) as raw_ref from {{ ref('live_messages') }}

)

select raw_ref from {{ ref('marts_outcomes') }} as outcomes
where outcome = 'message'
    and not exists (select 1 from shown where shown.raw_ref = outcomes.raw_ref)
