-- Grain: one row per event in a POST of Twilio (docs/providers/twilio.md).
{% set form = "coalesce(event #>> '{%s,0}', event ->> '%s')" %}
{% set cases = [
    ("payload_error is not null", "quarantined", "payload_error"),
    (is_cut_out('event'), "destroyed", "null"),
    ("jsonb_typeof(event) is distinct from 'object'", "quarantined", "'the event is no object with fields'"),
    ("account_sid is distinct from connection_account_sid", "quarantined", "'AccountSid is not that of the connection'"),
    ("is_stream and stream_type is null", "quarantined", "'the event has no type'"),
    ("is_stream and stream_type <> 'com.twilio.messaging.inbound-message.received'", "ignored", "'event type ' || stream_type || ' is no message'"),
    ("not (canonical.is_sid(message_sid, 'SM') or canonical.is_sid(message_sid, 'MM')) or message_sid is null", "quarantined", "'MessageSid is missing or is no message SID'"),
    ("is_stream", "message", "null"),
    ("message_status is not null and " ~ twilio_status('message_status') ~ " is null", "quarantined", "'MessageStatus has a word that is not known'"),
    ("message_status is not null", "status", "null"),
    ("sms_status = 'received' or looks_inbound", "message", "null"),
    ("true", "quarantined", "'the form is neither a message nor a status'"),
] %}
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
        element.ordinality as event_number
    from deliveries
    -- A form is no list, and is not made one: that would copy it.
    cross join lateral (
        select coalesce(payload, 'null') as value, 1 as ordinality where jsonb_typeof(payload) is distinct from 'array' or payload = '[]'

        union all

        select listed.value, listed.ordinality
        from {{ elements_of('payload') }} with ordinality as listed
        where jsonb_typeof(payload) = 'array'
    ) as element

),

-- `offset 0` marks a fence: what is read more than once is computed behind one, because the planner would repeat it for each reader.
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
        told.*
    from events
    cross join lateral (
        select
            is_stream,
            case when is_stream then event ->> 'type' end as stream_type,
            case when is_stream then event #>> '{data,messageSid}' else {{ form | replace('%s', 'MessageSid') }} end as message_sid,
            case when is_stream then event #>> '{data,accountSid}' else {{ form | replace('%s', 'AccountSid') }} end as account_sid,
            -- what kind of form
            {{ form | replace('%s', 'MessageStatus') }} as message_status,
            {{ form | replace('%s', 'SmsStatus') }} as sms_status,
            event ? 'Body' and event ? 'NumMedia' as looks_inbound
        from (select coalesce(event ? 'specversion', false) as is_stream offset 0) as kind
        offset 0
    ) as told

),

judged as (

    select read.*, verdict.number as verdict, verdict.outcome
    from read
    cross join {{ verdict_of(cases) }} as verdict

)

select
    raw_ref,
    connection_id,
    connection_account_sid,
    transaction_id,
    received_at,
    payload_error,
    event,
    is_stream,
    stream_type,
    message_sid,
    account_sid,
    message_status,
    sms_status,
    looks_inbound,
    outcome,
    {{ verdict_reason(cases, 'verdict') }} as reason
from judged
