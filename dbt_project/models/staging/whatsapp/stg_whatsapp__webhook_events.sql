-- Grain: one row per event in a POST of WhatsApp: a message, an echo, a status, a call, an error, a piece of the history …
-- (providers.md §6.3, §7). What a change holds besides is one event too, so that all that arrived is accounted for.
{% set known_lists = "array['messages', 'statuses', 'message_echoes', 'calls', 'errors', 'user_preferences', 'state_sync', 'history']" %}
{% set correspondence = "'^(messages|smb_message_echoes|history|standby|calls|user_preferences|smb_app_state_sync)$'" %}
{% set administration = "'^(account_|business_|phone_number_|message_template_|template_|security$|flows$|group_|payment_configuration|tracking_events$|partner_solutions$|automatic_events$|messaging_handovers$)'" %}
with

deliveries as (

    select delivery_id, connection_id as delivered_to, received_at, transaction_id, payload, payload_error
    from {{ landed('raw', 'webhook_deliveries') }} as deliveries
    where channel = 'whatsapp'

),

changes as (

    select
        deliveries.delivery_id,
        deliveries.delivered_to,
        deliveries.received_at,
        deliveries.transaction_id,
        deliveries.payload_error,
        found.place,
        found.account_id,
        found.field,
        found.value
    from deliveries
    cross join lateral (
        select '' as place, null::text as account_id, payload ->> 'field' as field, payload -> 'value' as value
        where jsonb_typeof(payload -> 'entry') is distinct from 'array' or payload -> 'entry' = '[]'

        union all

        select '#' || entries.number || coalesce('.' || listed.number, ''), {{ bounded_key("entry ->> 'id'") }}, change ->> 'field', change -> 'value'
        from jsonb_array_elements(case jsonb_typeof(payload -> 'entry') when 'array' then payload -> 'entry' else '[]' end)
            with ordinality as entries (entry, number)
        left join lateral canonical.elements(entry -> 'changes') with ordinality as listed (change, number) on true
    ) as found

),

