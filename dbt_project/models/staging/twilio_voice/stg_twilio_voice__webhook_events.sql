-- Grain: one row per POST of Twilio Voice: each tells one thing about one call (docs/providers/twilio.md, in its order of checks).
{% set known_statuses = "('queued', 'initiated', 'ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled')" %}
{# A call is told piece by piece; each piece is a copy of the one message. #}
{% set cases = [
    ("payload_error is not null", "quarantined", "payload_error"),
    ("form is null", "quarantined", "'the body is no form with fields'"),
    ("account_sid is distinct from connection_account_sid", "quarantined", "'AccountSid is not that of the connection'"),
    ("event = 'recording' and coalesce(call_sid, '') = '' and " ~ form_field('ConferenceSid') ~ " <> ''", "ignored", "'the recording of a conference, which is no one call'"),
    ("call_sid is null or not canonical.is_sid(call_sid, 'CA')", "quarantined", "'CallSid is missing or is no call SID'"),
    ("not canonical.is_sid(parent_call_sid, 'CA')", "quarantined", "'ParentCallSid is no call SID'"),
    ("event is null", "quarantined", "'the form is neither of a call nor of a recording nor of a transcript'"),
    ("event in ('progress', 'record action', 'call request') and coalesce(call_status, '') not in " ~ known_statuses, "quarantined", "'CallStatus has a word that is not known'"),
    ("event in ('recording', 'record action') and (recording_sid is null or not canonical.is_sid(recording_sid, 'RE'))", "quarantined", "'RecordingSid is missing or is no recording SID'"),
    ("event = 'recording' and recording_status not in ('in-progress', 'paused', 'stopped', 'processing', 'completed', 'absent', 'failed', 'deleted')", "quarantined", "'RecordingStatus has a word that is not known'"),
    ("event = 'transcript' and transcription_status not in ('in-progress', 'completed', 'failed')", "quarantined", "'TranscriptionStatus has a word that is not known'"),
    ("event = 'utterance' and transcription_event not in ('transcription-started', 'transcription-content', 'transcription-stopped', 'transcription-error')", "quarantined", "'TranscriptionEvent has a word that is not known'"),
    ("event = 'utterance' and transcription_event <> 'transcription-content'", "system_event", "transcription_event"),
    ("event = 'utterance' and lower(" ~ form_field('Final') ~ ") is distinct from 'true'", "ignored", "'an interim result: the final one follows'"),
    ("event = 'utterance' and canonical.try_json(" ~ form_field('TranscriptionData') ~ ") ->> 'transcript' is null", "quarantined", "'TranscriptionData holds no transcript'"),
    ("event = 'transcript' and transcription_status = 'failed'", "system_event", "'the recording could not be transcribed'"),
    ("event = 'recording' and recording_status <> 'completed'", "status", "null"),
    ("event = 'call request'", "message", "'our URL answers calls of this number, and an empty answer hangs up: give its Voice URL back to who had it'"),
    ("true", "message", "null"),
] %}
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

-- `offset 0` marks a fence: what is read more than once is computed behind one, because the planner would repeat it for each reader.
read as (

    select deliveries.*, 'raw.webhook_deliveries/' || delivery_id as raw_ref, told.*
    from deliveries
    cross join lateral (
        select
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
        offset 0
    ) as told

),

judged as (

    select read.*, named.event, verdict.number as verdict, verdict.outcome
    from read
    cross join lateral (
        select case
            when transcription_event is not null then 'utterance'
            when transcription_status is not null and transcription_sid is not null then 'transcript'
            when recording_status is not null then 'recording'
            when has_recording and call_status is not null and not is_progress then 'record action'
            when is_progress or call_status in ('completed', 'busy', 'failed', 'no-answer', 'canceled') then 'progress'
            when call_status in ('ringing', 'in-progress', 'queued', 'initiated') then 'call request'
        end as event
        offset 0
    ) as named
    cross join {{ verdict_of(cases) }} as verdict

)

select
    delivery_id,
    connection_id,
    received_at,
    transaction_id,
    payload_error,
    form,
    connection_account_sid,
    raw_ref,
    call_sid,
    parent_call_sid,
    account_sid,
    call_status,
    recording_sid,
    recording_status,
    transcription_sid,
    transcription_status,
    transcription_event,
    is_progress,
    has_recording,
    event,
    outcome,
    {{ verdict_reason(cases, 'verdict') }} as reason
from judged
