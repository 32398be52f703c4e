-- Grain: one row per POST of Twilio Voice: each tells one thing about one call (providers.md §4.1, in its order of checks).
{% set known_statuses = "('queued', 'initiated', 'ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled')" %}
with

deliveries as (

    select
        deliveries.delivery_id,
        deliveries.connection_id,
        deliveries.received_at,
        deliveries.transaction_id,
        deliveries.payload_error,
        -- A parameter that repeats is a list: its first value counts.
        case jsonb_typeof(deliveries.payload) when 'object' then deliveries.payload end as form,
        connections.settings ->> 'account_sid' as connection_account_sid
    from {{ landed('raw', 'webhook_deliveries') }} as deliveries
    left join {{ source('crm', 'connections') }} as connections using (connection_id)
    where deliveries.channel = 'twilio_voice'

),

read as (

    select
        deliveries.*,
        'raw.webhook_deliveries/' || delivery_id as raw_ref,
        {{ form_field('CallSid') }} as call_sid,
        nullif({{ form_field('ParentCallSid') }}, '') as parent_call_sid,
        {{ form_field('AccountSid') }} as account_sid,
        {{ form_field('CallStatus') }} as call_status,
        {{ form_field('RecordingSid') }} as recording_sid,
        {{ form_field('RecordingStatus') }} as recording_status,
        {{ form_field('TranscriptionSid') }} as transcription_sid,
        {{ form_field('TranscriptionStatus') }} as transcription_status,
        {{ form_field('TranscriptionEvent') }} as transcription_event,
        coalesce({{ form_field('CallbackSource') }} = 'call-progress-events' or form ? 'SequenceNumber', false) as is_progress,
        form ? 'RecordingUrl' as has_recording
    from deliveries

),

named as (

    select
        read.*,
        case
            when transcription_event is not null then 'utterance'
            when transcription_status is not null and transcription_sid is not null then 'transcript'
            when recording_status is not null then 'recording'
            when has_recording and call_status is not null and not is_progress then 'record action'
            when is_progress or call_status in ('completed', 'busy', 'failed', 'no-answer', 'canceled') then 'progress'
            when call_status in ('ringing', 'in-progress', 'queued', 'initiated') then 'call request'
        end as event
    from read

)

select
    *,
    case
        when payload_error is not null or form is null then 'quarantined'
        when account_sid is distinct from connection_account_sid then 'quarantined'
        when call_sid is null or call_sid !~ '^CA[0-9a-f]{32}$' then 'quarantined'
        when parent_call_sid !~ '^CA[0-9a-f]{32}$' then 'quarantined'
        when event is null then 'quarantined'
        when event in ('progress', 'record action', 'call request') and call_status not in {{ known_statuses }} then 'quarantined'
        when event in ('recording', 'record action') and (recording_sid is null or recording_sid !~ '^RE[0-9a-f]{32}$') then 'quarantined'
        when event = 'utterance' and transcription_event <> 'transcription-content' then 'system_event'
        when event = 'utterance' and lower({{ form_field('Final') }}) is distinct from 'true' then 'ignored'
        when event = 'utterance' and canonical.try_json({{ form_field('TranscriptionData') }}) ->> 'transcript' is null then 'quarantined'
        when event = 'transcript' and transcription_status = 'failed' then 'system_event'
        -- A call is told piece by piece; each piece is a copy of the one message.
        when event = 'recording' and recording_status <> 'completed' then 'status'
        else 'message'
    end as outcome,
    case
        when payload_error is not null then payload_error
        when form is null then 'the body is no form with fields'
        when account_sid is distinct from connection_account_sid then 'AccountSid is not that of the connection'
        when call_sid is null or call_sid !~ '^CA[0-9a-f]{32}$' then 'CallSid is missing or is no call SID'
        when parent_call_sid !~ '^CA[0-9a-f]{32}$' then 'ParentCallSid is no call SID'
        when event is null then 'the form is neither of a call nor of a recording nor of a transcript'
        when event in ('progress', 'record action', 'call request') and call_status not in {{ known_statuses }}
            then 'CallStatus has a word that is not known'
        when event in ('recording', 'record action') and (recording_sid is null or recording_sid !~ '^RE[0-9a-f]{32}$')
            then 'RecordingSid is missing or is no recording SID'
        when event = 'utterance' and transcription_event <> 'transcription-content' then transcription_event
        when event = 'utterance' and lower({{ form_field('Final') }}) is distinct from 'true' then 'an interim result: the final one follows'
        when event = 'utterance' and canonical.try_json({{ form_field('TranscriptionData') }}) ->> 'transcript' is null
            then 'TranscriptionData holds no transcript'
        when event = 'transcript' and transcription_status = 'failed' then 'the recording could not be transcribed'
        when event = 'call request'
            then 'our URL answers calls of this number, and an empty answer hangs up: give its Voice URL back to who had it'
    end as reason
from named
