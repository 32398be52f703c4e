{# What a call is, computed from all its parts (docs/providers/twilio.md): `parts` is an array with an array of parts for each copy. A part says one thing about one leg, recording or transcript:

   leg         call_sid, connection_id, account, from, to, direction, status, order, duration, started_at, stamp (of a callback), created_at,
               answered_by, forwarded_from, caller_name
   recording   recording_sid, source, status, duration, started_at, encrypted
   transcript  transcription_sid, text
   utterance   transcription_sid, sequence, text: one final sentence of a real-time transcription

   The root leg decides direction and counterpart; without it nothing is known that could be shown. A function and not a part of
   the query: for the messages that are no such calls it is strict and costs nothing. In plpgsql, because its plans are made once a session
   and not for each call, and what a call has none of (recordings, transcripts) is not looked for. It is made with the view that stands
   before the fold (canonical/message_copies.sql), and its type never changes. #}
{% macro create_call_of() %}
create or replace function {{ target.database }}.canonical.call_of(parts jsonb, root_sid text) returns jsonb
language plpgsql stable strict parallel safe as $call$
declare
    legs record;
    root jsonb;
    sender text;
    recipient text;
    account text;
    state text;
    is_known boolean;
    is_softphone boolean;
    is_withheld boolean;
    is_outbound boolean;
    -- Whom a softphone called, and the end that it rang.
    dialled text;
    counterpart text;
    ours text;
    first_recorded text;
    is_voicemail boolean := false;
    attachments jsonb;
    spoken text;
begin
    -- The legs: of each what its parts know together, and the furthest state of all.
    select
        (array_agg(to_jsonb(leg)) filter (where call_sid = root_sid))[1] as root_leg,
        jsonb_agg(
            jsonb_strip_nulls(jsonb_build_object(
                'call_sid', call_sid, 'from', leg.sender, 'to', leg.recipient, 'status', status, 'duration_seconds', duration
            )) order by coalesce(started_at, stamp, created_at) nulls last, call_sid collate "C"
        ) filter (where call_sid <> root_sid) as listed,
        count(*) filter (where call_sid <> root_sid) as children,
        count(*) filter (where call_sid <> root_sid and status = 'completed' and duration > 0) as answered,
        -- The first leg to somebody who is none of us: whom a softphone called.
        (
            array_agg(to_jsonb(leg) order by coalesce(started_at, stamp, created_at) nulls last, call_sid collate "C")
            filter (where call_sid <> root_sid and leg.recipient !~ '^(client|sip):')
        )[1] as child_leg
    into legs
    from (
        select
            part ->> 'call_sid' as call_sid,
            max(part ->> 'connection_id' collate "C") as connection_id,
            max(part ->> 'account' collate "C") as account,
            max(nullif(part ->> 'from', '') collate "C") as sender,
            max(nullif(part ->> 'to', '') collate "C") as recipient,
            max(part ->> 'direction' collate "C") as direction,
            split_part(max((part ->> 'order') || '|' || (part ->> 'status') collate "C"), '|', 2) as status,
            max(canonical.try_integer(part ->> 'duration')) as duration,
            min(part ->> 'started_at' collate "C") as started_at,
            min(part ->> 'stamp' collate "C") as stamp,
            min(part ->> 'created_at' collate "C") as created_at,
            max(part ->> 'answered_by' collate "C") as answered_by,
            max(part ->> 'forwarded_from' collate "C") as forwarded_from,
            max(part ->> 'caller_name' collate "C") as caller_name
        from jsonb_path_query(parts, '$[*][*]') as part
        where part ->> 'kind' = 'leg'
        group by 1
    ) as leg;

    if parts @? '$[*][*] ? (@.kind == "recording")' then
        select
            jsonb_agg(
                jsonb_build_object(
                    'attachment_id', recording_sid, 'content_type', 'audio/mpeg', 'filename', null, 'size_bytes', null,
                    'duration_seconds', duration, 'is_voicemail', source = 'RecordVerb',
                    'state', case when status = 'deleted' then 'expired' when is_encrypted then 'unavailable' else 'waiting' end,
                    'reason', case
                        when status = 'deleted' then 'deleted at Twilio'
                        when is_encrypted then 'encrypted with a key that only its owner has'
                    end,
                    'source', case when status <> 'deleted' and not is_encrypted
                        then jsonb_build_object('kind', 'twilio_recording', 'recording_sid', recording_sid) end
                ) order by started_at nulls last, recording_sid collate "C"
            ) filter (where status in ('completed', 'deleted')),
            min(started_at collate "C"),
            coalesce(bool_or(source = 'RecordVerb' and duration > 0 and status in ('completed', 'deleted')), false)
        into attachments, first_recorded, is_voicemail
        from (
            select
                part ->> 'recording_sid' as recording_sid,
                max(part ->> 'source' collate "C") as source,
                case max(
                    case part ->> 'status'
                        when 'deleted' then 3 when 'completed' then 2 when 'absent' then 1 when 'failed' then 1 else 0
                    end
                ) when 3 then 'deleted' when 2 then 'completed' when 1 then 'absent' else 'in-progress' end as status,
                max(canonical.try_integer(part ->> 'duration')) as duration,
                min(part ->> 'started_at' collate "C") as started_at,
                coalesce(bool_or((part ->> 'encrypted')::boolean), false) as is_encrypted
            from jsonb_path_query(parts, '$[*][*]') as part
            where part ->> 'kind' = 'recording'
            group by 1
        ) as recording;
    end if;

    if parts @? '$[*][*] ? (@.kind == "transcript")' then
        select string_agg(text, E'\n\n' order by transcription_sid collate "C")
        into spoken
        from (
            select part ->> 'transcription_sid' as transcription_sid, max(part ->> 'text' collate "C") as text
            from jsonb_path_query(parts, '$[*][*]') as part
            where part ->> 'kind' = 'transcript' and part ->> 'text' <> ''
            group by 1
        ) as transcript;
    end if;
    if spoken is null and parts @? '$[*][*] ? (@.kind == "utterance")' then
        select string_agg(text, E'\n' order by transcription_sid collate "C", sequence, text collate "C")
        into spoken
        from (
            select distinct
                part ->> 'transcription_sid' as transcription_sid, canonical.try_integer(part ->> 'sequence') as sequence, part ->> 'text' as text
            from jsonb_path_query(parts, '$[*][*]') as part
            where part ->> 'kind' = 'utterance' and part ->> 'text' <> ''
        ) as utterance;
    end if;

    root := coalesce(legs.root_leg, '{}');
    is_known := legs.root_leg is not null;
    sender := root ->> 'sender';
    recipient := root ->> 'recipient';
    account := root ->> 'account';
    state := root ->> 'status';
    -- Browser and desk phones make an inbound leg at Twilio: the leg that it dials tells whom they call.
    is_softphone := coalesce(sender ~ '^(client|sip):' and legs.child_leg is not null, false);
    is_withheld := canonical.is_withheld(sender);
    is_outbound := coalesce(
        is_softphone or root ->> 'direction' in ('outbound-api', 'outbound-dial', 'trunking-terminating'), false
    );
    dialled := case when is_softphone then legs.child_leg ->> 'recipient' else recipient end;
    counterpart := case
        when is_softphone then canonical.caller_identity(dialled, legs.child_leg ->> 'sender', account)
        when is_outbound then canonical.caller_identity(recipient, sender, account)
        when is_withheld then 'anonymous:' || root_sid
        -- One of ours at a browser phone, who has called nobody yet.
        when sender ~ '^client:' then null
        else canonical.caller_identity(sender, recipient, account)
    end;
    ours := case
        when is_outbound then canonical.caller_identity(sender, recipient, account)
        else canonical.caller_identity(recipient, sender, account)
    end;
    return jsonb_build_object(
        'is_known', is_known,
        'connection_id', root ->> 'connection_id',
        -- people
        'direction', case when is_outbound then 'outbound' else 'inbound' end,
        'from_address', sender,
        'from_name', root ->> 'caller_name',
        'to_addresses', array_remove(array[dialled], null),
        'counterpart_identity', counterpart,
        'thread_key', canonical.bounded_key(case
            when is_softphone then coalesce(legs.child_leg ->> 'sender', sender) || '|' || coalesce(dialled, '')
            when is_outbound then coalesce(sender, '') || '|' || coalesce(recipient, '')
            when is_withheld then coalesce(recipient, '') || '|' || root_sid
            else coalesce(recipient, '') || '|' || coalesce(sender, '')
        end),
        'participants', jsonb_build_array(
            jsonb_build_object(
                'identity', case when is_outbound then ours else counterpart end, 'role', 'from',
                'is_ours', is_outbound, 'name', canonical.bounded_key(root ->> 'caller_name'), 'address', sender
            ),
            jsonb_build_object(
                'identity', case when is_outbound then counterpart else ours end, 'role', 'to',
                'is_ours', not is_outbound, 'name', null, 'address', dialled
            )
        ),
        -- content
        'kind', case when is_voicemail then 'voicemail' else 'call' end,
        'body', coalesce(spoken, ''),
        'attachments', coalesce(attachments, '[]'),
        -- times
        'happened_at', coalesce(root ->> 'started_at', root ->> 'stamp', root ->> 'created_at', first_recorded),
        -- state
        'status', case
            when is_voicemail then 'completed'
            when state in ('no-answer', 'busy', 'canceled') then case when is_outbound then 'failed' else 'missed' end
            when state = 'failed' then 'failed'
            -- A menu or a voicemail box answers a call too: nobody spoke where none of its legs was answered.
            when state = 'completed' and legs.children > 0 and legs.answered = 0
                then case when is_outbound then 'failed' else 'missed' end
            when state = 'completed' then 'completed'
            else 'queued'
        end,
        'call', jsonb_strip_nulls(jsonb_build_object(
            'duration_seconds', root -> 'duration',
            'provider_status', state,
            'missed', case when is_voicemail then true end,
            'withheld', case when is_withheld then true end,
            'answered_by', root ->> 'answered_by',
            'forwarded_from', root ->> 'forwarded_from',
            'legs', legs.listed
        ))
    );
end
$call$
{% endmacro %}

{# One part of a call: what one event or one row of the history tells about a leg. Times are sortable texts. #}
{% macro call_leg(call_sid, connection_id, account, sender, recipient, direction, status, duration, started_at, stamp, created_at, answered_by,
                  forwarded_from, caller_name) -%}
    {#- Events come in any order: how far the leg is tells which of them counts. -#}
    {%- set order = "case
            when " ~ status ~ " in ('completed', 'busy', 'failed', 'no-answer', 'canceled') then '3'
            when " ~ status ~ " = 'in-progress' then '2' when " ~ status ~ " = 'ringing' then '1' else '0'
        end" -%}
    jsonb_strip_nulls({{ object_of_texts([
        ('kind', "'leg'"), ('call_sid', call_sid), ('connection_id', connection_id), ('account', account), ('from', sender), ('to', recipient),
        ('direction', direction), ('status', status), ('order', order), ('duration', "nullif(" ~ duration ~ ", '')"), ('started_at', started_at),
        ('stamp', stamp), ('created_at', created_at), ('answered_by', "nullif(" ~ answered_by ~ ", '')"),
        ('forwarded_from', "nullif(" ~ forwarded_from ~ ", '')"), ('caller_name', "nullif(" ~ caller_name ~ ", '')"),
    ]) }})
{%- endmacro %}

{% macro call_recording(recording_sid, source, status, duration, started_at, encrypted) -%}
    jsonb_strip_nulls(jsonb_build_object(
        'kind', 'recording', 'recording_sid', {{ recording_sid }}, 'source', {{ source }}, 'status', {{ status }},
        'duration', nullif({{ duration }}, ''), 'started_at', {{ started_at }}, 'encrypted', {{ encrypted }}
    ))
{%- endmacro %}

{# CTE `copies`: what events and rows tell of calls, as copies. Parts are filed under the parent of their leg, and a copy without
   content says that the leg belongs there; the fold walks on from the parent to the root. `told` names a relation with raw_ref,
   call_sid, parent_call_sid, received_at, transaction_id, version, parts (a JSON array), metadata. #}
{% macro call_copies(told, door) %}
copies as (

    select
        'twilio_voice|' || sight.sid as message_id,
        'twilio_voice' as channel,
        sight.sid as provider_message_id,
        -- The fold computes the content of a call from its parts.
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        received_at,
        null::text as status_order,
        false as is_deleted,
        filed.facts,
        sight.moved_to,
        transaction_id,
        case when sight.moved_to is null then raw_ref end as raw_ref
    from {{ told }}
    cross join lateral (
        select coalesce(parent_call_sid, call_sid) as sid, null::text as moved_to where parts is not null

        union all

        select call_sid, 'twilio_voice|' || parent_call_sid where parent_call_sid is not null
        offset 0
    ) as sight
    cross join lateral (
        select
            case when sight.moved_to is not null then '{}' else
                {{ fact('raw_ref', "'" ~ door ~ "'", 'received_at', 'version', 'metadata', parts='parts') }}
            end as facts
        offset 0
    ) as filed

)
{% endmacro %}
