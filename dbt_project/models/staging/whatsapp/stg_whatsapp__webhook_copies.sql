-- Grain: one row per copy of a message, status of one, revision or reaction that WhatsApp's webhooks tell: live, as echoes of what
-- the business sent from its app, in standby, and as history (providers.md §7).
with

-- Used several times, so it would be computed whole, tail or not: it must be open to the readers' conditions.
events as not materialized (

    select
        *,
        {{ plausible_time('told_time', 'received_at') }} as provider_time,
        coalesce({{ sortable_time(plausible_time('told_time', 'received_at')) }}, {{ sortable_time('received_at') }}) as event_at,
        regexp_replace(display_phone_number, '[^0-9]', '', 'g') as our_digits
    from {{ ref('stg_whatsapp__webhook_events') }}
    where outcome in ('message', 'revision', 'reaction', 'status', 'system_event')
        and event in ('message', 'system', 'edit', 'revoke', 'reaction', 'status', 'call', 'preference')

),

-- Who is at the other end, in every address that the event or its contacts give.
placed as not materialized (

    select
        events.*,
        party.is_outbound,
        coalesce(party.wa_id, contact.wa_id) as wa_id,
        coalesce(party.user_id, contact.user_id) as user_id,
        coalesce(party.parent_user_id, contact.parent_user_id) as parent_user_id,
        contact.name as contact_name,
        contact.username,
        item ->> 'group_id' as group_id
    from events
    cross join lateral (
        select coalesce(
            part = 'echo' or event = 'status'
            or (event = 'call' and (part = 'status' or item ->> 'direction' = 'BUSINESS_INITIATED'))
            -- In the history, and only there, the sender tells the direction.
            or ((part = 'history message' or field = 'history') and regexp_replace(item ->> 'from', '[^0-9]', '', 'g') = our_digits),
            false
        ) as is_outbound
    ) as way
    cross join lateral (
        select
            way.is_outbound,
            nullif(case
                when event = 'status' or (event = 'call' and part = 'status')
                    then case when item ->> 'recipient_type' = 'group' then item ->> 'recipient_participant_id' else item ->> 'recipient_id' end
                -- Sender and recipient of an echo were seen exchanged: the one that is not ours counts.
                when part = 'echo' then case
                    when regexp_replace(item ->> 'to', '[^0-9]', '', 'g') = our_digits then item ->> 'from' else item ->> 'to'
                end
                when way.is_outbound then coalesce(thread_id, item ->> 'to')
                when event = 'preference' then item ->> 'wa_id'
                else item ->> 'from'
            end, '') as wa_id,
            nullif(case
                when event = 'status' or (event = 'call' and part = 'status')
                    then coalesce(item ->> 'recipient_participant_user_id', item ->> 'recipient_user_id')
                when part = 'echo' or way.is_outbound then item ->> 'to_user_id'
                when event = 'preference' then item ->> 'user_id'
                when event = 'system' then coalesce(item ->> 'from_user_id', item #>> '{system,previous_user_id}', item #>> '{system,user_id}')
                else item ->> 'from_user_id'
            end, '') as user_id,
            nullif(case
                when event = 'status' then coalesce(item ->> 'recipient_parent_user_id', item ->> 'parent_recipient_user_id')
                when part = 'echo' or way.is_outbound then item ->> 'to_parent_user_id'
                else item ->> 'from_parent_user_id'
            end, '') as parent_user_id
    ) as party
    left join lateral (
        select
            nullif(contact ->> 'wa_id', '') as wa_id,
            nullif(contact ->> 'user_id', '') as user_id,
            nullif(contact ->> 'parent_user_id', '') as parent_user_id,
            nullif(contact #>> '{profile,name}', '') as name,
            nullif(contact #>> '{profile,username}', '') as username
        from canonical.elements(contacts) with ordinality as listed (contact, number)
        where contact ->> 'wa_id' = party.wa_id or contact ->> 'user_id' = party.user_id
        order by number
        limit 1
    ) as contact on true

),

identified as not materialized (

    select
        placed.*,
        -- An address that is no number can only be one of the business's own scope.
        coalesce({{ whatsapp_identity('wa_id') }}, {{ bounded_key("'bsuid:' || scope || ':' || coalesce(user_id, wa_id)") }}) as counterpart,
        pairs.same_as
    from placed
    cross join lateral (
        select jsonb_agg(pair) as same_as
        from (
            select jsonb_build_object('identity', {{ bounded_key("'bsuid:' || scope || ':' || user_id") }}, 'same_as', {{ whatsapp_identity('wa_id') }},
                'how', 'seen together', 'at', event_at) as pair
            where {{ whatsapp_identity('wa_id') }} is not null and user_id is not null

            union all

            select jsonb_build_object('identity', {{ bounded_key("'bsuid_parent:' || scope || ':' || parent_user_id") }},
                'same_as', coalesce({{ whatsapp_identity('wa_id') }}, {{ bounded_key("'bsuid:' || scope || ':' || user_id") }}), 'how', 'seen together', 'at', event_at)
            where parent_user_id is not null and (wa_id is not null or user_id is not null)

            union all

            -- A change of the number: the new one is a suggestion; the ids that stand beside the numbers are theirs.
            select jsonb_build_object('identity', {{ whatsapp_identity("item #>> '{system,wa_id}'") }}, 'same_as', {{ whatsapp_identity("item ->> 'from'") }},
                'how', 'changed number', 'at', event_at)
            where event = 'system' and {{ whatsapp_identity("item #>> '{system,wa_id}'") }} <> {{ whatsapp_identity("item ->> 'from'") }}

            union all

            select jsonb_build_object('identity', {{ bounded_key("'bsuid:' || scope || ':' || (item #>> '{system,user_id}')") }}, 'same_as', {{ whatsapp_identity("item #>> '{system,wa_id}'") }},
                'how', 'seen together', 'at', event_at)
            where event = 'system' and {{ whatsapp_identity("item #>> '{system,wa_id}'") }} is not null and item #>> '{system,user_id}' <> ''

            union all

            select jsonb_build_object('identity', {{ bounded_key("'bsuid:' || scope || ':' || (item #>> '{system,user_id}')") }}, 'same_as', {{ bounded_key("'bsuid:' || scope || ':' || (item #>> '{system,previous_user_id}')") }},
                'how', 'changed user id', 'at', event_at)
            where event = 'system' and item #>> '{system,wa_id}' is null and item #>> '{system,user_id}' <> item #>> '{system,previous_user_id}'

            union all

            select {{ whatsapp_spelling(whatsapp_identity('wa_id'), 'event_at') }}
        ) as told
        where pair is not null
    ) as pairs

),

-- Events that are messages: they have content of their own.
messages as not materialized (

    select
        identified.*,
        case when event = 'preference' then {{ bounded_key("phone_number_id || '|' || counterpart || '|' || event_at || '|preference'") }} else item_id end as provider_id,
        case when is_outbound then 'outbound' else 'inbound' end as direction,
        case when is_outbound then display_phone_number else coalesce(nullif(item ->> 'from', ''), wa_id, user_id) end as from_address,
        case when not is_outbound then contact_name end as from_name,
        array_remove(array[case
            when group_id is not null then group_id
            when event = 'status' and item ->> 'recipient_type' = 'group' then item ->> 'recipient_id'
            when is_outbound then coalesce(wa_id, user_id)
            else display_phone_number
        end], null) as to_addresses,
        counterpart as counterpart_identity,
        canonical.bounded_key(phone_number_id || '|' || coalesce(
            group_id, case when item ->> 'recipient_type' = 'group' then item ->> 'recipient_id' end,
            regexp_replace(counterpart, '^(phone:|bsuid:[^:]*:)', '')
        )) as thread_key,
        shown.kind,
        null::text as subject,
        shown.body,
        null::text as quoted_body,
        shown.attachments,
        jsonb_build_array(
            jsonb_build_object(
                'identity', case when is_outbound then {{ whatsapp_identity('display_phone_number') }} else counterpart end, 'role', 'from',
                'is_ours', is_outbound, 'name', case when not is_outbound then {{ bounded_key('contact_name') }} end,
                'address', case when is_outbound then display_phone_number else coalesce(wa_id, user_id) end
            ),
            jsonb_build_object(
                'identity', case when is_outbound then counterpart else {{ whatsapp_identity('display_phone_number') }} end, 'role', 'to',
                'is_ours', not is_outbound, 'name', case when is_outbound then {{ bounded_key('contact_name') }} end,
                'address', case when is_outbound then coalesce(wa_id, user_id) else display_phone_number end
            )
        ) as participants,
        -- A forward has a context without an id.
        'whatsapp|' || {{ bounded_key("coalesce(item #>> '{context,id}', item #>> '{context,message_id}')") }} as in_reply_to,
        null::text as reference_id,
        null::text as in_reply_to_reference,
        coalesce(shown.metadata, '{}') || jsonb_strip_nulls(jsonb_build_object(
            'username', username,
            'whole_name', {{ whole_name('contact_name') }},
            'standby', case when of_standby then true end,
            'implausible_time', {{ implausible_time('told_time', 'received_at') }}
        )) as metadata
    from identified
    cross join lateral (
        select * from ({{ whatsapp_content('item') }}) as content
        where event in ('message', 'system')

        union all

        select 'system', coalesce(nullif(item ->> 'detail', ''), 'Preference: ' || coalesce(item ->> 'value', '?') || ' ' || coalesce(item ->> 'category', '')),
            '[]', jsonb_build_object('preference', item ->> 'category', 'preference_value', item ->> 'value')
        where event = 'preference'

        union all

        select 'call', '', '[]', jsonb_build_object('call', jsonb_strip_nulls(jsonb_build_object(
            'duration_seconds', canonical.try_integer(item ->> 'duration'), 'provider_status', lower(coalesce(item ->> 'status', item ->> 'event'))
        )))
        where event = 'call'

        union all

        -- What another program sent over the API: only its statuses tell that it exists.
        select 'unsupported', null, '[]', jsonb_strip_nulls(jsonb_build_object(
            'status_word', item ->> 'status',
            'conversation_id', item #>> '{conversation,id}',
            'conversation_origin', item #>> '{conversation,origin,type}',
            'pricing_category', item #>> '{pricing,category}',
            'billable', item #> '{pricing,billable}',
            'error_code', item #>> '{errors,0,code}',
            'error_message', item #>> '{errors,0,title}',
            'opaque_callback_data', item ->> 'biz_opaque_callback_data'
        )) || case when item ->> 'recipient_participant_id' <> ''
            then jsonb_build_object('status of ' || (item ->> 'recipient_participant_id'), item ->> 'status') else '{}' end
        where event = 'status'

        offset 0
    ) as shown

),

told as not materialized (

    select
        messages.*,
        case event
            when 'status' then case item ->> 'status' when 'played' then 'read' else item ->> 'status' end
            when 'call' then case
                when part = 'status' then case item ->> 'status' when 'REJECTED' then 'failed' else 'queued' end
                when item ->> 'event' = 'connect' then 'queued'
                when item ->> 'start_time' <> '' then 'completed'
                when is_outbound then 'failed'
                else 'missed'
            end
            else case
                when not is_outbound then 'received'
                else case item #>> '{history_context,status}'
                    when 'PENDING' then 'queued' when 'DELIVERED' then 'delivered' when 'READ' then 'read' when 'PLAYED' then 'read'
                    when 'ERROR' then 'failed' else 'sent'
                end
            end
        end as status_word,
        case
            when event = 'status' or part = 'status' then '0'
            when kind = 'unsupported' then '1'
            else '2' || case when body <> '' then '1' else '0' end || jsonb_array_length(attachments)::text
        end as completeness,
        case when part = 'history message' or field = 'history' then '1' else '2' end as version
    from messages

),

copies as (

    select
        'whatsapp|' || provider_id as message_id,
        'whatsapp' as channel,
        provider_id as provider_message_id,
        case when counterpart is not null and direction is not null then {{ content_order('completeness', 'version') }} end as content_order,
        {{ content_columns() | join(',\n        ') }},
        coalesce(call_start, provider_time, received_at) as sent_at,
        provider_time is null as sent_at_is_receipt,
        received_at,
        {{ status_order('status_word', 'provider_time') }} as status_order,
        coalesce(status_word = 'deleted', false) as is_deleted,
        -- Statuses come in any order: the rank, not the arrival, says whose metadata is shown.
        {{ fact(
            'raw_ref', "case version when '1' then 'history' else 'webhook' end", 'received_at',
            "case when event in ('status', 'call') then " ~ status_order('status_word', 'provider_time') ~ " else version end",
            'metadata', same_as='same_as', content="case when event = 'message' then md5(coalesce(body, '')) end",
            revision="case when status_word = 'deleted' then jsonb_build_object('kind', 'unsent', 'at', event_at) end"
        ) }} as facts,
        null::text as moved_to,
        transaction_id
    from (
        select
            told.*,
            case when event = 'call' then {{ plausible_time("canonical.from_epoch(item ->> 'start_time')", 'received_at') }} end as call_start
        from told
    ) as told
    -- A file of the history comes without the other end: it completes the message that came before it.
    where not (field = 'history' and part = 'message' and counterpart is null)

    union all

    select
        'whatsapp|' || provider_id as message_id,
        'whatsapp' as channel,
        provider_id as provider_message_id,
        {{ no_content() }},
        provider_time as sent_at,
        false as sent_at_is_receipt,
        received_at,
        null as status_order,
        false as is_deleted,
        {{ fact('raw_ref', "'history'", 'received_at', 'version', 'metadata',
            file="jsonb_build_object('body', coalesce(body, ''), 'attachments', attachments)") }}
            as facts,
        null::text as moved_to,
        transaction_id
    from told
    where field = 'history' and part = 'message' and counterpart is null and provider_time is not null

    union all

    -- Edits and unsends: revisions of a message that may be known already or not yet.
    select
        'whatsapp|' || {{ bounded_key("coalesce(item #>> '{edit,original_message_id}', item #>> '{revoke,original_message_id}')") }} as message_id,
        'whatsapp' as channel,
        {{ bounded_key("coalesce(item #>> '{edit,original_message_id}', item #>> '{revoke,original_message_id}')") }} as provider_message_id,
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        received_at,
        case when event = 'revoke' then {{ status_order("'deleted'", 'provider_time') }} end as status_order,
        event = 'revoke' as is_deleted,
        {{ fact('raw_ref', "'webhook'", 'received_at', "''", "'{}'::jsonb", same_as='same_as',
            revision="case event
                when 'revoke' then jsonb_build_object('kind', 'unsent', 'at', event_at)
                else jsonb_build_object('kind', 'edited', 'at', event_at, 'body', coalesce(edited.body, ''))
            end") }} as facts,
        null::text as moved_to,
        transaction_id
    from identified
    left join lateral ({{ whatsapp_content("item #> '{edit,message}'") }}) as edited on event = 'edit'
    where outcome = 'revision'

    union all

    select
        'whatsapp|' || {{ bounded_key("item #>> '{reaction,message_id}'") }} as message_id,
        'whatsapp' as channel,
        {{ bounded_key("item #>> '{reaction,message_id}'") }} as provider_message_id,
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        received_at,
        null as status_order,
        false as is_deleted,
        {{ fact('raw_ref', "'webhook'", 'received_at', "''", "'{}'::jsonb", same_as='same_as',
            reaction="jsonb_build_object(
                'by', case when is_outbound then " ~ whatsapp_identity('display_phone_number') ~ " else counterpart end, 'is_ours', is_outbound,
                'action', case when item #>> '{reaction,emoji}' <> '' then 'react' else 'unreact' end,
                'emoji', coalesce(item #>> '{reaction,emoji}', ''), 'at', event_at
            )") }} as facts,
        null::text as moved_to,
        transaction_id
    from identified
    where outcome = 'reaction'

)

select {{ typed_copy_columns() }} from copies
