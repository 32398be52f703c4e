-- Grain: one row per event in a POST of Twilio (providers.md §3.1, §3.5).
{% set form = "coalesce(event #>> '{%s,0}', event ->> '%s')" %}
with

deliveries as (

    select
        deliveries.*,
        connections.settings ->> 'account_sid' as connection_account_sid
    from {{ landed('raw', 'webhook_deliveries') }} as deliveries
    left join {{ source('crm', 'connections') }} as connections using (connection_id)
    where deliveries.channel = 'twilio_sms'

),

events as (

    -- An empty array is one event too: what arrived must be accounted for.
    select
        deliveries.*,
        element.value as event,
        element.ordinality as event_number,
        coalesce(element.value ? 'specversion', false) as is_stream
    from deliveries
    cross join lateral jsonb_array_elements(
        case
            when jsonb_typeof(payload) = 'array' and jsonb_array_length(payload) > 0 then payload
            else jsonb_build_array(payload)
        end
    ) with ordinality as element

),

read as (

    select
        -- keys
        'raw.webhook_deliveries/' || delivery_id
            || case when event_number > 1 or jsonb_typeof(payload) = 'array' then '#' || event_number else '' end as raw_ref,
        connection_id,
        connection_account_sid,
        transaction_id,
        received_at,
        payload_error,
        event,
        is_stream,
        case when is_stream then event ->> 'type' end as stream_type,
        case when is_stream then event #>> '{data,messageSid}' else {{ form | replace('%s', 'MessageSid') }} end as message_sid,
        case when is_stream then event #>> '{data,accountSid}' else {{ form | replace('%s', 'AccountSid') }} end as account_sid,
        -- what kind of form
        {{ form | replace('%s', 'MessageStatus') }} as message_status,
        {{ form | replace('%s', 'SmsStatus') }} as sms_status,
        event ? 'Body' and event ? 'NumMedia' as looks_inbound
    from events

)

select
    *,
    case
        when payload_error is not null then 'quarantined'
        when jsonb_typeof(event) is distinct from 'object' then 'quarantined'
        when account_sid is distinct from connection_account_sid then 'quarantined'
        when is_stream and stream_type <> 'com.twilio.messaging.inbound-message.received' then 'ignored'
        when message_sid !~ '^(SM|MM)[0-9a-f]{32}$' or message_sid is null then 'quarantined'
        when is_stream then 'message'
        when message_status is not null and {{ twilio_status('message_status') }} is null then 'quarantined'
        when message_status is not null then 'status'
        when sms_status = 'received' or looks_inbound then 'message'
        else 'quarantined'
    end as outcome,
    case
        when payload_error is not null then payload_error
        when jsonb_typeof(event) is distinct from 'object' then 'the event is no object with fields'
        when account_sid is distinct from connection_account_sid then 'AccountSid is not that of the connection'
        when is_stream and stream_type <> 'com.twilio.messaging.inbound-message.received'
            then 'event type ' || stream_type || ' is no message'
        when message_sid !~ '^(SM|MM)[0-9a-f]{32}$' or message_sid is null then 'MessageSid is missing or is no message SID'
        when message_status is not null and {{ twilio_status('message_status') }} is null
            then 'MessageStatus has a word that is not known'
        when not is_stream and message_status is null and sms_status is distinct from 'received' and not looks_inbound
            then 'the form is neither a message nor a status'
    end as reason
from read
