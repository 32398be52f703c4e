-- Grain: one row per event of a call, pushed by Twilio, and one more where it belongs to a leg of another call.
with

events as (

    select * from {{ ref('stg_twilio_voice__webhook_events') }}
    where outcome in ('message', 'status')

),

told as (

    select
        raw_ref,
        call_sid,
        parent_call_sid,
        received_at,
        transaction_id,
        '' as version,
        said.parts,
        said.metadata
    from events
    -- A fence: read more than once, computed once.
    cross join lateral (
        select
            (
                select jsonb_agg(part)
                from (
                    -- Every event that carries CallStatus tells of its leg, whatever else it tells.
                    select {{ call_leg(
                        call_sid='call_sid', connection_id='connection_id', account='account_sid', sender=form_field('From'),
                        recipient=form_field('To'), direction=form_field('Direction'), status='call_status',
                        duration=form_field('CallDuration'), started_at='null',
                        stamp="case when event = 'progress' then " ~ sortable_time("canonical.try_timestamptz(" ~ form_field('Timestamp') ~ ")") ~ " end",
                        created_at='null', answered_by=form_field('AnsweredBy'), forwarded_from=form_field('ForwardedFrom'),
                        caller_name=form_field('CallerName')
                    ) }} as part
                    where call_status is not null

                    union all

                    select {{ call_recording(
                        recording_sid='recording_sid',
                        source="case when event = 'record action' then 'RecordVerb' else " ~ form_field('RecordingSource') ~ " end",
                        status="coalesce(recording_status, 'completed')", duration=form_field('RecordingDuration'),
                        started_at=sortable_time("canonical.try_timestamptz(" ~ form_field('RecordingStartTime') ~ ")"), encrypted='false'
                    ) }}
                    where event in ('recording', 'record action') or (event = 'progress' and has_recording and canonical.is_sid(recording_sid, 'RE'))

                    union all

                    select jsonb_build_object(
                        'kind', 'transcript', 'transcription_sid', transcription_sid, 'text', {{ form_field('TranscriptionText') }}
                    )
                    where event = 'transcript'

                    union all

                    select jsonb_build_object(
                        'kind', 'utterance', 'transcription_sid', transcription_sid, 'sequence', {{ form_field('SequenceId') }},
                        'track', {{ form_field('Track') }}, 'text', canonical.try_json({{ form_field('TranscriptionData') }}) ->> 'transcript'
                    )
                    where event = 'utterance'
                ) as told_parts
            ) as parts,
            -- What an admin would look for, and no part of the call says.
            jsonb_strip_nulls(jsonb_build_object(
                'stir_verstat', nullif({{ form_field('StirVerstat') }}, ''),
                'sip_response_code', nullif({{ form_field('SipResponseCode') }}, ''),
                'error_code', nullif(nullif({{ form_field('ErrorCode') }}, ''), '0')
            )) as metadata
        offset 0
    ) as said

),

{{ call_copies('told', 'webhook') }}

select {{ typed_copy_columns() }} from copies
