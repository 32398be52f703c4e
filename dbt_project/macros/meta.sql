{# What WhatsApp, Instagram and Messenger share (docs/providers/meta.md). #}

{# The connection that owns an account named in a payload. One Meta app has one callback URL, so what arrives at one connection's URL
   may belong to another's account; the connection of the URL wins where both name it. #}
{% macro owner_of(account_key, account, delivered_to) -%}
    case
        when (select settings from owners) -> {{ delivered_to }} ->> '{{ account_key }}' = {{ account }} then {{ delivered_to }}
        else (select by_{{ account_key }} from owners) ->> {{ account }}
    end
{%- endmacro %}

{# The CTE behind owner_of: all connections of a channel as one row, so that a payload's account is found without a query for each.

   settings          {connection: its settings}
   by_<account key>  {account: the connection that owns it, the oldest of several} #}
{% macro owners_by(channel, account_keys) -%}
owners as materialized (

    select
        {% for key in account_keys -%}
        (
            select jsonb_object_agg(account, connection_id)
            from (
                select distinct on (settings ->> '{{ key }}') settings ->> '{{ key }}' as account, connection_id
                from {{ source('crm', 'connections') }}
                where channel = '{{ channel }}' and settings ->> '{{ key }}' is not null
                order by settings ->> '{{ key }}', created_at, connection_id
            ) as oldest
        ) as by_{{ key }},
        {% endfor -%}
        (
            select jsonb_object_agg(connection_id, settings) from {{ source('crm', 'connections') }} where channel = '{{ channel }}'
        ) as settings

)
{%- endmacro %}

{# Events of Messenger and Instagram, one row each (docs/providers/messenger.md, docs/providers/instagram.md).

   Items stand in entry[].messaging[], entry[].standby[] (while another app owns the thread), in entry[].changes[] (Instagram, now and
   then), or bare, as the dashboard's Test button sends them. `account_key` is the connection's key that names the account. #}
{% macro messaging_events(channel, account_key) %}
{% set cases = messaging_cases() %}
with

{{ owners_by(channel, [account_key]) }},

deliveries as (

    select delivery_id, connection_id as delivered_to, received_at, transaction_id, payload, payload_error
    from {{ landed('raw', 'webhook_deliveries') }} as deliveries
    where channel = '{{ channel }}'

),

items as (

    select
        deliveries.delivery_id,
        deliveries.delivered_to,
        deliveries.received_at,
        deliveries.transaction_id,
        deliveries.payload_error,
        found.*
    from deliveries
    cross join lateral (
        -- What holds no entries is one item, so that nothing which arrived is without an account of it.
        select '' as place, null::text as account_id, 'bare' as door, payload ->> 'field' as field, payload -> 'value' as item
        where jsonb_typeof(payload -> 'entry') is distinct from 'array' or payload -> 'entry' = '[]'

        union all

        select
            '#' || entries.number || held.place,
            {{ bounded_key("entries.entry ->> 'id'") }},
            held.door,
            held.field,
            held.item
        from {{ numbered_elements_of("payload -> 'entry'") }} as entries (entry, number)
        cross join lateral (
            select
                '.' || {{ bounded_key('name') }} || coalesce('.' || listed.number, '') as place,
                case
                    when name in ('messaging', 'standby', 'changes') then case when jsonb_typeof(list) = 'array' then name else 'malformed' end
                    else 'unknown list'
                end as door,
                case when listed.number is null then name when name = 'changes' then listed.item ->> 'field' end as field,
                case when name = 'changes' then listed.item -> 'value' else listed.item end as item
            from jsonb_each(case jsonb_typeof(entry) when 'object' then entry else '{}' end) as lists (name, list)
            left join {{ numbered_elements_of("case when name in ('messaging', 'standby', 'changes') then list end") }} as listed (item, number) on true
            where listed.number is not null
                -- A list that is none, or one that nobody knows.
                or case when name in ('messaging', 'standby', 'changes') then jsonb_typeof(list) <> 'array' else jsonb_typeof(list) = 'array' and list <> '[]' end

            union all

            select '', 'empty', null, null
            -- Asked for first, because nearly all have these.
            where not coalesce(jsonb_typeof(entry -> 'messaging') = 'array' and entry -> 'messaging' <> '[]', false) and not exists (
                select from jsonb_each(case jsonb_typeof(entry) when 'object' then entry else '{}' end) as listed (name, list)
                where jsonb_typeof(list) = 'array' and list <> '[]' or name in ('messaging', 'standby', 'changes') and list <> '[]'
            )
        ) as held
        offset 0
    ) as found

),

read as (

    select items.*, told.raw_ref, told.fields, told.sender_id, told.recipient_id, told.event, canonical.from_epoch(told.stamp) as told_time
    from items
    cross join lateral (
        select
            'raw.webhook_deliveries/' || delivery_id || place as raw_ref,
            case jsonb_typeof(item) when 'object' then item end as fields,
            {{ bounded_key("item #>> '{sender,id}'") }} as sender_id,
            {{ bounded_key("item #>> '{recipient,id}'") }} as recipient_id,
            item ->> 'timestamp' as stamp,
            case
                when jsonb_typeof(item) is distinct from 'object' then null
                when item ? 'message' then case when coalesce((item #>> '{message,is_deleted}') = 'true', false) then 'unsend' else 'message' end
                {% for kind in [
                    'message_edit', 'reaction', 'read', 'delivery', 'postback', 'referral', 'optin', 'account_linking', 'pass_thread_control',
                    'take_thread_control', 'request_thread_control', 'app_roles', 'policy_enforcement', 'response_feedback', 'order'
                ] -%}
                when item ? '{{ kind }}' then '{{ kind }}'
                {% endfor -%}
                -- Written with a hyphen in Meta's own document.
                when item ? 'policy-enforcement' then 'policy_enforcement'
            end as event
        offset 0
    ) as told

),

owned as (

    select
        read.delivered_to, read.received_at, read.transaction_id, read.payload_error, read.account_id, read.door, read.field, read.fields as item,
        read.raw_ref, read.sender_id, read.recipient_id, read.event, read.told_time,
        {{ owner_of(account_key, 'read.account_id', 'read.delivered_to') }} as owner_id,
        self.is_self,
        self.told,
        {{ bounded_key("self.told ->> 'mid'") }} as mid
    from read
    cross join lateral (
        select
            coalesce(
                sender_id = recipient_id
                or event in ('message', 'unsend', 'postback', 'reaction', 'message_edit') and (fields #>> '{message,is_self}') = 'true', false
            ) as is_self,
            -- The event's own object, for instance `message` or `reaction`.
            case event
                when 'unsend' then fields -> 'message'
                when 'policy_enforcement' then coalesce(fields -> 'policy_enforcement', fields -> 'policy-enforcement')
                else fields -> event
            end as told
        offset 0
    ) as self

),

judged as (

    select owned.*, verdict.number as verdict, verdict.outcome
    from owned
    cross join {{ verdict_of(cases) }} as verdict

)

select
    raw_ref,
    coalesce(owner_id, delivered_to) as connection_id,
    received_at,
    transaction_id,
    account_id,
    door,
    event,
    item,
    told,
    mid,
    sender_id = account_id as is_outbound,
    case when sender_id = account_id then recipient_id else sender_id end as counterpart_id,
    told_time,
    outcome,
    {{ verdict_reason(cases, 'verdict') }} as reason
from judged
{% endmacro %}

{# What can become of an event (macros/verdict.sql). #}
{% macro messaging_cases() %}
    {{ return([
        ("payload_error is not null", "quarantined", "payload_error"),
        (is_cut_out('item'), "destroyed", "null"),
        ("door = 'bare' and field is not null and item is not null", "ignored", "'a test of the dashboard: it stands in no envelope and names no account of ours'"),
        ("door = 'bare'", "quarantined", "'the body has no entries'"),
        ("door = 'empty' and account_id is null", "quarantined", "'an entry is no object with an id'"),
        ("door = 'empty'", "ignored", "'an entry without events'"),
        ("door = 'malformed'", "quarantined", "field || ' of an entry is no list'"),
        ("door = 'unknown list'", "quarantined", "'an entry holds a list that is not known: ' || left(field, 60)"),
        ("door = 'changes' and field in ('comments', 'live_comments', 'mentions', 'story_insights', 'feed', 'ratings', 'leadgen', 'name', 'picture', 'mention', 'inbox_labels', 'messaging_feedback', 'messaging_game_plays', 'messenger_template_status_update')", "ignored", "'field ' || field || ' is no correspondence'"),
        ("door = 'changes' and field is null", "quarantined", "'a change without a field'"),
        ("door = 'changes' and event is null", "quarantined", "'field ' || field || ' is not known'"),
        ("item is null", "quarantined", "'an event is no object with fields'"),
        ("owner_id is null", "quarantined", "'the account of the entry is that of no connection'"),
        ("event is null", "quarantined", "'an event of an unknown kind: ' || coalesce((select string_agg(key, ', ' order by key) from jsonb_object_keys(item) as key where key not in ('sender', 'recipient', 'timestamp')), 'it has no fields')"),
        ("event = 'app_roles'", "ignored", "'which app has which role: administration'"),
        ("is_self", "ignored", "'the account wrote to itself'"),
        ("event = 'policy_enforcement'", "system_event", "'Meta acts against the page: ' || coalesce(told ->> 'action', 'unnamed') || coalesce(', ' || (told ->> 'reason'), '')"),
        ("jsonb_typeof(told) is distinct from 'object'", "quarantined", "'the ' || event || ' is no object with fields'"),
        ("event = 'message_edit' and canonical.try_integer(told ->> 'num_edit') = 0", "ignored", "'no edit: Meta says of an ordinary message that it was edited no time'"),
        ("(sender_id is null or recipient_id is null) and event <> 'message_edit'", "quarantined", "'the event names no sender or no recipient'"),
        ("sender_id <> account_id and recipient_id <> account_id", "quarantined", "'neither sender nor recipient is the account of the entry'"),
        ("event in ('message', 'unsend', 'message_edit', 'reaction') and coalesce(told ->> 'mid', '') = ''", "quarantined", "'the ' || event || ' has no mid'"),
        ("event = 'read' and told ->> 'watermark' is null and told ->> 'mid' is null", "quarantined", "'the read has neither watermark nor mid'"),
        ("event in ('read', 'delivery') and told ? 'watermark' and canonical.from_epoch(told ->> 'watermark') is null", "quarantined", "'the watermark is no time'"),
        ("event = 'reaction' and coalesce(told ->> 'action', '') not in ('react', 'unreact')", "quarantined", "'the reaction neither adds nor takes back'"),
        ("event = 'account_linking' and coalesce(told ->> 'status', '') not in ('linked', 'unlinked')", "quarantined", "'the account linking has a word that is not known: ' || left(coalesce(told ->> 'status', 'none'), 40)"),
        ("event = 'optin' and told ->> 'notification_messages_status' not in ('STOP_NOTIFICATIONS', 'RESUME_NOTIFICATIONS')", "quarantined", "'the optin has a word that is not known: ' || left(told ->> 'notification_messages_status', 40)"),
        ("event in ('message', 'postback', 'order')", "message", "null"),
        ("event in ('unsend', 'message_edit')", "revision", "null"),
        ("event = 'reaction'", "reaction", "null"),
        ("event in ('read', 'delivery')", "status", "null"),
        ("event in ('referral', 'optin', 'account_linking', 'pass_thread_control', 'take_thread_control', 'request_thread_control', 'response_feedback')", "system_event", "event"),
        ("true", "quarantined", "'not understood'"),
    ]) }}
{% endmacro %}

{# Copies of Messenger's and Instagram's events, ending in the message contract. `scheme` is that of the person's id.

   Each event has its targets: itself where it is a message, the message that it edits, unsends or reacts to, the messages that a
   receipt names, and the watermark of the thread. In one pass: a branch for each kind would read every payload again. #}
{% macro messaging_copies(channel, scheme) %}
with

events as (

    select
        events.*,
        times.provider_time,
        times.event_at,
        keys.thread,
        keys.counterpart,
        keys.ourselves,
        keys.receipt
    from {{ ref('stg_' ~ channel ~ '__webhook_events') }} as events
    cross join lateral (
        select provider_time, {{ sortable_time('coalesce(provider_time, received_at)') }} as event_at
        from (select {{ plausible_time('told_time', 'received_at') }} as provider_time offset 0) as plausible
        offset 0
    ) as times
    cross join lateral (
        select
            {{ bounded_key("account_id || '|' || counterpart_id") }} as thread,
            {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || counterpart_id") }} as counterpart,
            {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || account_id") }} as ourselves,
            case event when 'read' then 'read' else 'delivered' end as receipt
        offset 0
    ) as keys
    where outcome in ('message', 'revision', 'reaction', 'status', 'system_event')
        -- An edit names its message, and may name nobody.
        and (counterpart_id is not null or event = 'message_edit')

),

targeted as (

    select events.*, target.provider_id, target.role
    from events
    cross join lateral (
        -- An order, a handover, a referral, some postbacks have no id: whose it is, when, and what it says makes one. Two of them may
        -- come in one millisecond.
        select
            case
                when event in ('message', 'postback') and mid <> '' then mid
                else {{ bounded_key("thread || '|' || coalesce(item ->> 'timestamp', raw_ref) || '|' || event || case when event in ('referral', 'optin', 'postback') then '|' || left(md5(told::text), 12) else '' end") }}
            end as provider_id,
            'message' as role
        where outcome in ('message', 'system_event')

        union all

        select mid, outcome where outcome in ('revision', 'reaction')

        union all

        -- What we read of theirs says nothing of ours.
        select named.mid, 'receipt'
        from (
            select mid where event = 'read' and outcome = 'status'
            union
            select {{ bounded_key("listed.mid #>> '{}'") }} from {{ elements_of("told -> 'mids'") }} as listed (mid) where outcome = 'status'
        ) as named
        where outcome = 'status' and not is_outbound and named.mid <> ''

        union all

        select 'watermark', 'watermark' where outcome = 'status' and not is_outbound
        offset 0
    ) as target

),

contract as (

    select
        targeted.*,
        role = 'message' as has_content,
        null::text as from_name,
        counterpart as counterpart_identity,
        thread as thread_key,
        shown.kind,
        null::text as subject,
        shown.body,
        null::text as quoted_body,
        coalesce(shown.attachments, '[]') as attachments,
        null::text as reference_id,
        null::text as in_reply_to_reference,
        coalesce(shown.metadata, '{}') as metadata,
        people.*
    from targeted
    left join lateral (
        {{ messaging_content(channel) }}
        offset 0
    ) as shown on role = 'message'
    left join lateral (
        select
            case when is_outbound then 'outbound' else 'inbound' end as direction,
            case when is_outbound then account_id else counterpart_id end as from_address,
            array[case when is_outbound then counterpart_id else account_id end] as to_addresses,
            jsonb_build_array(
                {{ person(
                    'case when is_outbound then ourselves else counterpart end', 'from', 'is_outbound', 'null',
                    'case when is_outbound then account_id else counterpart_id end'
                ) }},
                {{ person(
                    'case when is_outbound then counterpart else ourselves end', 'to', 'not is_outbound', 'null',
                    'case when is_outbound then counterpart_id else account_id end'
                ) }}
            ) as participants,
            '{{ channel }}|' || {{ bounded_key("told #>> '{reply_to,mid}'") }} as in_reply_to
        offset 0
    ) as people on role = 'message'

),

copies as (

    select
        case role when 'watermark' then {{ watermark_id("'" ~ channel ~ "'", 'thread', 'receipt') }} else '{{ channel }}|' || provider_id end as message_id,
        '{{ channel }}' as channel,
        provider_id as provider_message_id,
        -- The push tells more than the history does, where both have the text.
        case when has_content then {{ content_order(messaging_completeness(), "'2'") }} end as content_order,
        {% for column in content_columns() -%}
        case when has_content{{ " or role = 'watermark'" if column == 'thread_key' }} then {{ column }} end as {{ column }},
        {% endfor -%}
        case when has_content then coalesce(provider_time, received_at) end as sent_at,
        case when has_content then provider_time is null end as sent_at_is_receipt,
        received_at,
        -- A watermark names a time, or a message whose time is looked up when the thread is counted, so it may arrive later.
        case role
            when 'message' then {{ status_order("case when is_outbound then 'sent' else 'received' end", 'provider_time') }}
            when 'revision' then case when event = 'unsend' then {{ status_order("'deleted'", 'provider_time') }} end
            when 'receipt' then {{ status_order('receipt', 'provider_time') }}
            when 'watermark' then {{ status_order('receipt', "coalesce(canonical.from_epoch(told ->> 'watermark'), provider_time)") }}
                || coalesce('|' || case when told ->> 'watermark' is null then mid end, '')
        end as status_order,
        event = 'unsend' as is_deleted,
        filed.facts,
        null::text as moved_to,
        transaction_id,
        case when role <> 'watermark' then raw_ref end as raw_ref
    from contract
    cross join lateral (
        select
            case when role = 'watermark' then '{}'::jsonb else {{ fact(
                'raw_ref', "'webhook'", 'received_at', "case when has_content then '2' else '' end",
                "case when event = 'message_edit' and told ->> 'text' is null then '{\"edit_untold\": true}' else metadata end",
                content="case when has_content then " ~ text_mark("coalesce(body, '')") ~ " end",
                worded="case when has_content and coalesce(told ->> 'text', '') = '' then true end",
                revision="case when role = 'revision' then case event
                    when 'unsend' then jsonb_build_object('kind', 'unsent', 'at', event_at)
                    -- Absent is not empty: an edit without a text tells that there is a new one, and not which.
                    else jsonb_strip_nulls(jsonb_build_object(
                        'kind', 'edited', 'at', event_at, 'number', told ->> 'num_edit', 'body', told ->> 'text'
                    ))
                end end",
                reaction="case when role = 'reaction' then jsonb_build_object(
                    'by', case when is_outbound then ourselves else counterpart end, 'is_ours', is_outbound, 'action', told ->> 'action',
                    'emoji', coalesce(told ->> 'emoji', told ->> 'reaction', ''), 'at', event_at
                ) end"
            ) }} end as facts
        offset 0
    ) as filed

)

select {{ typed_copy_columns() }} from copies
{% endmacro %}

{# How complete a copy is: text beats none, then the number of attachments. #}
{% macro messaging_completeness() -%}
    (case when body <> '' then '1' else '0' end || lpad(jsonb_array_length(attachments)::text, 2, '0'))
{%- endmacro %}

{# Kind, body, attachments and metadata of one event, of `event`, `told`, `item`, `account_id`, `mid`. #}
{% macro messaging_content(channel) %}
        select
            case
                when event = 'postback' or event = 'order' then 'interactive'
                when event <> 'message' then 'system'
                when (told ->> 'is_unsupported') = 'true' then 'unsupported'
                when told #> '{reply_to,story}' is not null then 'story'
                when listed.first_kind = 'story' then 'story'
                when listed.first_kind in ('media', 'interactive', 'location') then listed.first_kind
                when told ? 'quick_reply' then 'interactive'
                when told ->> 'text' <> '' or listed.link <> '' then 'text'
                when listed.first_kind is not null then listed.first_kind
                when told ->> 'text' is null then 'unsupported'
                else 'text'
            end as kind,
            case event
                when 'message' then case
                    when (told ->> 'is_unsupported') = 'true' then null
                    else coalesce(nullif(told ->> 'text', ''), listed.words, case when listed.first_kind = 'unsupported' then null else '' end)
                end
                when 'postback' then coalesce(told ->> 'title', told ->> 'payload', '')
                when 'order' then concat_ws(E'\n', {{ order_lines("told -> 'products'", "item ->> 'quantity'", "coalesce(item ->> 'name', item ->> 'retailer_id', item ->> 'id')") }}, nullif(told ->> 'note', ''))
                when 'referral' then 'Opened the conversation' || coalesce(' through ' || nullif(told ->> 'source', ''), '') || coalesce(' (' || nullif(told ->> 'ref', '') || ')', '')
                when 'optin' then case
                    when told ->> 'notification_messages_status' = 'STOP_NOTIFICATIONS' then 'Stopped notifications'
                    else 'Agreed to notifications'
                end || coalesce(': ' || nullif(told ->> 'title', ''), '') || coalesce(' (' || nullif(told ->> 'ref', '') || ')', '')
                when 'account_linking' then case told ->> 'status' when 'linked' then 'Linked their account' else 'Unlinked their account' end
                when 'pass_thread_control' then 'The conversation was passed to another app'
                when 'take_thread_control' then 'An app took the conversation over'
                when 'request_thread_control' then 'An app asked for the conversation'
                when 'response_feedback' then 'Rated an answer: ' || coalesce(told ->> 'feedback', 'no word')
                else replace(event, '_', ' ')
            end as body,
            listed.attachments,
            jsonb_strip_nulls(jsonb_build_object(
                'app_id', told ->> 'app_id',
                'metadata', nullif(told ->> 'metadata', ''),
                'quick_reply_payload', told #>> '{quick_reply,payload}',
                'postback_payload', case when event = 'postback' then told ->> 'payload' end,
                'referral', {{ referral_words("case event when 'referral' then told else told -> 'referral' end") }},
                'story', case
                    when told #> '{reply_to,story}' is not null then jsonb_strip_nulls(jsonb_build_object('kind', 'reply', 'id', told #>> '{reply_to,story,id}'))
                    when listed.first_kind = 'story' then jsonb_build_object('kind', case when listed.first_type = 'story_mention' then 'mention' else 'share' end)
                end,
                'unsupported', case
                    when (told ->> 'is_unsupported') = 'true' then 'not passed on'
                    when listed.first_kind = 'unsupported' then listed.first_type
                end,
                'shared', listed.shared,
                'location', listed.location,
                'ref', case when event = 'optin' then nullif(told ->> 'ref', '') end,
                -- What stood in the chat before the person was sent here.
                'prior_message', coalesce(item -> 'prior_message', told -> 'prior_message'),
                'standby', case when door = 'standby' then true end,
                'event', case when event <> 'message' then event end,
                'new_owner_app_id', coalesce(told ->> 'new_owner_app_id', told ->> 'requested_owner_app_id'),
                'order', case when event = 'order' then told end,
                'implausible_time', {{ implausible_time('told_time', 'received_at') }}
            )) as metadata
        from (
            select
                (array_agg(kind order by number))[1] as first_kind,
                (array_agg(type order by number))[1] as first_type,
                max(link) as link,
                string_agg(words, E'\n' order by number) filter (where words <> '') as words,
                jsonb_agg(
                    jsonb_build_object(
                        'attachment_id', mid || '|' || number, 'content_type', content_type, 'filename', title, 'size_bytes', null,
                        'state', case when kind = 'story' then 'refused' else 'waiting' end,
                        'reason', case when kind = 'story' then 'the story itself is not kept: Meta forbids it' end,
                        'source', case when kind = 'media' then jsonb_build_object('kind', 'url', 'url', url, 'index', number) end
                    ) order by number
                ) filter (where kind in ('media', 'story') and url <> '') as attachments,
                jsonb_agg(jsonb_strip_nulls(jsonb_build_object('type', type, 'title', title)) order by number)
                    filter (where type in ('share', 'ig_post', 'post', 'reel', 'ig_reel')) as shared,
                (array_agg(location order by number) filter (where location is not null))[1] as location
            from (
                -- The index is the place in the list as it was sent, the same when the history lists it again.
                select distinct on (coalesce(payload ->> 'sticker_id', 'n' || number)) number - 1 as number, type, payload, url, title, kind, content_type, link, words, location
                from (
                    select
                        number,
                        attachment ->> 'type' as type,
                        case jsonb_typeof(attachment -> 'payload') when 'object' then attachment -> 'payload' end as payload,
                        -- A reel was seen with the path of its page alone.
                        regexp_replace(
                            coalesce(attachment #>> '{payload,url}', attachment ->> 'url'), '^/(?!/)',
                            'https://www.{{ 'instagram' if channel == 'instagram' else 'facebook' }}.com/'
                        ) as url,
                        coalesce(attachment #>> '{payload,title}', attachment ->> 'title') as title,
                        case when attachment ->> 'type' = 'location' then jsonb_strip_nulls(jsonb_build_object(
                            'latitude', attachment #> '{payload,coordinates,lat}', 'longitude', attachment #> '{payload,coordinates,long}',
                            'name', coalesce(attachment #> '{payload,title}', attachment -> 'title')
                        )) end as location,
                        case attachment ->> 'type'
                            when 'like_heart' then 'text' when 'location' then 'location'
                            when 'image' then 'media' when 'video' then 'media' when 'audio' then 'media' when 'file' then 'media'
                            when 'media' then 'media' when 'sticker' then 'media' when 'share' then 'media' when 'ig_post' then 'media'
                            when 'post' then 'media' when 'reel' then 'media' when 'ig_reel' then 'media'
                            when 'story_mention' then 'story' when 'ig_story' then 'story' when 'story' then 'story'
                            when 'template' then 'interactive' when 'appointment_booking' then 'interactive'
                            when 'fallback' then case when coalesce(attachment #>> '{payload,url}', attachment ->> 'url') <> '' then 'text' else 'unsupported' end
                            else 'unsupported'
                        end as kind,
                        case attachment ->> 'type'
                            when 'image' then 'image/*' when 'sticker' then 'image/*' when 'video' then 'video/*' when 'audio' then 'audio/*'
                            when 'reel' then 'video/*' when 'ig_reel' then 'video/*'
                        end as content_type,
                        case when attachment ->> 'type' = 'fallback' then coalesce(attachment #>> '{payload,url}', attachment ->> 'url') end as link,
                        -- What stands in an attachment that is no file.
                        case attachment ->> 'type'
                            when 'fallback' then concat_ws(' ', coalesce(attachment #>> '{payload,title}', attachment ->> 'title'), coalesce(attachment #>> '{payload,url}', attachment ->> 'url'))
                            when 'like_heart' then '❤️'
                            when 'location' then concat_ws(
                                E'\n', coalesce(attachment #>> '{payload,title}', attachment ->> 'title'),
                                concat_ws(', ', attachment #>> '{payload,coordinates,lat}', attachment #>> '{payload,coordinates,long}')
                            )
                            when 'template' then concat_ws(
                                E'\n', attachment #>> '{payload,text}',
                                (
                                    select string_agg(concat_ws(': ', element ->> 'title', element ->> 'subtitle'), E'\n' order by n)
                                    from canonical.elements(coalesce(attachment #> '{payload,product,elements}', attachment #> '{payload,elements}')) with ordinality as parts (element, n)
                                ),
                                (
                                    select string_agg('[' || (button ->> 'title') || ']', ' ' order by n)
                                    from canonical.elements(attachment #> '{payload,buttons}') with ordinality as parts (button, n)
                                )
                            )
                            when 'appointment_booking' then concat_ws(
                                ' ', 'Appointment', attachment #>> '{payload,status}',
                                to_char(canonical.from_epoch(attachment #>> '{payload,start_time}') at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
                            )
                        end as words
                    from {{ elements_of("told -> 'attachments'") }} with ordinality as listed (attachment, number)
                    offset 0
                ) as read
                -- A sticker came as image and as sticker for a time: one of them is enough.
                order by coalesce(payload ->> 'sticker_id', 'n' || number), type desc, number
            ) as distinct_attachments
        ) as listed
{% endmacro %}

{# An advertisement or link that somebody came through, without its addresses. #}
{% macro referral_words(referral) -%}
    case when jsonb_typeof({{ referral }}) = 'object' then jsonb_strip_nulls(jsonb_build_object(
        'source', coalesce({{ referral }} ->> 'source', {{ referral }} ->> 'source_type'),
        'type', {{ referral }} ->> 'type',
        'ref', nullif({{ referral }} ->> 'ref', ''),
        'ad_id', coalesce({{ referral }} ->> 'ad_id', {{ referral }} ->> 'source_id'),
        'title', coalesce({{ referral }} #>> '{ads_context_data,ad_title}', {{ referral }} ->> 'headline'),
        'body', nullif({{ referral }} ->> 'body', ''),
        'product_id', {{ referral }} #>> '{product,id}'
    )) end
{%- endmacro %}

{# The lines of an order. `quantity` and `name` are expressions over `item`, one product. #}
{% macro order_lines(products, quantity, name) -%}
    (
        select string_agg(concat_ws(' × ', {{ quantity }}, {{ name }}), E'\n' order by number)
        from canonical.elements({{ products }}) with ordinality as products (item, number)
    )
{%- endmacro %}
