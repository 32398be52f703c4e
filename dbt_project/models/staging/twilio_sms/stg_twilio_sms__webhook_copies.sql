-- Grain: one row per copy of a message, or status of one, pushed by Twilio.
{% set form = "coalesce(event #>> '{%s,0}', event ->> '%s')" %}
with

events as (

    select * from {{ ref('stg_twilio_sms__webhook_events') }}
    where outcome in ('message', 'status')

),

-- Used twice, so it would be computed whole, tail or not: it must be open to the readers' conditions.
read as not materialized (

    select
        events.*,
        case when is_stream then event #>> '{data,from}' else {{ form | replace('%s', 'From') }} end as sender,
        case when is_stream then event #>> '{data,to}' else {{ form | replace('%s', 'To') }} end as recipient,
        case when is_stream then event #>> '{data,body}' else {{ form | replace('%s', 'Body') }} end as text,
        case when is_stream then canonical.try_timestamptz(event #>> '{data,timestamp}') end as provider_time,
        {{ form | replace('%s', 'ProfileName') }} as profile_name,
        {{ form | replace('%s', 'ButtonText') }} as button_text,
        {{ form | replace('%s', 'Latitude') }} as latitude,
        {{ form | replace('%s', 'OriginalRepliedMessageSid') }} as replied_sid,
        -- Twilio numbers the media from 0; ten is its own limit.
        case when event ? 'MediaUrl0' then (
            select jsonb_agg(
                jsonb_build_object(
                    'attachment_id', {{ bounded_key("regexp_replace(url, '^.*/', '')") }},
                    'content_type', coalesce(event #>> array['MediaContentType' || n, '0'], event ->> ('MediaContentType' || n)),
                    'filename', null,
                    'size_bytes', null,
                    'state', 'waiting',
                    'source', jsonb_build_object(
                        'kind', 'twilio_media', 'message_sid', message_sid, 'media_sid', regexp_replace(url, '^.*/', '')
                    )
                ) order by n
            )
            from generate_series(0, 9) as n
            cross join lateral (select coalesce(event #>> array['MediaUrl' || n, '0'], event ->> ('MediaUrl' || n)) as url) as media
            where url <> ''
        ) end as media,
        jsonb_strip_nulls(jsonb_build_object(
            'transport', nullif({{ twilio_transport("coalesce(event ->> 'From', event #>> '{data,from}')") }}, 'sms'),
            'messaging_service_sid', nullif(event ->> 'MessagingServiceSid', ''),
            'num_segments', canonical.try_integer(event ->> 'NumSegments'),
            'status_word', coalesce(message_status, sms_status),
            'error_code', nullif(event ->> 'ErrorCode', ''),
            'error_message', nullif(event ->> 'ErrorMessage', ''),
            'opt_out_type', nullif(event ->> 'OptOutType', ''),
            'button_payload', nullif(event ->> 'ButtonPayload', ''),
            'profile_name', nullif(event ->> 'ProfileName', ''),
            'latitude', nullif(event ->> 'Latitude', ''),
            'longitude', nullif(event ->> 'Longitude', ''),
            'address', nullif(event ->> 'Address', ''),
            'label', nullif(event ->> 'Label', ''),
            'referral_source_url', nullif(event ->> 'ReferralSourceUrl', ''),
            'carrier_done_date', nullif(event ->> 'RawDlrDoneDate', '')
        )) as metadata
    from events

),

messages as (

    select
        read.*,
        -- people
        'inbound'::text as direction,
        sender as from_address,
        nullif(profile_name, '') as from_name,
        array[recipient] as to_addresses,
        {{ twilio_identity('sender', 'recipient') }} as counterpart_identity,
        {{ bounded_key("recipient || '|' || sender") }} as thread_key,
        -- content
        case
            when media is not null then 'media'
            when latitude <> '' then 'location'
            when button_text <> '' then 'interactive'
            else 'text'
        end as kind,
        null::text as subject,
        coalesce(nullif(text, ''), nullif(button_text, ''), '') as body,
        null::text as quoted_body,
        coalesce(media, '[]') as attachments,
        jsonb_build_array(
            jsonb_build_object('identity', {{ twilio_identity('sender', 'recipient') }}, 'role', 'from', 'is_ours', false,
                'name', {{ bounded_key("nullif(profile_name, '')") }}, 'address', sender),
            jsonb_build_object('identity', {{ twilio_identity('recipient', 'sender') }}, 'role', 'to', 'is_ours', true,
                'name', null, 'address', recipient)
        ) as participants,
        'twilio_sms|' || {{ bounded_key("nullif(replied_sid, '')") }} as in_reply_to,
        null::text as reference_id,
        null::text as in_reply_to_reference
    from read
    where outcome = 'message'

),

copies as (

    select
        'twilio_sms|' || message_sid as message_id,
        'twilio_sms' as channel,
        message_sid as provider_message_id,
        {{ content_order(twilio_completeness(), "''") }} as content_order,
        {{ content_columns() | join(',\n        ') }},
        -- The form carries no time: our receipt stands in until the history tells (providers.md §3.1).
        coalesce(provider_time, received_at) as sent_at,
        provider_time is null as sent_at_is_receipt,
        received_at,
        {{ status_order("'received'") }} as status_order,
        false as is_deleted,
        {{ fact('raw_ref', "'webhook'", 'received_at', "''", 'metadata', content='md5(body)') }} as facts,
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
        {{ status_order(twilio_status('message_status')) }} as status_order,
        false as is_deleted,
        -- Statuses come in any order: the rank, not the arrival, says whose metadata is shown.
        {{ fact('raw_ref', "'webhook'", 'received_at', status_order(twilio_status('message_status')), 'metadata') }} as facts,
        null::text as moved_to,
        transaction_id
    from read
    where outcome = 'status'

)

select {{ typed_copy_columns() }} from copies
