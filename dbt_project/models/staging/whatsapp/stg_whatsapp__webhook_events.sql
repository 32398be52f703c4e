-- Grain: one row per event in a POST of WhatsApp: a message, an echo, a status, a call, an error, a piece of the history …
-- (docs/providers/meta.md, docs/providers/whatsapp.md). What a change holds besides is one event too, so that all that arrived is accounted for.
-- `offset 0` marks a fence: what is read more than once is computed behind one, because the planner would repeat it for each reader.
{% set parts = {
    'messages': 'message', 'statuses': 'status', 'message_echoes': 'echo', 'calls': 'call', 'errors': 'error',
    'user_preferences': 'preference', 'user_id_update': 'user id', 'state_sync': 'contact book', 'history': 'history',
} %}
{% set correspondence = "'messages', 'message_echoes', 'user_id_update', 'smb_message_echoes', 'history', 'standby', 'calls', 'user_preferences', 'smb_app_state_sync'" %}
{% set administration = "'^(account_|business_|phone_number_|message_template_|template_|security$|flows$|group_|payment_configuration|tracking_events$|partner_solutions$|automatic_events$|messaging_handovers$)'" %}
{% set cases = whatsapp_cases(administration) %}
with

{{ owners_by('whatsapp', ['phone_number_id', 'business_account_id']) }},

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
        found.*
    from deliveries
    cross join lateral (
        select
            *,
            {{ bounded_key("value #>> '{metadata,phone_number_id}'") }} as phone_number_id,
            value #>> '{metadata,display_phone_number}' as display_phone_number,
            field in ({{ correspondence }}) as is_correspondence,
            coalesce(value -> 'contacts', value #> '{standby,contacts}') as contacts
        from (
            select '' as place, null::text as account_id, payload ->> 'field' as field, payload -> 'value' as value
            where jsonb_typeof(payload -> 'entry') is distinct from 'array' or payload -> 'entry' = '[]'

            union all

            select '#' || entries.number || coalesce('.' || listed.number, ''), {{ bounded_key("entry ->> 'id'") }}, change ->> 'field', change -> 'value'
            from {{ numbered_elements_of("payload -> 'entry'") }} as entries (entry, number)
            left join {{ numbered_elements_of("entry -> 'changes'") }} as listed (change, number) on true
        ) as placed
        offset 0
    ) as found

),

