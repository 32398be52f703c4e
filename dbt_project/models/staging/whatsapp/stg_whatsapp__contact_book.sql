-- Grain: one row per number in the contact book of the business's WhatsApp app that was not removed again (docs/providers/whatsapp.md).
-- Read from raw each time: few look at suggestions, and the book comes once.
with

told as (

    select
        {{ whatsapp_identity("item #>> '{contact,phone_number}'") }} as identity,
        nullif(item #>> '{contact,full_name}', '') as name,
        item ->> 'action' as action,
        coalesce(told_time, received_at) as told_at,
        raw_ref
    from {{ ref('stg_whatsapp__webhook_events') }}
    where event = 'contact book' and outcome = 'system_event'

),

latest as (

    select distinct on (identity) identity, name, action
    from told
    where identity is not null
    order by identity, told_at desc, raw_ref desc

)

select identity, name from latest
where action is distinct from 'remove' and name is not null
