{# Watermarks: how far what we sent is delivered or read, told of a thread and not of each message (docs/providers/messenger.md). They are rows of
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
   only forward on the ladder (docs/providers/README.md). #}
{% macro status_in_thread(message, delivered_until, read_until) -%}
    case
        when {{ message }}.direction <> 'outbound' or {{ message }}.is_deleted then {{ message }}.status
        when {{ message }}.status in ('queued', 'sent', 'failed', 'delivered') and {{ message }}.sent_at <= {{ read_until }} then 'read'
        when {{ message }}.status in ('queued', 'sent', 'failed') and {{ message }}.sent_at <= {{ delivered_until }} then 'delivered'
        else {{ message }}.status
    end
{%- endmacro %}
