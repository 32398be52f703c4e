-- Grain: one row per version of a message in Twilio's history, and one per message known to be deleted there.
-- In one pass; `offset 0` marks a fence: what is read more than once is computed behind one.
with

events as (

    select * from {{ ref('stg_twilio_sms__history_events') }}
    where outcome in ('message', 'revision')

),

read as (

    select
        events.*,
        outcome = 'message' as has_content,
        told.sender,
        told.recipient,
        told.is_inbound,
        told.text,
        told.num_media,
        told.status_word,
        told.attachments_listed,
        times.told_time,
        {{ plausible_time('times.told_time', 'received_at') }} as provider_time,
        updated.moment as updated_moment,
        updated.sortable as updated_at
    from events
    left join lateral (
        select
            payload ->> 'from' as sender,
            payload ->> 'to' as recipient,
            payload ->> 'direction' = 'inbound' as is_inbound,
            payload ->> 'body' as text,
            payload ->> 'num_media' as num_media,
            payload ->> 'status' as status_word,
            payload ->> 'date_sent' as date_sent,
            payload ->> 'date_created' as date_created,
            payload ->> 'date_updated' as date_updated,
            case when jsonb_typeof(media) = 'array' and media <> '[]' then (
                select jsonb_agg(
                    jsonb_build_object(
                        'attachment_id', {{ bounded_key("item ->> 'sid'") }}, 'content_type', item ->> 'content_type', 'filename', null,
                        'size_bytes', null, 'state', 'waiting',
                        'source', jsonb_build_object('kind', 'twilio_media', 'message_sid', message_sid, 'media_sid', item ->> 'sid')
                    ) order by item ->> 'date_created', item ->> 'sid'
                )
                from {{ elements_of('media') }} as listed (item)
            ) end as attachments_listed
        offset 0
    ) as told on outcome = 'message'
    cross join lateral (
        select coalesce(sent_at, case when sent_at is null then canonical.try_timestamptz(told.date_created) end) as told_time
        from (select canonical.try_timestamptz(told.date_sent) as sent_at offset 0) as sent
        offset 0
    ) as times
    cross join lateral (
        select moment, {{ sortable_time('moment') }} as sortable
        from (select canonical.try_timestamptz(told.date_updated) as moment offset 0) as updated
        offset 0
    ) as updated

),

contract as (

    select
        read.*,
        content.*,
        null::text as from_name,
        null::text as subject,
        null::text as quoted_body,
        null::text as in_reply_to,
        null::text as reference_id,
        null::text as in_reply_to_reference
    from read
    left join lateral (
        select
            -- people
            case when is_inbound then 'inbound' else 'outbound' end as direction,
            sender as from_address,
            array[recipient] as to_addresses,
            case when is_inbound then sender_identity else recipient_identity end as counterpart_identity,
            {{ bounded_key("case when is_inbound then coalesce(recipient, '') || '|' || coalesce(nullif(sender, ''), message_sid) "
                "else coalesce(sender, '') || '|' || coalesce(nullif(recipient, ''), message_sid) end") }} as thread_key,
            -- content
            case when attachments_listed is not null or canonical.try_integer(num_media) > 0 then 'media' else 'text' end as kind,
            coalesce(text, '') as body,
            coalesce(attachments_listed, '[]') as attachments,
            jsonb_build_array(
                {{ person('sender_identity', 'from', 'not is_inbound', 'null', 'sender') }},
                {{ person('recipient_identity', 'to', 'is_inbound', 'null', 'recipient') }}
            ) as participants,
            {{ object_of_texts([
                ('transport', "nullif(" ~ twilio_transport('case when is_inbound then sender else recipient end') ~ ", 'sms')"),
                ('messaging_service_sid', "payload ->> 'messaging_service_sid'"),
                ('status_word', 'status_word'),
                ('error_code', "payload ->> 'error_code'"),
                ('error_message', "payload ->> 'error_message'"),
                ('price', "payload ->> 'price'"),
                ('price_unit', "case when payload ->> 'price' is not null then payload ->> 'price_unit' end"),
                ('implausible_time', implausible_time('told_time', 'received_at')),
            ]) }}
            || case when payload ->> 'num_segments' <> ''
                then jsonb_build_object('num_segments', canonical.try_integer(payload ->> 'num_segments')) else '{}' end
            || case when text = '' then '{"history_body_empty": true}' else '{}' end::jsonb as metadata
        from (
            -- Who cannot be told stands for this one message, so that it waits in the queue like a stranger's.
            select
                coalesce(canonical.twilio_identity(sender, recipient), case when is_inbound then 'unknown:' || message_sid end) as sender_identity,
                coalesce(canonical.twilio_identity(recipient, sender), case when not is_inbound then 'unknown:' || message_sid end)
                    as recipient_identity
            offset 0
        ) as people
        offset 0
    ) as content on has_content

),

copies as (

    select
        'twilio_sms|' || message_sid as message_id,
        'twilio_sms' as channel,
        message_sid as provider_message_id,
        case when has_content then {{ content_order(twilio_completeness(), 'updated_at') }} end as content_order,
        {% for column in content_columns() -%}
        case when has_content then {{ column }} end as {{ column }},
        {% endfor -%}
        case when has_content then coalesce(provider_time, received_at) end as sent_at,
        case when has_content then provider_time is null end as sent_at_is_receipt,
        received_at,
        ranks.status_order,
        not has_content as is_deleted,
        {{ fact('raw_ref', "'history'", 'received_at', "case when has_content then updated_at else '' end", "case when has_content then metadata else '{}' end",
            content='case when has_content then md5(body) end',
            revision="case when not has_content then jsonb_build_object('kind', 'removed at the provider', 'at', " ~ sortable_time('received_at') ~ ") end") }} as facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from contract
    cross join lateral (
        select {{ status_order('word', 'updated_moment') }} as status_order
        from (select case when has_content then {{ twilio_status('status_word') }} else 'deleted' end as word offset 0) as told
        offset 0
    ) as ranks

)

select {{ typed_copy_columns() }} from copies
