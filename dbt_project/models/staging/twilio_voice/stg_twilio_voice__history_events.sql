-- Grain: one row per row of Twilio's history of calls: a version of a call, a recording or a transcription, or one known to be gone.
{% set recording_words = "('in-progress', 'paused', 'stopped', 'processing', 'completed', 'absent', 'failed', 'deleted')" %}
with

loaded as (

    select
        'raw_twilio_voice.calls/' || _dlt_id as raw_ref, connection_id::text as connection_id, transaction_id, pulled_at as received_at,
        'call' as resource, sid::text as sid, sid::text as call_sid, nullif(payload ->> 'parent_call_sid', '') as parent_call_sid, payload
    from {{ landed('raw_twilio_voice', 'calls') }} as calls

    union all

    select
        'raw_twilio_voice.recordings/' || _dlt_id, connection_id::text, transaction_id, pulled_at,
        'recording', sid::text, payload ->> 'call_sid', null, payload
    from {{ landed('raw_twilio_voice', 'recordings') }} as recordings

    union all

    select
        'raw_twilio_voice.transcriptions/' || _dlt_id, connection_id::text, transaction_id, pulled_at,
        'transcription', sid::text, call_sid::text, null, payload
    from {{ landed('raw_twilio_voice', 'transcriptions') }} as transcriptions

),

named as (

    select
        loaded.*,
        connections.settings ->> 'account_sid' as connection_account_sid
    from loaded
    left join {{ source('crm', 'connections') }} as connections using (connection_id)

)

select
    raw_ref, connection_id, transaction_id, received_at, resource, sid, call_sid, parent_call_sid, payload,
    case
        when payload ->> 'account_sid' is distinct from connection_account_sid then 'quarantined'
        when call_sid is null or not canonical.is_sid(call_sid, 'CA') then case
            when resource = 'recording' and payload ->> 'conference_sid' <> '' then 'ignored' else 'quarantined'
        end
        when not canonical.is_sid(parent_call_sid, 'CA') then 'quarantined'
        when resource = 'call' and coalesce(payload ->> 'status', '') not in (
            'queued', 'initiated', 'ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled'
        ) then 'quarantined'
        when resource = 'recording' and coalesce(payload ->> 'status', '') not in {{ recording_words }} then 'quarantined'
        when resource = 'transcription' and coalesce(payload ->> 'status', '') not in ('in-progress', 'completed', 'failed') then 'quarantined'
        when resource = 'transcription' and payload ->> 'status' <> 'completed' then 'system_event'
        else 'message'
    end as outcome,
    case
        when payload ->> 'account_sid' is distinct from connection_account_sid then 'account_sid is not that of the connection'
        when call_sid is null or not canonical.is_sid(call_sid, 'CA') then case
            when resource = 'recording' and payload ->> 'conference_sid' <> '' then 'the recording of a conference, which is no one call'
            else 'call_sid is missing or is no call SID'
        end
        when not canonical.is_sid(parent_call_sid, 'CA') then 'parent_call_sid is no call SID'
        when resource = 'call' and coalesce(payload ->> 'status', '') not in (
            'queued', 'initiated', 'ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled'
        ) then 'status has a word that is not known'
        when resource = 'recording' and coalesce(payload ->> 'status', '') not in {{ recording_words }} then 'status of the recording has a word that is not known'
        when resource = 'transcription' and coalesce(payload ->> 'status', '') not in ('in-progress', 'completed', 'failed')
            then 'status of the transcription has a word that is not known'
        when resource = 'transcription' and payload ->> 'status' <> 'completed' then 'the recording could not be transcribed'
    end as reason
from named

union all

select
    'raw_twilio_voice.removals/' || _dlt_id, connection_id::text, transaction_id, noticed_at, kind::text, sid::text, null, null, null,
    case when kind = 'call' then 'revision' else 'system_event' end,
    case when kind <> 'call' then 'the recording is gone at Twilio' end
from {{ landed('raw_twilio_voice', 'removals') }} as removals