items as (

    select
        changes.*,
        value -> 'contacts' as contacts,
        {{ bounded_key("value #>> '{metadata,phone_number_id}'") }} as phone_number_id,
        value #>> '{metadata,display_phone_number}' as display_phone_number,
        held.part,
        held.position,
        held.item,
        held.thread_id,
        held.of_standby
    from changes
    cross join lateral (
        select 'message' as part, '.messages.' || number as position, item, null as thread_id, false as of_standby
        from canonical.elements(value -> 'messages') with ordinality as listed (item, number)

        union all

        select 'status', '.statuses.' || number, item, null, false
        from canonical.elements(value -> 'statuses') with ordinality as listed (item, number)

        union all

        select 'echo', '.message_echoes.' || number, item, null, false
        from canonical.elements(value -> 'message_echoes') with ordinality as listed (item, number)

        union all

        select 'message', '.standby.messages.' || number, item, null, true
        from canonical.elements(value #> '{standby,messages}') with ordinality as listed (item, number)

        union all

        select 'status', '.standby.statuses.' || number, item, null, true
        from canonical.elements(value #> '{standby,statuses}') with ordinality as listed (item, number)

        union all

        -- What stands in for the business here is the request that it sent.
        select 'echo', '.standby.message_echoes.' || number, item || case jsonb_typeof(item -> 'message') when 'object' then item -> 'message' else '{}' end, null, true
        from canonical.elements(value #> '{standby,message_echoes}') with ordinality as listed (item, number)

        union all

        select 'call', '.calls.' || number, item, null, false
        from canonical.elements(value -> 'calls') with ordinality as listed (item, number)

        union all

        select 'error', '.errors.' || number, item, null, false
        from canonical.elements(value -> 'errors') with ordinality as listed (item, number)

        union all

        select 'preference', '.user_preferences.' || number, item, null, false
        from canonical.elements(value -> 'user_preferences') with ordinality as listed (item, number)

        union all

        select 'contact book', '.state_sync.' || number, item, null, false
        from canonical.elements(value -> 'state_sync') with ordinality as listed (item, number)

        union all

        select
            coalesce(inside.part, 'history'), '.history.' || listed.number || coalesce(inside.position, ''), coalesce(inside.item, listed.item),
            inside.thread_id, false
        from canonical.elements(value -> 'history') with ordinality as listed (item, number)
        left join lateral (
            select 'history message' as part, '.' || threads.number || '.' || messages.number as position, messages.item, thread ->> 'id' as thread_id
            from canonical.elements(listed.item -> 'threads') with ordinality as threads (thread, number)
            cross join lateral canonical.elements(thread -> 'messages') with ordinality as messages (item, number)

            union all

            select 'error', '.errors.' || errors.number, errors.item, null
            from canonical.elements(listed.item -> 'errors') with ordinality as errors (item, number)
        ) as inside on true

        union all

        -- A list that is none, or one that nobody knows.
        select case when name = any({{ known_lists }}) then 'malformed' else 'unknown list' end, '.' || {{ bounded_key('name') }}, to_jsonb(name), null, false
        from jsonb_each(case when jsonb_typeof(value) = 'object' and field ~ {{ correspondence }} then value else '{}' end) as listed (name, list)
        where case when name = any({{ known_lists }}) then jsonb_typeof(list) <> 'array' else jsonb_typeof(list) = 'array' and list <> '[]' and name <> 'contacts' end

        union all

        select 'change', '', value, null, false
        where jsonb_typeof(value) is distinct from 'object'
            or not exists (
                select from jsonb_each(case jsonb_typeof(value) when 'object' then value else '{}' end) as listed (name, list)
                where jsonb_typeof(list) = 'array' and list <> '[]' and name <> 'contacts'
                    or name = any({{ known_lists }}) and jsonb_typeof(list) <> 'array'
            )
            and not exists (
                select from jsonb_each(case jsonb_typeof(value -> 'standby') when 'object' then value -> 'standby' else '{}' end) as listed (name, list)
                where jsonb_typeof(list) = 'array' and list <> '[]' and name <> 'contacts'
            )
            or field !~ {{ correspondence }}
    ) as held

),

read as (

    select
        'raw.webhook_deliveries/' || delivery_id || place || position as raw_ref,
        items.*,
        {{ bounded_key("item ->> 'id'") }} as item_id,
        coalesce(item ->> 'type', '') as type,
        case
            when part in ('message', 'echo', 'history message') then case item ->> 'type'
                when 'edit' then 'edit' when 'revoke' then 'revoke' when 'reaction' then 'reaction' when 'system' then 'system'
                when 'request_welcome' then 'system' else 'message'
            end
            when part = 'status' and item ->> 'type' = 'call' then 'call'
            else part
        end as event,
        canonical.from_epoch(coalesce(item ->> 'timestamp', item #>> '{metadata,timestamp}')) as told_time
    from items

),

owned as (

    select
        read.*,
        by_number.connection_id as number_connection_id,
        coalesce(by_number.connection_id, by_account.connection_id) as owner_id,
        -- The scope of a business-scoped id is the portfolio, which a payload does not name.
        coalesce(
            by_number.settings ->> 'portfolio_id', by_account.settings ->> 'portfolio_id', by_number.settings ->> 'business_account_id', account_id
        ) as scope
    from read
    left join {{ owner_of('whatsapp', 'phone_number_id', 'read.phone_number_id', 'read.delivered_to') }} as by_number on true
    left join {{ owner_of('whatsapp', 'business_account_id', 'read.account_id', 'read.delivered_to') }} as by_account on true

)

select
    raw_ref,
    coalesce(owner_id, delivered_to) as connection_id,
    received_at,
    transaction_id,
    account_id,
    phone_number_id,
    display_phone_number,
    scope,
    field,
    part,
    event,
    item,
    item_id,
    type,
    contacts,
    thread_id,
    of_standby,
    told_time,
    {{ whatsapp_verdict('outcome', administration, correspondence) }} as outcome,
    {{ whatsapp_verdict('reason', administration, correspondence) }} as reason
from owned
