-- Grain: one row per version of a call, recording or transcription in Twilio's history, one more where a call is a leg of
-- another, and one per call known to be gone there.
with

events as not materialized (

    select * from {{ ref('stg_twilio_voice__history_events') }}

),

told as (

    select
        raw_ref,
        call_sid,
        parent_call_sid,
        received_at,
        transaction_id,
        said.version,
        said.parts,
        said.metadata
    from events
    -- Fences: read more than once, computed once.
    cross join lateral (
        select
            canonical.try_timestamptz(payload ->> 'date_updated') as updated,
            canonical.try_timestamptz(payload ->> 'start_time') as started,
            case when resource = 'call' then canonical.try_timestamptz(payload ->> 'date_created') end as created
        offset 0
    ) as times
    cross join lateral (
        select
            coalesce({{ sortable_time('updated') }}, '') as version,
            case resource
                when 'call' then jsonb_build_array({{ call_leg(
                    call_sid='call_sid', connection_id='connection_id', account="payload ->> 'account_sid'", sender="payload ->> 'from'",
                    recipient="payload ->> 'to'", direction="payload ->> 'direction'", status="payload ->> 'status'",
                    duration="payload ->> 'duration'",
                    started_at=sortable_time(plausible_time('started', 'received_at')), stamp='null',
                    created_at=sortable_time(plausible_time('created', 'received_at')),
                    answered_by="payload ->> 'answered_by'", forwarded_from="payload ->> 'forwarded_from'",
                    caller_name="payload ->> 'caller_name'"
                ) }})
                when 'recording' then jsonb_build_array({{ call_recording(
                    recording_sid='sid', source="payload ->> 'source'", status="payload ->> 'status'", duration="payload ->> 'duration'",
                    started_at=sortable_time('started'),
                    encrypted="jsonb_typeof(payload -> 'encryption_details') = 'object'"
                ) }})
                when 'transcription' then jsonb_build_array(jsonb_build_object(
                    'kind', 'transcript', 'transcription_sid', sid, 'text', payload ->> 'transcription_text'
                ))
            end as parts,
            case when resource = 'call' then jsonb_strip_nulls(jsonb_build_object(
                'price', payload ->> 'price',
                'price_unit', case when payload ->> 'price' is not null then payload ->> 'price_unit' end,
                'queue_time_ms', nullif(payload ->> 'queue_time', '0'),
                'trunk_sid', nullif(payload ->> 'trunk_sid', '')
            )) end as metadata
        offset 0
    ) as said
    where outcome = 'message'

),

{{ call_copies('told', 'history') }},

removed as (

    select
        'twilio_voice|' || sid as message_id,
        'twilio_voice' as channel,
        sid as provider_message_id,
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        received_at,
        {{ status_order("'deleted'") }} as status_order,
        true as is_deleted,
        {{ fact('raw_ref', "'history'", 'received_at', "''", "'{}'::jsonb",
            revision="jsonb_build_object('kind', 'removed at the provider', 'at', " ~ sortable_time('received_at') ~ ")") }} as facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from events
    where outcome = 'revision'

)

select {{ typed_copy_columns() }} from copies

union all

select {{ typed_copy_columns() }} from removed
