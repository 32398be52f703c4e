{# Messages of Messenger's and Instagram's conversations API (docs/providers/messenger.md, docs/providers/instagram.md). Only the twenty newest of a conversation have
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
-- In one pass; `offset 0` marks a fence: what is read more than once is computed behind one.
with

events as (

    select
        events.*,
        {{ plausible_time('told_time', 'received_at') }} as provider_time,
        who.is_outbound,
        who.counterpart_id,
        who.sender_name,
        who.partner_name,
        sight.role,
        sight.emoji,
        sight.user_id
    from {{ ref('stg_' ~ channel ~ '__history_events') }} as events
    cross join lateral (
        select
            coalesce(payload #>> '{from,id}' = account_id, false) as is_outbound,
            {{ bounded_key(conversation_partner()) }} as counterpart_id,
            -- Messenger tells a name, Instagram a user name. An e-mail address beside it is made up.
            nullif(coalesce(payload #>> '{from,name}', payload #>> '{from,username}'), '') as sender_name,
            coalesce(counterpart ->> 'name', counterpart ->> 'username') as partner_name
        offset 0
    ) as who
    -- The message, and its reactions as the history knows them: without a time, so whatever was told live counts more.
    cross join lateral (
        select 'message' as role, null as emoji, null as user_id

        union all

        select 'reaction', told.emoji, person.id
        from {{ elements_of("payload #> '{reactions,data}'") }} as listed (reaction)
        cross join lateral (select coalesce(reaction ->> 'emoji', reaction ->> 'reaction') as emoji offset 0) as told
        cross join lateral (
            select {{ bounded_key("users.person ->> 'id'") }} as id
            from {{ elements_of("reaction -> 'users'") }} as users (person)
            offset 0
        ) as person
        where told.emoji <> '' and person.id <> ''
        offset 0
    ) as sight
    where outcome = 'message'

),

contract as (

    select
        events.*,
        role = 'message' as has_content,
        content.*,
        null::text as subject,
        null::text as quoted_body,
        null::text as reference_id,
        null::text as in_reply_to_reference
    from events
    left join lateral (
        select
            people.*,
            sender_name as from_name,
            '{{ channel }}|' || {{ bounded_key("payload #>> '{reply_to,mid}'") }} as in_reply_to,
            case
                when unavailable or (payload ->> 'is_unsupported') = 'true' then 'unsupported'
                when payload #> '{story,reply_to}' is not null or payload #> '{story,mention}' is not null then 'story'
                when listed.attachments is not null then 'media'
                when payload ->> 'message' = '' and shared.words is null then 'unsupported'
                else 'text'
            end as kind,
            case when unavailable then null else coalesce(nullif(payload ->> 'message', ''), shared.words, '') end as body,
            coalesce(listed.attachments, '[]') as attachments,
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
        from (
            select
                case when is_outbound then 'outbound' else 'inbound' end as direction,
                sender_id as from_address,
                array[recipient_id] as to_addresses,
                case when is_outbound then recipient else sender end as counterpart_identity,
                {{ bounded_key("account_id || '|' || counterpart_id") }} as thread_key,
                jsonb_build_array(
                    {{ person('sender', 'from', 'is_outbound', bounded_key('sender_name'), 'sender_id') }},
                    {{ person('recipient', 'to', 'not is_outbound', 'case when is_outbound then ' ~ bounded_key('partner_name') ~ ' end', 'recipient_id') }}
                ) as participants
            from (
                select
                    sender_id, recipient_id,
                    {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || sender_id") }} as sender,
                    {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || recipient_id") }} as recipient
                from (
                    select case when is_outbound then account_id else counterpart_id end as sender_id, case when is_outbound then counterpart_id else account_id end as recipient_id
                    offset 0
                ) as ends
                offset 0
            ) as identified
            offset 0
        ) as people
        cross join lateral (
            select jsonb_agg(
                jsonb_build_object(
                    'attachment_id', mid || '|' || (number - 1), 'filename', nullif(attachment ->> 'name', ''),
                    'content_type', coalesce(nullif(attachment ->> 'mime_type', ''), case
                        when attachment ? 'image_data' then 'image/*' when attachment ? 'video_data' then 'video/*'
                    end),
                    'size_bytes', canonical.try_integer(attachment ->> 'size'), 'state', 'waiting',
                    'source', jsonb_build_object('kind', 'url', 'index', number - 1, 'url', url)
                ) order by number
            ) as attachments
            from (
                select attachment, number
                from {{ elements_of("payload #> '{attachments,data}'") }} with ordinality as parts (attachment, number)

                union all

                -- Older answers tell of a sticker apart from the attachments.
                select jsonb_build_object('image_data', jsonb_build_object('url', payload ->> 'sticker')), 1
                where payload ->> 'sticker' ~ '^https?:' and coalesce(payload #> '{attachments,data}', '[]') = '[]'
            ) as parts
            cross join lateral (
                select coalesce(attachment #>> '{image_data,url}', attachment #>> '{video_data,url}', attachment ->> 'file_url') as url
                offset 0
            ) as file
            where url <> ''
        ) as listed
        cross join lateral (
            select string_agg(concat_ws(' ', nullif(share ->> 'name', ''), share ->> 'link'), E'\n' order by number) as words
            from {{ elements_of("payload #> '{shares,data}'") }} with ordinality as parts (share, number)
            where share ->> 'link' <> ''
        ) as shared
        offset 0
    ) as content on role = 'message'

),

copies as (

    select
        '{{ channel }}|' || mid as message_id,
        '{{ channel }}' as channel,
        mid as provider_message_id,
        -- Of what is not shown any more every other copy knows more. The earliest sight has the text as it was first.
        case when has_content then
            {{ content_order(
                "case when unavailable then '000' else " ~ messaging_completeness() ~ " end",
                "case when unavailable then '0' else '1' || " ~ earliest_first('received_at') ~ " end"
            ) }}
        end as content_order,
        {% for column in content_columns() -%}
        case when has_content then {{ column }} end as {{ column }},
        {% endfor -%}
        case when has_content then coalesce(provider_time, received_at) end as sent_at,
        case when has_content then provider_time is null end as sent_at_is_receipt,
        received_at,
        case when has_content then {{ status_order("case when is_outbound then 'sent' else 'received' end", 'provider_time') }} end as status_order,
        false as is_deleted,
        told.facts,
        null::text as moved_to,
        transaction_id,
        filed.raw_ref
    from contract
    cross join lateral (
        select case when has_content then contract.raw_ref else contract.raw_ref || '#reactions.' || user_id end as raw_ref
        offset 0
    ) as filed
    cross join lateral (
        select
            {{ fact(
                "filed.raw_ref", "'history'", 'received_at',
                "case when has_content then '1' else '' end", "case when has_content then metadata else '{}' end",
                name='case when has_content then ' ~ bounded_key('sender_name') ~ ' end',
                content="case when has_content and not unavailable then " ~ text_mark("coalesce(body, '')") ~ " end",
                text="case when has_content and not unavailable and payload ->> 'message' <> '' then body end",
                reaction="case when not has_content then jsonb_build_object(
                    'by', " ~ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || user_id") ~ ", 'is_ours', user_id = account_id, 'action', 'react',
                    'emoji', emoji, 'at', coalesce(" ~ sortable_time('provider_time') ~ ", '')
                ) end"
            ) }} as facts
    ) as told

)

select {{ typed_copy_columns() }} from copies
{% endmacro %}
