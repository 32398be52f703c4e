{# What a call is, computed from all its parts (docs/providers/twilio.md): `parts` is an array with an array of parts for each copy. A part says one thing about one leg, recording or transcript:

   leg         call_sid, connection_id, account, from, to, direction, status, order, duration, started_at, stamp (of a callback), created_at,
               answered_by, forwarded_from, caller_name
   recording   recording_sid, source, status, duration, started_at, encrypted
   transcript  transcription_sid, text
   utterance   transcription_sid, sequence, text: one final sentence of a real-time transcription

   The root leg decides direction and counterpart; without it nothing is known that could be shown. A function and not a part of
   the query: for the messages that are no such calls it is strict and costs nothing. It is made with the view that stands
   before the fold (canonical/message_copies.sql), and its type never changes. #}
{% macro create_call_of() %}
create or replace function {{ target.database }}.canonical.call_of(parts jsonb, root_sid text) returns jsonb
language sql stable strict parallel safe as $call$

    select jsonb_build_object(
        'is_known', root.call_sid is not null,
        'connection_id', root.connection_id,
        -- people
        'direction', case when way.is_outbound then 'outbound' else 'inbound' end,
        'from_address', root.sender,
        'from_name', root.caller_name,
        'to_addresses', array_remove(array[case when root.is_softphone then child.recipient else root.recipient end], null),
        'counterpart_identity', counterpart.identity,
        'thread_key', canonical.bounded_key(case
            when root.is_softphone then coalesce(child.sender, root.sender) || '|' || coalesce(child.recipient, '')
            when way.is_outbound then coalesce(root.sender, '') || '|' || coalesce(root.recipient, '')
            when root.is_withheld then coalesce(root.recipient, '') || '|' || root_sid
            else coalesce(root.recipient, '') || '|' || coalesce(root.sender, '')
        end),
        'participants', jsonb_build_array(
            jsonb_build_object(
                'identity', case when way.is_outbound then ours.identity else counterpart.identity end, 'role', 'from',
                'is_ours', way.is_outbound, 'name', {{ bounded_key('root.caller_name') }}, 'address', root.sender
            ),
            jsonb_build_object(
                'identity', case when way.is_outbound then counterpart.identity else ours.identity end, 'role', 'to',
                'is_ours', not way.is_outbound, 'name', null,
                'address', case when root.is_softphone then child.recipient else root.recipient end
            )
        ),
        -- content
        'kind', case when recordings.is_voicemail then 'voicemail' else 'call' end,
        'body', coalesce(transcripts.text, utterances.text, ''),
        'attachments', coalesce(recordings.attachments, '[]'),
        -- times
        'happened_at', coalesce(root.started_at, root.stamp, root.created_at, recordings.first_started_at),
        -- state
        'status', case
            when recordings.is_voicemail then 'completed'
            when root.status in ('no-answer', 'busy', 'canceled') then case when way.is_outbound then 'failed' else 'missed' end
            when root.status = 'failed' then 'failed'
            -- A menu or a voicemail box answers a call too: nobody spoke where none of its legs was answered.
            when root.status = 'completed' and legs.children > 0 and legs.answered = 0
                then case when way.is_outbound then 'failed' else 'missed' end
            when root.status = 'completed' then 'completed'
            else 'queued'
        end,
        'call', jsonb_strip_nulls(jsonb_build_object(
            'duration_seconds', root.duration,
            'provider_status', root.status,
            'missed', case when recordings.is_voicemail then true end,
            'withheld', case when root.is_withheld then true end,
            'answered_by', root.answered_by,
            'forwarded_from', root.forwarded_from,
            'legs', legs.listed
        ))
    )
    from (
        -- The legs: of each what its parts know together, and the furthest state of all.
        select
            (array_agg(to_jsonb(leg)) filter (where call_sid = root_sid))[1] as root_leg,
            jsonb_agg(
                jsonb_strip_nulls(jsonb_build_object(
                    'call_sid', call_sid, 'from', sender, 'to', recipient, 'status', status, 'duration_seconds', duration
                )) order by coalesce(started_at, stamp, created_at) nulls last, call_sid collate "C"
            ) filter (where call_sid <> root_sid) as listed,
            count(*) filter (where call_sid <> root_sid) as children,
            count(*) filter (where call_sid <> root_sid and status = 'completed' and duration > 0) as answered,
            -- The first leg to somebody who is none of us: whom a softphone called.
            (
                array_agg(to_jsonb(leg) order by coalesce(started_at, stamp, created_at) nulls last, call_sid collate "C")
                filter (where call_sid <> root_sid and recipient !~ '^(client|sip):')
            )[1] as child_leg
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
        ) as leg
    ) as legs
    cross join lateral (
        select
            root.*,
            -- Browser and desk phones make an inbound leg at Twilio: the leg that it dials tells whom they call.
            coalesce(root.sender ~ '^(client|sip):' and legs.child_leg is not null, false) as is_softphone,
            {{ is_withheld('root.sender') }} as is_withheld
        from jsonb_to_record(coalesce(legs.root_leg, '{}')) as root (
            call_sid text, connection_id text, account text, sender text, recipient text, direction text, status text, duration integer,
            started_at text, stamp text, created_at text, answered_by text, forwarded_from text, caller_name text
        )
    ) as root
    cross join lateral jsonb_to_record(coalesce(legs.child_leg, '{}')) as child (sender text, recipient text)
    cross join lateral (
        select coalesce(root.is_softphone or root.direction in ('outbound-api', 'outbound-dial', 'trunking-terminating'), false)
            as is_outbound
    ) as way
    cross join lateral (
        select
            case
                when root.is_softphone then {{ caller_identity('child.recipient', 'child.sender', 'root.account') }}
                when way.is_outbound then {{ caller_identity('root.recipient', 'root.sender', 'root.account') }}
                when root.is_withheld then 'anonymous:' || root_sid
                -- One of ours at a browser phone, who has called nobody yet.
                when root.sender ~ '^client:' then null
                else {{ caller_identity('root.sender', 'root.recipient', 'root.account') }}
            end as identity
    ) as counterpart
    cross join lateral (
        select
            case
                when way.is_outbound then {{ caller_identity('root.sender', 'root.recipient', 'root.account') }}
                else {{ caller_identity('root.recipient', 'root.sender', 'root.account') }}
            end as identity
    ) as ours
    cross join lateral (
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
            ) filter (where status in ('completed', 'deleted')) as attachments,
            min(started_at collate "C") as first_started_at,
            coalesce(bool_or(source = 'RecordVerb' and duration > 0 and status in ('completed', 'deleted')), false) as is_voicemail
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
        ) as recording
    ) as recordings
    cross join lateral (
        select string_agg(text, E'\n\n' order by transcription_sid collate "C") as text
        from (
            select part ->> 'transcription_sid' as transcription_sid, max(part ->> 'text' collate "C") as text
            from jsonb_path_query(parts, '$[*][*]') as part
            where part ->> 'kind' = 'transcript' and part ->> 'text' <> ''
            group by 1
        ) as transcript
    ) as transcripts
    cross join lateral (
        select string_agg(text, E'\n' order by transcription_sid collate "C", sequence, text collate "C") as text
        from (
            select distinct
                part ->> 'transcription_sid' as transcription_sid, canonical.try_integer(part ->> 'sequence') as sequence, part ->> 'text' as text
            from jsonb_path_query(parts, '$[*][*]') as part
            where part ->> 'kind' = 'utterance' and part ->> 'text' <> ''
        ) as utterance
    ) as utterances
