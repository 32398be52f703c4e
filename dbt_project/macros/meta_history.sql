{# Messages of Messenger's and Instagram's conversations API (providers.md §8.4, §9.4). Only the twenty newest of a conversation have
   details; of an older one we know that it exists, and that is no sign of a deletion. #}
{% macro conversation_events(channel) %}
select
    'raw_{{ channel }}.messages/' || _dlt_id as raw_ref,
    connection_id::text as connection_id,
    transaction_id,
    pulled_at as received_at,
    {{ bounded_key('id::text') }} as mid,
    {{ bounded_key('account_id::text') }} as account_id,
    conversation_id::text as conversation_id,
    payload,
    unavailable,
    counterpart,
    canonical.try_timestamptz(coalesce(payload ->> 'created_time', created_time::text)) as told_time,
    case
        when unavailable and counterpart ->> 'id' is null then 'quarantined'
        when not unavailable and jsonb_typeof(payload) is distinct from 'object' then 'quarantined'
        when not unavailable and payload #>> '{from,id}' is null then 'quarantined'
        when not unavailable and payload #>> '{from,id}' = account_id and {{ conversation_partner() }} is null then 'quarantined'
        else 'message'
    end as outcome,
    case
        when unavailable and counterpart ->> 'id' is null then 'a message without details in a conversation that names nobody'
        when not unavailable and jsonb_typeof(payload) is distinct from 'object' then 'the message is no object with fields'
        when not unavailable and payload #>> '{from,id}' is null then 'the message names no sender'
        when not unavailable and payload #>> '{from,id}' = account_id and {{ conversation_partner() }} is null
            then 'the message names nobody but ourselves'
    end as reason
from {{ landed('raw_' ~ channel, 'messages') }} as messages
{% endmacro %}

{# The id of the other one: the sender, or the first recipient who is not the account, or whom the conversation is with. #}
{% macro conversation_partner() -%}
    coalesce(
        nullif(payload #>> '{from,id}', account_id),
        (select person ->> 'id' from canonical.elements(payload #> '{to,data}') as person where person ->> 'id' <> account_id limit 1),
        nullif(counterpart ->> 'id', account_id)
    )
{%- endmacro %}

{% macro conversation_copies(channel, scheme) %}
with

-- Used twice, so it would be computed whole, tail or not: it must be open to the readers' conditions.
events as not materialized (

    select
        *,
        {{ plausible_time('told_time', 'received_at') }} as provider_time,
        coalesce(payload #>> '{from,id}' = account_id, false) as is_outbound,
        {{ bounded_key(conversation_partner()) }} as counterpart_id,
        -- Messenger tells a name, Instagram a user name. An e-mail address beside it is made up.
        nullif(coalesce(payload #>> '{from,name}', payload #>> '{from,username}'), '') as sender_name,
        coalesce(counterpart ->> 'name', counterpart ->> 'username') as partner_name
    from {{ ref('stg_' ~ channel ~ '__history_events') }}
    where outcome = 'message'

),

messages as (

    select
        events.*,
        case when is_outbound then 'outbound' else 'inbound' end as direction,
        case when is_outbound then account_id else counterpart_id end as from_address,
        sender_name as from_name,
        array[case when is_outbound then counterpart_id else account_id end] as to_addresses,
        {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || counterpart_id") }} as counterpart_identity,
        {{ bounded_key("account_id || '|' || counterpart_id") }} as thread_key,
        case
            when unavailable or (payload ->> 'is_unsupported') = 'true' then 'unsupported'
            when payload #> '{story,reply_to}' is not null or payload #> '{story,mention}' is not null then 'story'
            when listed.attachments is not null then 'media'
            when payload ->> 'message' = '' and shared.words is null then 'unsupported'
            else 'text'
        end as kind,
        null::text as subject,
        case when unavailable then null else coalesce(nullif(payload ->> 'message', ''), shared.words, '') end as body,
        null::text as quoted_body,
        coalesce(listed.attachments, '[]') as attachments,
        jsonb_build_array(
            jsonb_build_object('identity', {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || case when is_outbound then account_id else counterpart_id end") }},
                'role', 'from', 'is_ours', is_outbound, 'name', {{ bounded_key('sender_name') }}, 'address', case when is_outbound then account_id else counterpart_id end),
            jsonb_build_object('identity', {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || case when is_outbound then counterpart_id else account_id end") }},
                'role', 'to', 'is_ours', not is_outbound,
                'name', case when is_outbound then {{ bounded_key('partner_name') }} end,
                'address', case when is_outbound then counterpart_id else account_id end)
        ) as participants,
        '{{ channel }}|' || {{ bounded_key("payload #>> '{reply_to,mid}'") }} as in_reply_to,
        null::text as reference_id,
        null::text as in_reply_to_reference,
        jsonb_strip_nulls(jsonb_build_object(
            'unsupported', case when unavailable then 'not shown any more' when (payload ->> 'is_unsupported') = 'true' then 'not passed on' end,
            -- Who wrote it is not told either; the conversation is the customer's.
            'direction_unknown', case when unavailable then true end,
            'story', case
                when payload #> '{story,reply_to}' is not null then jsonb_strip_nulls(jsonb_build_object('kind', 'reply', 'id', payload #>> '{story,reply_to,id}'))
                when payload #> '{story,mention}' is not null then jsonb_strip_nulls(jsonb_build_object('kind', 'mention', 'id', payload #>> '{story,mention,id}'))
            end,
            'username', payload #>> '{from,username}',
            'conversation_id', conversation_id,
            'whole_name', {{ whole_name('case when is_outbound then partner_name else sender_name end') }},
            'implausible_time', {{ implausible_time('told_time', 'received_at') }}
        )) as metadata
    from events
    cross join lateral (
        select jsonb_agg(
            jsonb_build_object(
                'attachment_id', mid || '|' || (number - 1), 'filename', nullif(attachment ->> 'name', ''),
                'content_type', coalesce(nullif(attachment ->> 'mime_type', ''), case
                    when attachment ? 'image_data' then 'image/*' when attachment ? 'video_data' then 'video/*'
                end),
                'size_bytes', canonical.try_integer(attachment ->> 'size'), 'state', 'waiting',
                'source', jsonb_build_object('kind', 'url', 'index', number - 1, 'url', coalesce(
                    attachment #>> '{image_data,url}', attachment #>> '{video_data,url}', attachment ->> 'file_url'
                ))
            ) order by number
        ) as attachments
        from canonical.elements(payload #> '{attachments,data}') with ordinality as parts (attachment, number)
        where coalesce(attachment #>> '{image_data,url}', attachment #>> '{video_data,url}', attachment ->> 'file_url') <> ''
    ) as listed
    cross join lateral (
        select string_agg(concat_ws(' ', nullif(share ->> 'name', ''), share ->> 'link'), E'\n' order by number) as words
        from canonical.elements(payload #> '{shares,data}') with ordinality as parts (share, number)
        where share ->> 'link' <> ''
    ) as shared

),

reactions as (

    select
        events.*,
        reaction.emoji,
        reaction.user_id
    from events
    cross join lateral (
        select coalesce(told ->> 'emoji', told ->> 'reaction') as emoji, {{ bounded_key("person ->> 'id'") }} as user_id
        from canonical.elements(payload #> '{reactions,data}') as told
        cross join lateral canonical.elements(told -> 'users') as person
    ) as reaction
    where reaction.emoji <> '' and reaction.user_id <> ''

),

copies as (

    select
        '{{ channel }}|' || mid as message_id,
        '{{ channel }}' as channel,
        mid as provider_message_id,
        -- Of what is not shown any more every other copy knows more.
        {{ content_order("case when unavailable then '000' else " ~ messaging_completeness() ~ " end", "case when unavailable then '0' else '1' end") }}
            as content_order,
        {{ content_columns() | join(',\n        ') }},
        coalesce(provider_time, received_at) as sent_at,
        provider_time is null as sent_at_is_receipt,
        received_at,
        {{ status_order("case when is_outbound then 'sent' else 'received' end", 'provider_time') }} as status_order,
        false as is_deleted,
        {{ fact('raw_ref', "'history'", 'received_at', "'1'", 'metadata', name=bounded_key('sender_name'),
            content="case when not unavailable then md5(coalesce(body, '')) end") }} as facts,
        null::text as moved_to,
        transaction_id
    from messages

    union all

    -- Reactions as the history knows them: without a time, so whatever was told live counts more.
    select
        '{{ channel }}|' || mid as message_id,
        '{{ channel }}' as channel,
        mid as provider_message_id,
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        received_at,
        null as status_order,
        false as is_deleted,
        jsonb_build_object(
            raw_ref || '#reactions.' || user_id,
            jsonb_build_object('via', 'history', 'at', {{ sortable_time('received_at') }}, 'version', '', 'metadata', '{}'::jsonb,
                'reaction', jsonb_build_object(
                    'by', {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || user_id") }}, 'is_ours', user_id = account_id, 'action', 'react', 'emoji', emoji,
                    'at', coalesce({{ sortable_time('provider_time') }}, '')
                ))
        ) as facts,
        null::text as moved_to,
        transaction_id
    from reactions

)

select {{ typed_copy_columns() }} from copies
{% endmacro %}
