{# What WhatsApp, Instagram and Messenger share (providers.md §6.3). #}

{# The connection that owns an account named in a payload. One Meta app has one callback URL, so what arrives at one connection's URL
   may belong to another's account; the connection of the URL wins where both name it. #}
{% macro owner_of(channel, account_key, account, delivered_to) -%}
    lateral (
        select connections.connection_id, connections.settings
        from {{ source('crm', 'connections') }} as connections
        where connections.channel = '{{ channel }}' and connections.settings ->> '{{ account_key }}' = {{ account }}
        order by connections.connection_id = {{ delivered_to }} desc, connections.created_at, connections.connection_id
        limit 1
    )
{%- endmacro %}

{# Events of Messenger and Instagram, one row each (providers.md §8.2, §9.2).

   Items stand in entry[].messaging[], entry[].standby[] (while another app owns the thread), in entry[].changes[] (Instagram, now and
   then), or bare, as the dashboard's Test button sends them. `account_key` is the connection's key that names the account. #}
{% macro messaging_events(channel, account_key) %}
with

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
        found.place,
        found.account_id,
        found.door,
        found.field,
        found.item
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
        from jsonb_array_elements(case jsonb_typeof(payload -> 'entry') when 'array' then payload -> 'entry' else '[]' end)
            with ordinality as entries (entry, number)
        cross join lateral (
            select '.messaging.' || number as place, 'messaging' as door, null as field, item
            from canonical.elements(entry -> 'messaging') with ordinality as listed (item, number)

            union all

            select '.standby.' || number, 'standby', null, item
            from canonical.elements(entry -> 'standby') with ordinality as listed (item, number)

            union all

            select '.changes.' || number, 'changes', item ->> 'field', item -> 'value'
            from canonical.elements(entry -> 'changes') with ordinality as listed (item, number)

            union all

            -- A list that is none, or one that nobody knows.
            select '.' || {{ bounded_key('name') }}, case when name in ('messaging', 'standby', 'changes') then 'malformed' else 'unknown list' end, name, null
            from jsonb_each(case jsonb_typeof(entry) when 'object' then entry else '{}' end) as listed (name, list)
            where case when name in ('messaging', 'standby', 'changes') then jsonb_typeof(list) <> 'array' else jsonb_typeof(list) = 'array' and list <> '[]' end

            union all

            select '', 'empty', null, null
            where not exists (
                select from jsonb_each(case jsonb_typeof(entry) when 'object' then entry else '{}' end) as listed (name, list)
                where jsonb_typeof(list) = 'array' and list <> '[]' or name in ('messaging', 'standby', 'changes') and list <> '[]'
            )
        ) as held
    ) as found

),

read as (

    select
        'raw.webhook_deliveries/' || items.delivery_id || items.place as raw_ref,
        items.received_at,
        items.transaction_id,
        items.payload_error,
        items.delivered_to,
        items.account_id,
        items.door,
        items.field,
        case jsonb_typeof(items.item) when 'object' then items.item end as item,
        {{ bounded_key("items.item #>> '{sender,id}'") }} as sender_id,
        {{ bounded_key("items.item #>> '{recipient,id}'") }} as recipient_id,
        canonical.from_epoch(items.item ->> 'timestamp') as told_time,
        case
            when jsonb_typeof(items.item) is distinct from 'object' then null
            when items.item ? 'message' then case when coalesce((items.item #>> '{message,is_deleted}') = 'true', false) then 'unsend' else 'message' end
            {% for kind in [
                'message_edit', 'reaction', 'read', 'delivery', 'postback', 'referral', 'optin', 'account_linking', 'pass_thread_control',
                'take_thread_control', 'request_thread_control', 'app_roles', 'policy_enforcement', 'response_feedback', 'order'
            ] -%}
            when items.item ? '{{ kind }}' then '{{ kind }}'
            {% endfor -%}
        end as event
    from items

),

owned as (

    select
        read.*,
        owner.connection_id as owner_id,
        coalesce(read.event in ('message', 'unsend', 'postback', 'reaction', 'message_edit') and (
            read.sender_id = read.recipient_id or (read.item #>> '{message,is_self}') = 'true'
        ), false) as is_self,
        -- The event's own object, for instance `message` or `reaction`.
        read.item -> case read.event when 'unsend' then 'message' else read.event end as told
    from read
    left join {{ owner_of(channel, account_key, 'read.account_id', 'read.delivered_to') }} as owner on true

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
    {{ bounded_key("told ->> 'mid'") }} as mid,
    sender_id = account_id as is_outbound,
    case when sender_id = account_id then recipient_id else sender_id end as counterpart_id,
    told_time,
    {{ messaging_verdict('outcome') }} as outcome,
    {{ messaging_verdict('reason') }} as reason
from owned
{% endmacro %}

{# Outcome and reason of an event, from one list of cases: the first that holds counts. #}
{% macro messaging_verdict(what) %}
    {%- set cases = [
        ("payload_error is not null", "quarantined", "payload_error"),
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
        ("event = 'policy_enforcement'", "system_event", "'Meta acts against the page: ' || coalesce(told ->> 'action', 'unnamed') || coalesce(', ' || (told ->> 'reason'), '')"),
        ("jsonb_typeof(told) is distinct from 'object'", "quarantined", "'the ' || event || ' is no object with fields'"),
        ("is_self", "ignored", "'the account wrote to itself'"),
        ("sender_id is null or recipient_id is null", "quarantined", "'the event names no sender or no recipient'"),
        ("sender_id <> account_id and recipient_id <> account_id", "quarantined", "'neither sender nor recipient is the account of the entry'"),
        ("event in ('message', 'unsend', 'message_edit', 'reaction', 'postback') and coalesce(told ->> 'mid', '') = ''", "quarantined", "'the ' || event || ' has no mid'"),
        ("event = 'read' and told ->> 'watermark' is null and told ->> 'mid' is null", "quarantined", "'the read has neither watermark nor mid'"),
        ("event in ('read', 'delivery') and told ? 'watermark' and canonical.from_epoch(told ->> 'watermark') is null", "quarantined", "'the watermark is no time'"),
        ("event = 'reaction' and coalesce(told ->> 'action', '') not in ('react', 'unreact')", "quarantined", "'the reaction neither adds nor takes back'"),
        ("event in ('message', 'postback', 'order')", "message", "null"),
        ("event in ('unsend', 'message_edit')", "revision", "null"),
        ("event = 'reaction'", "reaction", "null"),
        ("event in ('read', 'delivery')", "status", "null"),
    ] -%}
    case
        {% for condition, outcome, reason in cases -%}
        when {{ condition }} then {{ "'" ~ outcome ~ "'" if what == 'outcome' else reason }}
        {% endfor -%}
        else {{ "'system_event'" if what == 'outcome' else "event" }}
    end
{%- endmacro %}

{# Copies of Messenger's and Instagram's events, ending in the message contract. `scheme` is that of the person's id.

   Each event has its targets: itself where it is a message, the message that it edits, unsends or reacts to, the messages that a
   receipt names, and the watermark of the thread. In one pass: a branch for each kind would read every payload again. #}
{% macro messaging_copies(channel, scheme) %}
with

events as not materialized (

    select
        *,
        {{ plausible_time('told_time', 'received_at') }} as provider_time,
        {{ bounded_key("account_id || '|' || counterpart_id") }} as thread,
        {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || counterpart_id") }} as counterpart,
        {{ bounded_key("'" ~ scheme ~ ":' || account_id || ':' || account_id") }} as ourselves,
        coalesce({{ sortable_time(plausible_time('told_time', 'received_at')) }}, {{ sortable_time('received_at') }}) as event_at,
        case event when 'read' then 'read' else 'delivered' end as receipt
    from {{ ref('stg_' ~ channel ~ '__webhook_events') }}
    where outcome in ('message', 'revision', 'reaction', 'status', 'system_event') and counterpart_id is not null

),

targeted as not materialized (

    select events.*, target.provider_id, target.role
    from events
    cross join lateral (
        -- An order, a handover, a referral has no id: whose it is and when makes one.
        select
            case when event in ('message', 'postback') then mid else {{ bounded_key("thread || '|' || coalesce(item ->> 'timestamp', raw_ref) || '|' || event") }} end as provider_id,
            'message' as role
        where outcome in ('message', 'system_event')

        union all

        select mid, outcome where outcome in ('revision', 'reaction')

        union all

        -- What we read of theirs says nothing of ours.
        select named.mid, 'receipt'
        from (
            select mid where event = 'read'
            union
            select {{ bounded_key("mid #>> '{}'") }} from canonical.elements(told -> 'mids') as mid
        ) as named
        where outcome = 'status' and not is_outbound and named.mid <> ''

        union all

        select 'watermark', 'watermark' where outcome = 'status' and not is_outbound
    ) as target

),

contract as not materialized (

    select
        targeted.*,
        role = 'message' as has_content,
        case when is_outbound then 'outbound' else 'inbound' end as direction,
        case when is_outbound then account_id else counterpart_id end as from_address,
        null::text as from_name,
        array[case when is_outbound then counterpart_id else account_id end] as to_addresses,
        counterpart as counterpart_identity,
        thread as thread_key,
        shown.kind,
        null::text as subject,
        shown.body,
        null::text as quoted_body,
        coalesce(shown.attachments, '[]') as attachments,
        jsonb_build_array(
            jsonb_build_object('identity', case when is_outbound then ourselves else counterpart end, 'role', 'from', 'is_ours', is_outbound,
                'name', null, 'address', case when is_outbound then account_id else counterpart_id end),
            jsonb_build_object('identity', case when is_outbound then counterpart else ourselves end, 'role', 'to', 'is_ours', not is_outbound,
                'name', null, 'address', case when is_outbound then counterpart_id else account_id end)
        ) as participants,
        '{{ channel }}|' || {{ bounded_key("told #>> '{reply_to,mid}'") }} as in_reply_to,
        null::text as reference_id,
        null::text as in_reply_to_reference,
        coalesce(shown.metadata, '{}') as metadata
    from targeted
    left join lateral (
        {{ messaging_content(channel) }}
        offset 0
    ) as shown on role = 'message'

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
        case when role = 'watermark' then '{}'::jsonb else {{ fact(
            'raw_ref', "'webhook'", 'received_at', "case when has_content then '2' else '' end", 'metadata',
            content="case when has_content then md5(coalesce(body, '')) end",
            revision="case when role = 'revision' then case event
                when 'unsend' then jsonb_build_object('kind', 'unsent', 'at', event_at)
                else jsonb_strip_nulls(jsonb_build_object(
                    'kind', 'edited', 'at', event_at, 'number', told ->> 'num_edit', 'body', coalesce(told ->> 'text', '')
                ))
            end end",
            reaction="case when role = 'reaction' then jsonb_build_object(
                'by', case when is_outbound then ourselves else counterpart end, 'is_ours', is_outbound, 'action', told ->> 'action',
                'emoji', coalesce(told ->> 'emoji', told ->> 'reaction', ''), 'at', event_at
            ) end"
        ) }} end as facts,
        null::text as moved_to,
        transaction_id
    from contract

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
                when listed.first_kind in ('media', 'interactive') then listed.first_kind
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
                end || coalesce(': ' || nullif(told ->> 'title', ''), '')
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
                    filter (where type in ('share', 'ig_post', 'post', 'reel', 'ig_reel')) as shared
            from (
                -- The index is the place in the list as it was sent, the same when the history lists it again.
                select distinct on (coalesce(payload ->> 'sticker_id', 'n' || number)) number - 1 as number, type, payload, url, title, kind, content_type, link, words
                from (
                    select
                        number,
                        attachment ->> 'type' as type,
                        case jsonb_typeof(attachment -> 'payload') when 'object' then attachment -> 'payload' end as payload,
                        coalesce(attachment #>> '{payload,url}', attachment ->> 'url') as url,
                        coalesce(attachment #>> '{payload,title}', attachment ->> 'title') as title,
                        case attachment ->> 'type'
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
                            when 'template' then concat_ws(
                                E'\n', attachment #>> '{payload,text}',
                                (
                                    select string_agg(concat_ws(': ', element ->> 'title', element ->> 'subtitle'), E'\n' order by n)
                                    from canonical.elements(attachment #> '{payload,elements}') with ordinality as parts (element, n)
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
                    from canonical.elements(told -> 'attachments') with ordinality as listed (attachment, number)
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