$call$
{% endmacro %}

{# Callers that a network names instead of a number; most parse as numbers of foreign countries, so this comes first
   (docs/providers/twilio.md). An empty address is one of them, a missing one is not. #}
{% macro is_withheld(address) -%}
    coalesce(lower({{ address }}) in (
        '+266696687', '+7378742833', '+2562533', '+8656696', '+8566696', '+86282452253', '+464',
        'anonymous', 'restricted', 'unavailable', 'unknown', 'private', 'blocked', ''
    ), false)
{%- endmacro %}

{# An address of a call as an identity: a client or SIP address belongs to the account, without its parameters. #}
{% macro caller_identity(address, other, account) -%}
    {{ bounded_key(unbounded_caller_identity(address, other, account)) }}
{%- endmacro %}

{% macro unbounded_caller_identity(address, other, account) -%}
    case
        when {{ is_withheld(address) }} then null
        when {{ address }} ~ '^(client|sips?):' then
            regexp_replace({{ address }}, '^(client|sip)s?:.*$', '\1') || ':' || coalesce({{ account }}, '') || ':'
                || {{ sip_user(address) }}
        else {{ unbounded_twilio_identity(address, other) }}
    end
{%- endmacro %}

{# One part of a call: what one event or one row of the history tells about a leg. Times are sortable texts. #}
{% macro call_leg(call_sid, connection_id, account, sender, recipient, direction, status, duration, started_at, stamp, created_at, answered_by,
                  forwarded_from, caller_name) -%}
    jsonb_strip_nulls(jsonb_build_object(
        'kind', 'leg', 'call_sid', {{ call_sid }}, 'connection_id', {{ connection_id }}, 'account', {{ account }}, 'from', {{ sender }}, 'to', {{ recipient }},
        'direction', {{ direction }}, 'status', {{ status }},
        -- Events come in any order: how far the leg is tells which of them counts.
        'order', case
            when {{ status }} in ('completed', 'busy', 'failed', 'no-answer', 'canceled') then '3'
            when {{ status }} = 'in-progress' then '2' when {{ status }} = 'ringing' then '1' else '0'
        end,
        'duration', nullif({{ duration }}, ''), 'started_at', {{ started_at }}, 'stamp', {{ stamp }}, 'created_at', {{ created_at }},
        'answered_by', nullif({{ answered_by }}, ''), 'forwarded_from', nullif({{ forwarded_from }}, ''),
        'caller_name', nullif({{ caller_name }}, '')
    ))
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
        transaction_id
    from {{ told }}
    cross join lateral (
        select coalesce(parent_call_sid, call_sid) as sid, null::text as moved_to where parts is not null

        union all

        select call_sid, 'twilio_voice|' || parent_call_sid where parent_call_sid is not null
        offset 0
    ) as sight
    -- A fence: the contract reads the facts twice.
    cross join lateral (
        select
            case when sight.moved_to is not null then '{}' else jsonb_build_object(
                raw_ref,
                jsonb_strip_nulls(jsonb_build_object(
                    'via', '{{ door }}', 'at', {{ sortable_time('received_at') }}, 'version', version, 'metadata', metadata, 'parts', parts
                ))
            ) end as facts
        offset 0
    ) as filed

)
{% endmacro %}
