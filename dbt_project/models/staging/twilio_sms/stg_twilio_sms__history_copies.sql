-- Grain: one row per version of a message in Twilio's history, and one per message known to be deleted there.
with

-- Used twice, so it would be computed whole, tail or not: it must be open to the readers' conditions.
events as not materialized (

    select * from {{ ref('stg_twilio_sms__history_events') }}

),

read as (

    select
        events.*,
        told_time,
        payload ->> 'from' as sender,
        payload ->> 'to' as recipient,
        payload ->> 'direction' = 'inbound' as is_inbound,
        canonical.try_timestamptz(payload ->> 'date_updated') as updated_at,
        (
            select jsonb_agg(
                jsonb_build_object(
                    'attachment_id', {{ bounded_key("item ->> 'sid'") }}, 'content_type', item ->> 'content_type', 'filename', null,
                    'size_bytes', null, 'state', 'waiting',
                    'source', jsonb_build_object('kind', 'twilio_media', 'message_sid', message_sid, 'media_sid', item ->> 'sid')
                ) order by item ->> 'date_created', item ->> 'sid'
            )
            from jsonb_array_elements(case jsonb_typeof(media) when 'array' then media else '[]' end) as item
        ) as attachments_listed,
        jsonb_strip_nulls(jsonb_build_object(
            'transport', nullif({{ twilio_transport("case when payload ->> 'direction' = 'inbound' then payload ->> 'from' else payload ->> 'to' end") }}, 'sms'),
            'messaging_service_sid', payload ->> 'messaging_service_sid',
            'num_segments', canonical.try_integer(payload ->> 'num_segments'),
            'status_word', payload ->> 'status',
            'error_code', payload ->> 'error_code',
            'error_message', payload ->> 'error_message',
            'price', payload ->> 'price',
            'price_unit', case when payload ->> 'price' is not null then payload ->> 'price_unit' end,
            'history_body_empty', case when payload ->> 'body' = '' then true end,
            'implausible_time', {{ implausible_time('told_time', 'received_at') }}
        )) as metadata
    from events
    cross join lateral (
        select coalesce(
            canonical.try_timestamptz(payload ->> 'date_sent'), canonical.try_timestamptz(payload ->> 'date_created')
        ) as told_time
    ) as told
    where outcome = 'message'

),

messages as (

    select
        read.*,
        -- people
        case when is_inbound then 'inbound' else 'outbound' end as direction,
        sender as from_address,
        null::text as from_name,
        array[recipient] as to_addresses,
        case when is_inbound then {{ twilio_identity('sender', 'recipient') }} else {{ twilio_identity('recipient', 'sender') }} end
            as counterpart_identity,
        {{ bounded_key("case when is_inbound then recipient || '|' || sender else coalesce(sender, '') || '|' || recipient end") }} as thread_key,
        -- content
        case when attachments_listed is not null or canonical.try_integer(payload ->> 'num_media') > 0 then 'media' else 'text' end as kind,
        null::text as subject,
        coalesce(payload ->> 'body', '') as body,
        null::text as quoted_body,
        coalesce(attachments_listed, '[]') as attachments,
        jsonb_build_array(
            jsonb_build_object('identity', {{ twilio_identity('sender', 'recipient') }}, 'role', 'from', 'is_ours', not is_inbound,
                'name', null, 'address', sender),
            jsonb_build_object('identity', {{ twilio_identity('recipient', 'sender') }}, 'role', 'to', 'is_ours', is_inbound,
                'name', null, 'address', recipient)
        ) as participants,
        null::text as in_reply_to,
        null::text as reference_id,
        null::text as in_reply_to_reference,
        -- times
        {{ plausible_time('told_time', 'received_at') }} as provider_time
    from read

),

copies as (

    select
        'twilio_sms|' || message_sid as message_id,
        'twilio_sms' as channel,
        message_sid as provider_message_id,
        {{ content_order(twilio_completeness(), sortable_time('updated_at')) }} as content_order,
        {{ content_columns() | join(',\n        ') }},
        coalesce(provider_time, received_at) as sent_at,
        provider_time is null as sent_at_is_receipt,
        received_at,
        {{ status_order(twilio_status("payload ->> 'status'"), 'updated_at') }} as status_order,
        false as is_deleted,
        {{ fact('raw_ref', "'history'", 'received_at', sortable_time('updated_at'), 'metadata', content='md5(body)') }} as facts,
        null::text as moved_to,
        transaction_id
    from messages

    union all

    select
        'twilio_sms|' || message_sid as message_id,
        'twilio_sms' as channel,
        message_sid as provider_message_id,
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        received_at,
        {{ status_order("'deleted'") }} as status_order,
        true as is_deleted,
        {{ fact('raw_ref', "'history'", 'received_at', "''", "'{}'::jsonb",
            revision="jsonb_build_object('kind', 'removed at the provider', 'at', " ~ sortable_time('received_at') ~ ")") }} as facts,
        null::text as moved_to,
        transaction_id
    from events
    where outcome = 'revision'

)

select {{ typed_copy_columns() }} from copies
