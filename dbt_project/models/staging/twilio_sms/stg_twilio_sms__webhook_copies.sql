-- Grain: one row per copy of a message, or status of one, pushed by Twilio.
{% set form = "coalesce(event #>> '{%s,0}', event ->> '%s')" %}
-- In one pass; `offset 0` marks a fence: what is read more than once is computed behind one.
with

events as (

    select * from {{ ref('stg_twilio_sms__webhook_events') }}
    where outcome in ('message', 'status')

),

read as (

    select
        events.*,
        told.sender,
        told.recipient,
        nullif(told.profile_name, '') as profile_name,
        told.button_text,
        told.latitude,
        told.replied_sid,
        told.text,
        told.media,
        told.metadata,
        canonical.try_timestamptz(told.stamp) as provider_time
    from events
    cross join lateral (
        select
            case when is_stream then event #>> '{data,from}' else {{ form | replace('%s', 'From') }} end as sender,
            case when is_stream then event #>> '{data,to}' else {{ form | replace('%s', 'To') }} end as recipient,
            case when is_stream then event #>> '{data,body}' else {{ form | replace('%s', 'Body') }} end as text,
            case when is_stream then event #>> '{data,timestamp}' end as stamp,
            {{ form | replace('%s', 'ProfileName') }} as profile_name,
            {{ form | replace('%s', 'ButtonText') }} as button_text,
            {{ form | replace('%s', 'Latitude') }} as latitude,
            {{ form | replace('%s', 'OriginalRepliedMessageSid') }} as replied_sid,
            -- Twilio numbers the media from 0; ten is its own limit.
            case when event ? 'MediaUrl0' then (
                select jsonb_agg(
                    jsonb_build_object(
                        'attachment_id', {{ bounded_key('media_sid') }},
                        'content_type', coalesce(event #>> array['MediaContentType' || n, '0'], event ->> ('MediaContentType' || n)),
                        'filename', null,
                        'size_bytes', null,
                        'state', 'waiting',
                        'source', jsonb_build_object('kind', 'twilio_media', 'message_sid', message_sid, 'media_sid', media_sid)
                    ) order by n
                )
                from generate_series(0, 9) as n
                cross join lateral (
                    select url, regexp_replace(url, '^.*/', '') as media_sid
                    from (select coalesce(event #>> array['MediaUrl' || n, '0'], event ->> ('MediaUrl' || n)) as url offset 0) as given
                    offset 0
                ) as media
                where url <> ''
            ) end as media,
            {{ object_of_texts([
                ('transport', "nullif(" ~ twilio_transport("coalesce(event ->> 'From', event #>> '{data,from}')") ~ ", 'sms')"),
                ('messaging_service_sid', "nullif(event ->> 'MessagingServiceSid', '')"),
                ('status_word', 'coalesce(message_status, sms_status)'),
                ('error_code', "nullif(event ->> 'ErrorCode', '')"),
                ('error_message', "nullif(event ->> 'ErrorMessage', '')"),
                ('opt_out_type', "nullif(event ->> 'OptOutType', '')"),
                ('button_payload', "nullif(event ->> 'ButtonPayload', '')"),
                ('profile_name', "nullif(event ->> 'ProfileName', '')"),
                ('latitude', "nullif(event ->> 'Latitude', '')"),
                ('longitude', "nullif(event ->> 'Longitude', '')"),
                ('address', "nullif(event ->> 'Address', '')"),
                ('label', "nullif(event ->> 'Label', '')"),
                ('referral_source_url', "nullif(event ->> 'ReferralSourceUrl', '')"),
                ('carrier_done_date', "nullif(event ->> 'RawDlrDoneDate', '')"),
            ]) }} || case when event ->> 'NumSegments' <> ''
                then jsonb_build_object('num_segments', canonical.try_integer(event ->> 'NumSegments')) else '{}' end as metadata
        offset 0
    ) as told

),

contract as (

    select
        read.*,
        outcome = 'message' as has_content,
        content.*,
        null::text as subject,
        null::text as quoted_body,
        null::text as reference_id,
        null::text as in_reply_to_reference
    from read
    left join lateral (
        select
            -- people
            'inbound'::text as direction,
            sender as from_address,
            profile_name as from_name,
            array[recipient] as to_addresses,
            sender_identity as counterpart_identity,
            {{ bounded_key("coalesce(recipient, '') || '|' || coalesce(nullif(sender, ''), message_sid)") }} as thread_key,
            -- content
            case
                when media is not null then 'media'
                when latitude <> '' then 'location'
                when button_text <> '' then 'interactive'
                else 'text'
            end as kind,
            coalesce(nullif(text, ''), nullif(button_text, ''), '') as body,
            coalesce(media, '[]') as attachments,
            jsonb_build_array(
                {{ person('sender_identity', 'from', 'false', bounded_key('profile_name'), 'sender') }},
                {{ person('recipient_identity', 'to', 'true', 'null', 'recipient') }}
            ) as participants,
            'twilio_sms|' || {{ bounded_key("nullif(replied_sid, '')") }} as in_reply_to
        from (
            -- Who cannot be told stands for this one message, so that it waits in the queue like a stranger's.
            select coalesce(canonical.twilio_identity(sender, recipient), 'unknown:' || message_sid) as sender_identity, canonical.twilio_identity(recipient, sender) as recipient_identity
            offset 0
        ) as people
        offset 0
    ) as content on outcome = 'message'

),

copies as (

    select
        'twilio_sms|' || message_sid as message_id,
        'twilio_sms' as channel,
        message_sid as provider_message_id,
        case when has_content then {{ content_order(twilio_completeness(), "''") }} end as content_order,
        {% for column in content_columns() -%}
        case when has_content then {{ column }} end as {{ column }},
        {% endfor -%}
        -- The form carries no time: our receipt stands in until the history tells (docs/providers/twilio.md).
        case when has_content then coalesce(provider_time, received_at) end as sent_at,
        case when has_content then provider_time is null end as sent_at_is_receipt,
        received_at,
        ranks.status_order,
        false as is_deleted,
        -- Statuses come in any order: the rank, not the arrival, says whose metadata is shown.
        {{ fact('raw_ref', "'webhook'", 'received_at', "case when has_content then '' else ranks.status_order end", 'metadata',
            content='case when has_content then md5(body) end') }} as facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from contract
    cross join lateral (
        select {{ status_order('word') }} as status_order
        from (select case when has_content then 'received' else {{ twilio_status('message_status') }} end as word offset 0) as told
        offset 0
    ) as ranks

)

select {{ typed_copy_columns() }} from copies
