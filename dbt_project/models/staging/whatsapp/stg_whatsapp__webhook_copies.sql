-- Grain: one row per copy of a message, status of one, revision or reaction that WhatsApp's webhooks tell: live, as echoes of what
-- the business sent from its app, in standby, and as history (docs/providers/whatsapp.md).
-- In one pass, a role for each row: a branch for each kind would read every payload again. `offset 0` marks a fence: what is read more
-- than once is computed behind one, because the planner would repeat it for each reader.
with

events as (

    select events.*, times.provider_time, times.event_at
    from {{ ref('stg_whatsapp__webhook_events') }} as events
    cross join lateral (
        select provider_time, {{ sortable_time('coalesce(provider_time, received_at)') }} as event_at
        from (select {{ plausible_time('told_time', 'received_at') }} as provider_time offset 0) as plausible
        offset 0
    ) as times
    where outcome in ('message', 'revision', 'reaction', 'status', 'system_event')
        and event in ('message', 'system', 'edit', 'revoke', 'reaction', 'status', 'call', 'preference', 'user id')

),

-- Who is at the other end, in every address that the event or its contacts give.
placed as (

    select
        events.*,
        party.is_outbound,
        coalesce(party.wa_id, contact.wa_id) as wa_id,
        coalesce(party.user_id, contact.user_id) as user_id,
        coalesce(party.parent_user_id, contact.parent_user_id) as parent_user_id,
        contact.name as contact_name,
        contact.username,
        party.group_id,
        party.our_digits
    from events
    cross join lateral (
        select
            is_outbound,
            our_digits,
            nullif(case
                when event = 'status' or (event = 'call' and part = 'status')
                    then case when item ->> 'recipient_type' = 'group' then item ->> 'recipient_participant_id' else item ->> 'recipient_id' end
                -- Sender and recipient of an echo were seen exchanged: the one that is not ours counts.
                when part = 'echo' then case
                    when {{ digits_of("item ->> 'to'") }} = our_digits then item ->> 'from' else item ->> 'to'
                end
                when is_outbound then coalesce(thread_id, item ->> 'to')
                when event in ('preference', 'user id') then item ->> 'wa_id'
                else item ->> 'from'
            end, '') as wa_id,
            nullif(case
                when event = 'status' or (event = 'call' and part = 'status')
                    then coalesce(item ->> 'recipient_participant_user_id', item ->> 'recipient_user_id')
                when part = 'echo' or is_outbound then item ->> 'to_user_id'
                when event = 'preference' then item ->> 'user_id'
                when event = 'user id' then item #>> '{user_id,current}'
                when event = 'system' then coalesce(item ->> 'from_user_id', item #>> '{system,previous_user_id}', item #>> '{system,user_id}')
                else item ->> 'from_user_id'
            end, '') as user_id,
            nullif(case
                when event = 'status' then coalesce(item ->> 'recipient_parent_user_id', item ->> 'parent_recipient_user_id')
                when part = 'echo' or is_outbound then item ->> 'to_parent_user_id'
                else item ->> 'from_parent_user_id'
            end, '') as parent_user_id,
            item ->> 'group_id' as group_id,
            part = 'message' and field <> 'history' and coalesce(nullif(item ->> 'from', ''), nullif(item ->> 'from_user_id', '')) is null
                and {{ has_one_contact() }} as is_unnamed
        from (
            select our_digits, coalesce(
                part = 'echo' or event = 'status'
                or (event = 'call' and (part = 'status' or item ->> 'direction' = 'BUSINESS_INITIATED'))
                -- In the history, and only there, the sender tells the direction.
                or ((part = 'history message' or field = 'history') and {{ digits_of("item ->> 'from'") }} = our_digits),
                false
            ) as is_outbound
            from (select {{ digits_of('display_phone_number') }} as our_digits offset 0) as us
            offset 0
        ) as way
        offset 0
    ) as party
    left join lateral (
        select
            nullif(contact ->> 'wa_id', '') as wa_id,
            nullif(contact ->> 'user_id', '') as user_id,
            nullif(contact ->> 'parent_user_id', '') as parent_user_id,
            nullif(contact #>> '{profile,name}', '') as name,
            nullif(contact #>> '{profile,username}', '') as username
        from {{ numbered_elements_of('contacts') }} as listed (contact, number)
        where contact ->> 'wa_id' = party.wa_id or contact ->> 'user_id' = party.user_id
            or party.is_unnamed
        order by number
        limit 1
    ) as contact on true

),

identified as (

    select placed.*, address.counterpart, address.our_identity, pairs.same_as
    from placed
    cross join lateral (
        select
            phone,
            our_identity,
            person,
            parent,
            -- An address that is no number can only be one of the business's own scope.
            coalesce(phone, {{ bounded_key("'bsuid:' || scope || ':' || coalesce(user_id, wa_id)") }}) as counterpart
        from (
            select
                {{ whatsapp_phone('digits') }} as phone,
                {{ whatsapp_phone('our_digits') }} as our_identity,
                {{ bounded_key('person') }} as person,
                {{ bounded_key('parent') }} as parent
            from (
                select
                    {{ digits_of('wa_id') }} as digits, our_digits,
                    'bsuid:' || scope || ':' || user_id as person, 'bsuid_parent:' || scope || ':' || parent_user_id as parent
                offset 0
            ) as written
            offset 0
        ) as known
        offset 0
    ) as address
    cross join lateral (
        -- Nearly all tell a number and an id, or one of them, and nothing else.
        select case when event not in ('system', 'user id') and parent_user_id is null and phone not like 'phone:+5%' then
            case when user_id is not null then jsonb_build_array({{ same_person('person', 'phone', 'seen together') }}) end
        else (
        -- A condition behind the union would be computed in each of its parts, with all that it reads.
        select jsonb_agg(pair) filter (where pair is not null)
        from (
            select case when phone is not null and user_id is not null then {{ same_person('person', 'phone', 'seen together') }} end as pair

            union all

            select case when parent_user_id is not null and (wa_id is not null or user_id is not null) then {{ same_person('parent', 'coalesce(phone, person)', 'seen together') }} end

            union all

            select {{ whatsapp_spelling('phone', 'event_at') }}

            union all

            select changed.pair
            from (
                select
                    {{ whatsapp_identity("coalesce(item #>> '{system,wa_id}', item #>> '{system,new_wa_id}')") }} as new_phone,
                    {{ whatsapp_identity("item ->> 'from'") }} as old_phone,
                    {{ bounded_key("'bsuid:' || scope || ':' || nullif(coalesce(item #>> '{system,user_id}', item #>> '{user_id,current}'), '')", is_rare=true) }} as new_person,
                    {{ bounded_key("'bsuid:' || scope || ':' || coalesce(item #>> '{system,previous_user_id}', item #>> '{user_id,previous}')", is_rare=true) }} as old_person,
                    coalesce(item #>> '{system,wa_id}', item #>> '{system,new_wa_id}') is null as is_without_number
                where event in ('system', 'user id')
                offset 0
            ) as system
            cross join lateral (
                -- A change of the number: the new one is a suggestion; the ids that stand beside the numbers are theirs.
                select case when new_phone <> old_phone then {{ same_person('new_phone', 'old_phone', 'changed number') }} end as pair

                union all

                select case when new_phone is not null and new_person is not null then {{ same_person('new_person', 'new_phone', 'seen together') }} end

                union all

                select case when is_without_number and new_person <> old_person then {{ same_person('new_person', 'old_person', 'changed user id') }} end
            ) as changed
        ) as told
        ) end as same_as
        offset 0
    ) as pairs

),

-- What the event says. Edits, unsends and reactions say it of another message.
shown as (

    select
        identified.*,
        told.kind,
        told.body,
        told.attachments,
        coalesce(told.metadata, '{}') || case
            when username is not null or octet_length(contact_name) > 512 or of_standby or told_time is distinct from provider_time
                then jsonb_strip_nulls(jsonb_build_object(
                    'username', username,
                    'whole_name', {{ whole_name('contact_name') }},
                    'standby', case when of_standby then true end,
                    'implausible_time', {{ implausible_time('told_time', 'received_at') }}
                ))
            else '{}'
        end as metadata,
        role.role
    from identified
    cross join lateral (
        select case
            when outcome in ('revision', 'reaction') then outcome
            -- A recording or a transcript completes the call that it belongs to.
            when event = 'call' and {{ is_whatsapp_call_file() }} then 'file'
            -- A file of the history comes without the other end: it completes the message that came before it.
            when field = 'history' and part = 'message' and counterpart is null then 'file'
            else 'message'
        end as role
        offset 0
    ) as role
    left join lateral (
        select * from ({{ whatsapp_content("case when event = 'edit' then item #> '{edit,message}' else item end") }}) as content
        where event in ('message', 'system', 'edit')

        union all

        select 'system', coalesce(nullif(item ->> 'detail', ''), 'Preference: ' || coalesce(item ->> 'value', '?') || ' ' || coalesce(item ->> 'category', '')),
            '[]', jsonb_build_object('preference', item ->> 'category', 'preference_value', item ->> 'value')
        where event = 'preference'

        union all

        select 'system', coalesce(nullif(item ->> 'detail', ''), 'The user id of this person changed'), '[]', '{}'
        where event = 'user id'

        union all

        select 'call', '', case when file ->> 'id' <> '' then jsonb_build_array(jsonb_build_object(
            'attachment_id', {{ bounded_key("file ->> 'id'") }}, 'content_type', file ->> 'mime_type', 'filename', null, 'size_bytes', null, 'state', 'waiting',
            'source', jsonb_strip_nulls(jsonb_build_object('kind', 'graph_media', 'media_id', file ->> 'id', 'sha256', file ->> 'sha256'))
        )) else '[]' end, jsonb_build_object('call', jsonb_strip_nulls(jsonb_build_object(
            'duration_seconds', canonical.try_integer(item ->> 'duration'), 'provider_status', lower(coalesce(item ->> 'status', item ->> 'event'))
        )))
        from (select {{ whatsapp_call_file() }} as file offset 0) as recorded
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
            'error_message', {{ whatsapp_error('item') }},
            'opaque_callback_data', item ->> 'biz_opaque_callback_data'
        )) || case when item ->> 'recipient_participant_id' <> ''
            then jsonb_build_object('status of ' || (item ->> 'recipient_participant_id'), item ->> 'status') else '{}' end
        where event = 'status'

        offset 0
    ) as told on true

),

contract as (

    select shown.*, content.*
    from shown
    cross join lateral (
        select
            {{ bounded_key("case role
                when 'revision' then coalesce(item #>> '{edit,original_message_id}', item #>> '{revoke,original_message_id}')
                when 'reaction' then item #>> '{reaction,message_id}'
                else case when event in ('preference', 'user id') then coalesce(phone_number_id, '') || '|' || counterpart || '|' || coalesce(event_at, raw_ref) || '|' || event else item_id end
            end") }} as provider_id,
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
            {{ bounded_key("phone_number_id || '|' || coalesce(
                group_id, case when item ->> 'recipient_type' = 'group' then item ->> 'recipient_id' end,
                case when counterpart like 'phone:%' then substr(counterpart, 7) else regexp_replace(counterpart, '^(phone:|bsuid:[^:]*:)', '') end
            )") }} as thread_key,
            null::text as subject,
            null::text as quoted_body,
            jsonb_build_array(
                {{ person(
                    'case when is_outbound then our_identity else counterpart end', 'from', 'is_outbound',
                    'case when not is_outbound then ' ~ bounded_key('contact_name') ~ ' end',
                    'case when is_outbound then display_phone_number else coalesce(wa_id, user_id) end'
                ) }},
                {{ person(
                    'case when is_outbound then counterpart else our_identity end', 'to', 'not is_outbound',
                    'case when is_outbound then ' ~ bounded_key('contact_name') ~ ' end',
                    'case when is_outbound then coalesce(wa_id, user_id) else display_phone_number end'
                ) }}
            ) || case
                -- Everybody whom a message of a group names stands on it.
                when group_id is not null then coalesce((
                    select jsonb_agg(jsonb_build_object(
                        'identity', coalesce({{ whatsapp_identity('other.wa_id') }}, {{ bounded_key("'bsuid:' || scope || ':' || other.user_id") }}), 'role', 'to',
                        'is_ours', false, 'name', {{ bounded_key("nullif(other.name, '')") }}, 'address', coalesce(other.wa_id, other.user_id)
                    ) order by number)
                    from {{ elements_of('contacts') }} with ordinality as listed (contact, number)
                    cross join lateral (
                        select nullif(contact ->> 'wa_id', '') as wa_id, nullif(contact ->> 'user_id', '') as user_id, contact #>> '{profile,name}' as name
                        offset 0
                    ) as other
                    where other.wa_id is distinct from coalesce(nullif(item ->> 'from', ''), item ->> 'to')
                        and coalesce(other.user_id <> item ->> 'from_user_id', true) and coalesce(other.wa_id, other.user_id) is not null
                ), '[]')
                else '[]'
            end as participants,
            -- A forward has a context without an id.
            'whatsapp|' || {{ bounded_key("coalesce(item #>> '{context,id}', item #>> '{context,message_id}')") }} as in_reply_to,
            null::text as reference_id,
            null::text as in_reply_to_reference,
            case event
                when 'status' then case item ->> 'status' when 'played' then 'read' else item ->> 'status' end
                when 'call' then case
                    when part = 'status' then case item ->> 'status' when 'REJECTED' then 'failed' else 'queued' end
                    when item ->> 'event' = 'connect' then 'queued'
                    when item ->> 'start_time' <> '' then 'completed'
                    when item ->> 'event' = 'terminate' then case when is_outbound then 'failed' else 'missed' end
                end
                else case
                    when not is_outbound then 'received'
                    else case upper(item #>> '{history_context,status}')
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
            case when part = 'history message' or field = 'history' then '1' else '2' end as version,
            -- Absent is not empty: an edit without its text or caption tells that there is a new one, and not which.
            case when event = 'edit' and item #> array['edit', 'message', item #>> '{edit,message,type}'] ?| array['body', 'caption'] then body end as told_text,
            -- A text or a caption that somebody wrote.
            coalesce(type in ('text', 'image', 'video', 'document') and body <> '', false) as is_written,
            case when event = 'call' then {{ plausible_time("canonical.from_epoch(item ->> 'start_time')", 'received_at') }} end as call_start
        offset 0
    ) as content

),

copies as (

    select
        'whatsapp|' || provider_id as message_id,
        'whatsapp' as channel,
        provider_id as provider_message_id,
        case when role = 'message' and counterpart is not null then {{ content_order(
            'completeness', "version || case when version = '1' then " ~ earliest_first('received_at') ~ " else '' end"
        ) }} end as content_order,
        {% for column in content_columns() -%}
        case when role = 'message' then {{ column }} end as {{ column }},
        {% endfor -%}
        case role when 'message' then coalesce(call_start, provider_time, received_at) when 'file' then case when event <> 'call' then provider_time end end as sent_at,
        case role when 'message' then provider_time is null when 'file' then case when event <> 'call' and provider_time is not null then false end end as sent_at_is_receipt,
        received_at,
        ranks.status_order,
        case role when 'message' then coalesce(status_word = 'deleted', false) else event = 'revoke' end as is_deleted,
        -- Statuses come in any order: the rank, not the arrival, says whose metadata is shown.
        filed.facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from contract
    cross join lateral (
        select case
            when role = 'message' then {{ status_order('status_word', 'provider_time') }}
            when event = 'revoke' then {{ status_order("'deleted'", 'provider_time') }}
        end as status_order
        offset 0
    ) as ranks
    cross join lateral (
        select
            {{ fact(
                'raw_ref',
                "case when version = '1' and role in ('message', 'file') then 'history' else 'webhook' end",
                'received_at',
                "case when role = 'message' and event in ('status', 'call') then ranks.status_order when role in ('message', 'file') then version else '' end",
                "case when role in ('message', 'file') then metadata when event = 'edit' and told_text is null then '{\"edit_untold\": true}' else '{}' end",
                same_as="case when role <> 'file' then same_as end",
                content="case when role = 'message' and event = 'message' then " ~ text_mark("coalesce(body, '')") ~ " end",
                text="case when role = 'message' and event = 'message' and version = '1' and is_written then body end",
                worded="case when role = 'message' and event = 'message' and version <> '1' and not is_written then true end",
                revision="case
                    when role = 'revision' and event = 'edit' then jsonb_strip_nulls(jsonb_build_object('kind', 'edited', 'at', event_at, 'body', told_text))
                    when role = 'revision' or role = 'message' and status_word = 'deleted' then jsonb_build_object('kind', 'unsent', 'at', event_at)
                end",
                reaction="case when role = 'reaction' then jsonb_build_object(
                    'by', case when is_outbound then our_identity else counterpart end, 'is_ours', is_outbound,
                    'action', case when item #>> '{reaction,emoji}' <> '' then 'react' else 'unreact' end,
                    'emoji', coalesce(item #>> '{reaction,emoji}', ''), 'at', event_at
                ) end",
                file="case when role = 'file' then jsonb_build_object('body', coalesce(body, ''), 'attachments', attachments) end"
            ) }} as facts
        offset 0
    ) as filed

)

select {{ typed_copy_columns() }} from copies
