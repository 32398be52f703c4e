{# Watermarks: how far what we sent is delivered or read, told of a thread and not of each message (providers.md §9.2). They are rows of
   canonical.messages without content, found by their id; status_order reads rank|time|word, or rank|time|word|message where the
   provider names a message instead of a time, whose own time counts as soon as it is known. #}

{# The time of a watermark's row, as stored. #}
{% macro watermark_time(watermark, messages) -%}
    case
        when split_part({{ watermark }}.status_order, '|', 4) = '' then nullif(split_part({{ watermark }}.status_order, '|', 2), '')::timestamptz
        else (
            select named.sent_at from {{ messages }} as named
            where named.message_id = {{ watermark }}.channel || '|' || split_part({{ watermark }}.status_order, '|', 4)
                and named.content_order is not null
        )
    end
{%- endmacro %}

{# The status that counts: the message's own, or further, where it lies before a watermark of its thread. Only what we sent, and
   only forward on the ladder (providers.md §10.4). #}
{% macro status_in_thread(message, delivered_until, read_until) -%}
    case
        when {{ message }}.direction <> 'outbound' or {{ message }}.is_deleted then {{ message }}.status
        when {{ message }}.status in ('queued', 'sent', 'failed', 'delivered') and {{ message }}.sent_at <= {{ read_until }} then 'read'
        when {{ message }}.status in ('queued', 'sent', 'failed') and {{ message }}.sent_at <= {{ delivered_until }} then 'delivered'
        else {{ message }}.status
    end
{%- endmacro %}

{# CTE `live_threads`: the threads whose watermarks the tail may move, as they are now. All others stand in canonical.conversations. #}
{% macro live_threads(tail) %}
tail_threads as materialized (

    select distinct channel, thread_key from {{ tail }}
    where thread_key is not null and (direction = 'outbound' or provider_message_id = 'watermark')

),

live_threads as materialized (

    select
        watermarks.channel || '|' || watermarks.thread_key as conversation_id,
        {% for word in ['delivered', 'read'] -%}
        max(coalesce(
            case when named_id is null then nullif(split_part(watermarks.status_order, '|', 2), '')::timestamptz end, fresh.sent_at, known.sent_at
        )) filter (where split_part(watermarks.status_order, '|', 3) = '{{ word }}') as {{ word }}_until{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select channel, thread_key, status_order, channel || '|' || nullif(split_part(status_order, '|', 4), '') as named_id
        from (
            select channel, thread_key, status_order from {{ tail }} where provider_message_id = 'watermark'

            union all

            select held.channel, held.thread_key, held.status_order
            from tail_threads
            cross join (values ('delivered'), ('read')) as words (word)
            inner join {{ ref('messages') }} as held
                on held.message_id = {{ watermark_id('tail_threads.channel', 'tail_threads.thread_key', 'words.word') }}
            where not exists (select 1 from {{ tail }} as newer where newer.message_id = held.message_id)
        ) as either
    ) as watermarks
    left join {{ tail }} as fresh on fresh.message_id = watermarks.named_id and fresh.content_order is not null
    left join {{ ref('messages') }} as known on known.message_id = watermarks.named_id and known.content_order is not null
    group by 1

)
{% endmacro %}