items as (

    select
        changes.*,
        held.part,
        held.position,
        held.item,
        held.thread_id,
        held.of_standby
    from changes
    cross join lateral (
        select told.part, told.prefix || told.number as position, told.item, told.thread_id, lists.of_standby
        from (
            select of_standby, prefix || '.' || {{ bounded_key('name') }} as place, name, list, jsonb_typeof(list) as type,
                case when not of_standby or name in ('messages', 'statuses', 'message_echoes', 'calls', 'errors') then case name
                    {% for name, part in parts.items() %}when '{{ name }}' then '{{ part }}' {% endfor %}
                end end as part
            from (
                select '' as prefix, name, list, false as of_standby
                from jsonb_each(case jsonb_typeof(value) when 'object' then value else '{}' end) as listed (name, list)

                union all

                select '.standby', name, list, true
                from jsonb_each(case jsonb_typeof(value -> 'standby') when 'object' then value -> 'standby' else '{}' end) as listed (name, list)
                where value ? 'standby'
            ) as held
            where name not in ('messaging_product', 'metadata', 'contacts')
            offset 0
        ) as lists
        cross join lateral (
            select lists.part, lists.place || '.' as prefix, number::text, case
                -- What stands in for the business here is the request that it sent.
                when of_standby and lists.part = 'echo' and jsonb_typeof(item) = 'object' then item || case jsonb_typeof(item -> 'message') when 'object' then item -> 'message' else '{}' end
                else item
            end as item, null as thread_id
            from {{ numbered_elements_of("case when lists.part <> 'history' then list end") }} as listed (item, number)

            union all

            select coalesce(inside.part, 'history'), lists.place || '.', pieces.number || coalesce(inside.position, ''), coalesce(inside.item, piece), inside.thread_id
            from {{ elements_of("case when lists.part = 'history' then list end") }} with ordinality as pieces (piece, number)
            left join lateral (
                select 'history message' as part, '.' || threads.number || '.' || messages.number as position, messages.item, thread ->> 'id' as thread_id
                from {{ elements_of("piece -> 'threads'") }} with ordinality as threads (thread, number)
                cross join lateral {{ elements_of("thread -> 'messages'") }} with ordinality as messages (item, number)

                union all

                select 'malformed', '.' || threads.number, '"messages of a thread"', null
                from {{ elements_of("piece -> 'threads'") }} with ordinality as threads (thread, number)
                where jsonb_typeof(thread -> 'messages') is distinct from 'array'

                union all

                select 'error', '.errors.' || errors.number, errors.item, null
                from {{ elements_of("piece -> 'errors'") }} with ordinality as errors (item, number)

                union all

                select case when name in ('threads', 'errors') then 'malformed' else 'unknown list' end, '.' || {{ bounded_key('name') }}, to_jsonb(name), null
                from jsonb_each(case jsonb_typeof(piece) when 'object' then piece else '{}' end) as listed (name, held)
                where case when name in ('threads', 'errors') then jsonb_typeof(held) <> 'array' else jsonb_typeof(held) = 'array' and held <> '[]' end
            ) as inside on true
            where lists.part = 'history'

            union all

            -- A list that is none, or one that nobody knows: this branch takes every list that no other took.
            select case when lists.part is null then 'unknown list' else 'malformed' end, lists.place, '', to_jsonb(name), null
            where (field is null or is_correspondence)
                and case when lists.part is null then type = 'array' and list <> '[]' else type <> 'array' end
        ) as told

        union all

        -- A change that holds none of these, and every change of a field that is not correspondence.
        select 'change', '', value, null, false
        where coalesce(not is_correspondence, false) or not (
            -- Asked for first, because it is nearly always one of these.
            {% for name in ['messages', 'statuses', 'message_echoes'] -%}
            coalesce(jsonb_typeof(value -> '{{ name }}') = 'array' and value -> '{{ name }}' <> '[]', false) or
            {% endfor -%}
            exists (
            select from (values (value, false), (value -> 'standby', true)) as holders (holder, of_standby)
            cross join lateral jsonb_each(case jsonb_typeof(holder) when 'object' then holder else '{}' end) as listed (name, list)
            where name not in ('messaging_product', 'metadata', 'contacts') and case
                when jsonb_typeof(list) = 'array' then list <> '[]'
                when of_standby then name in ('messages', 'statuses', 'message_echoes', 'calls', 'errors')
                else name in ({% for name in parts %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %})
            end
            )
        )
        offset 0
    ) as held

),

read as (

    select
        items.*,
        told.raw_ref,
        told.item_id,
        told.type,
        told.event,
        canonical.from_epoch(told.stamp) as told_time
    from items
    cross join lateral (
        select
            'raw.webhook_deliveries/' || delivery_id || place || position as raw_ref,
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
            coalesce(item ->> 'timestamp', item #>> '{metadata,timestamp}') as stamp
        offset 0
    ) as told

),

owned as (

    select
        read.*,
        number_connection_id,
        coalesce(number_connection_id, account_connection_id) as owner_id,
        -- The scope of a business-scoped id is the portfolio, which a payload does not name.
        coalesce(
            (select settings from owners) -> number_connection_id ->> 'portfolio_id',
            (select settings from owners) -> account_connection_id ->> 'portfolio_id',
            (select settings from owners) -> number_connection_id ->> 'business_account_id',
            account_id
        ) as scope
    from read
    cross join lateral (
        select
            {{ owner_of('phone_number_id', 'read.phone_number_id', 'read.delivered_to') }} as number_connection_id,
            {{ owner_of('business_account_id', 'read.account_id', 'read.delivered_to') }} as account_connection_id
        offset 0
    ) as owner

),

judged as (

    select owned.*, verdict.number as verdict, verdict.outcome
    from owned
    cross join {{ verdict_of(cases) }} as verdict

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
    outcome,
    {{ verdict_reason(cases, 'verdict') }} as reason
from judged
