{# The message contract: what every copy of a message carries, in this order.

   keys       message_id, channel, provider_message_id: provider facts only.
   content    one register: the copy with the greatest content_order gives all of it. Null content_order: the
              copy has no content (a status callback, a deletion) and can never show a message by itself.
   times      the earliest provider time wins over the earliest receipt; received_at is the first landing.
   landed     the first landing and the place within it, as text that sorts: orders messages of one instant.
   status     one register: status_order sorts by rank, then provider time, then word.
   facts      a set: raw reference -> what that one copy alone adds. Union is all that ever happens to it.
   moved_to   the copy is no sight of a message: it says that what is known under message_id belongs to another message,
              as the second leg of a call belongs to the call. All that is filed under the one goes to the other.
#}
{% macro content_columns() %}
    {{ return([
        'connection_id', 'direction', 'from_address', 'from_name', 'to_addresses', 'counterpart_identity',
        'thread_key', 'kind', 'subject', 'body', 'quoted_body', 'attachments', 'participants', 'in_reply_to',
        'reference_id', 'in_reply_to_reference',
    ]) }}
{% endmacro %}

{% macro partial_columns() %}
    {{ return(['message_id', 'channel', 'provider_message_id', 'content_order'] + content_columns()
        + ['sent_at', 'sent_at_is_receipt', 'received_at', 'landed', 'status_order', 'is_deleted', 'facts', 'moved_to']) }}
{% endmacro %}

{% macro copy_columns() %}
    {{ return(partial_columns() + ['transaction_id']) }}
{% endmacro %}

{% macro column_type(column) -%}
    {{ {'to_addresses': 'text[]', 'attachments': 'jsonb', 'participants': 'jsonb', 'facts': 'jsonb',
        'sent_at': 'timestamptz', 'received_at': 'timestamptz', 'sent_at_is_receipt': 'boolean', 'is_deleted': 'boolean',
        'transaction_id': 'xid8'}.get(column, 'text') }}
{%- endmacro %}

{# The contract with its types, for the last select of a staging model. dlt's texts are varchar, and a union over two
   types is an island to the planner: no condition and no pruning of columns would reach the tables below it. Beside the contract `copies` has
   raw_ref: the one raw reference of its facts, or null where it has none. #}
{% macro typed_copy_columns() %}
    {% for column in copy_columns() -%}
    {% if column == 'landed' -%}
    {{ landed_at('received_at', 'raw_ref') }} as landed
    {%- else -%}
    {{ column }}::{{ column_type(column) }} as {{ column }}
    {%- endif %}{{ ',' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# Microseconds since 1970 as 14 hexadecimal digits: text that sorts as the time does, until the year 4253. #}
{% macro sortable_instant(moment) -%}
    lpad(to_hex((extract(epoch from {{ moment }}) * 1000000)::bigint), 14, '0')
{%- endmacro %}

{# When a copy landed, and its place within the delivery: the numbers behind the # of its raw reference, four digits each. What stands alone in
   its delivery, as nearly everything does, is known by the shape of that place; only the rest is taken apart. #}
{% macro landed_at(received_at, raw_ref) -%}
    {{ sortable_instant(received_at) }} || case
        when strpos({{ raw_ref }}, '#') = 0 or {{ raw_ref }} is null then ''
        else case translate(split_part({{ raw_ref }}, '#', 2), 'abcdefghijklmnopqrstuvwxyz_', '')
            when '1.1..1' then '000100010001'
            when '1..1' then '00010001'
            else coalesce(
                (
                    select string_agg(lpad(left(number[1], 4), 4, '0'), '')
                    from regexp_matches(split_part({{ raw_ref }}, '#', 2), '\d+', 'g') as number
                ), ''
            )
        end
    end
{%- endmacro %}

{# The order of all messages, newest last, as one text (collation "C"): the time at the finest resolution that any copy told, then the first
   landing, then the place within it, then the id. Lists, timelines, positions of pages and counts of the last message all use this. #}
{% macro sort_key(message) -%}
    case when {{ message }}.content_order is not null
        then {{ sortable_instant(message ~ '.sent_at') }} || {{ message }}.landed || '|' || {{ message }}.message_id end
{%- endmacro %}

{# A time told in whole seconds counts as the end of its second while the earliest is sought, so that a finer time of the same second wins
   over it and an earlier second wins over both. `told_instant` takes the minimum back. #}
{% macro seekable_instant(moment) -%}
    case when {{ moment }} = date_trunc('second', {{ moment }}) then {{ moment }} + interval '999999 microseconds' else {{ moment }} end
{%- endmacro %}

{% macro told_instant(sought) -%}
    case when extract(microseconds from {{ sought }})::bigint % 1000000 = 999999 then date_trunc('second', {{ sought }}) else {{ sought }} end
{%- endmacro %}

{# Nulls with the contract's types, for copies without content. #}
{% macro no_content() %}
    null::text as content_order,
    {% for column in content_columns() -%}
    null::{{ column_type(column) }} as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# Sorts copies by how good their content is. The hash of all content comes last, and behind it the connection, whose id is ours and
   differs between installations: two copies of equal order have equal content, and no tie is left to the order of arrival.
   completeness: digits; version: text that sorts by age (a provider time, a parser version). #}
{% macro content_order(completeness, version) %}
    {{ completeness }} || '|' || coalesce({{ version }}, '') || '|' || md5(
        jsonb_build_array({{ content_columns() | reject('equalto', 'connection_id') | join(', ') }})::text
    ) || '|' || coalesce(connection_id, '')
{% endmacro %}

{# 'rank|time|word': text comparison finds the status that counts (docs/providers/README.md). #}
{% macro status_order(status, happened_at='null::timestamptz') %}
    case {{ status }}
        when 'received' then '10' when 'queued' then '10' when 'sent' then '20' when 'failed' then '30'
        when 'missed' then '30' when 'delivered' then '40' when 'completed' then '40' when 'read' then '50'
        when 'deleted' then '90'
    end || '|' || coalesce({{ sortable_time(happened_at) }}, '') || '|' || {{ status }}
{% endmacro %}

{# The word of a folded status_order. What came to us was received: how far something got, or that it did not, is told of what we sent. A
   call that came in has words of its own. #}
{% macro status_word(status_order, direction, kind) -%}
    case
        when {{ direction }} = 'inbound' and {{ kind }} not in ('call', 'voicemail')
            and split_part({{ status_order }}, '|', 3) in ('sent', 'delivered', 'read', 'failed') then 'received'
        else nullif(split_part({{ status_order }}, '|', 3), '')
    end
{%- endmacro %}

{# Fixed width, UTC, microseconds: sorts as text and does not depend on the session's time zone. #}
{% macro sortable_time(moment) -%}
    to_char({{ moment }} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
{%- endmacro %}

{# A provider's time that can be believed: not before 2004, not more than a day ahead of us (docs/providers/README.md). Null otherwise:
   then our receipt orders the message, and the time that was told stays in its metadata. #}
{% macro plausible_time(moment, received_at) -%}
    case when {{ moment }} between '2004-01-01 00:00+00' and {{ received_at }} + interval '1 day' then {{ moment }} end
{%- endmacro %}

{% macro implausible_time(moment, received_at) -%}
    case when {{ moment }} not between '2004-01-01 00:00+00' and {{ received_at }} + interval '1 day' then {{ sortable_time(moment) }} end
{%- endmacro %}

{# The row that holds how far the messages of a thread are delivered or read: no message, found by its own id. #}
{% macro watermark_id(channel, thread_key, word) -%}
    {{ channel }} || '|watermark|' || {{ thread_key }} || '|' || {{ word }}
{%- endmacro %}

{# One entry of the set of facts. `version` decides whose metadata is shown where copies differ.

   metadata   what this copy alone tells
   revision   {kind: edited | unsent | removed at the provider, at, body}
   reaction   {by, is_ours, emoji, action: react | unreact, at}
   parts      of a call, written by macros/calls.sql
   same_as    [{identity, same_as, how, at}]: two identities that were told to be one
   name       what the sender is called, where only this door tells it
   file       {body, attachments} that came apart from the message they belong to
   report     {id, version, failed: [{address, final, reason}]}: what a mail system says about a mail of ours
   content    hash of the text, for comparing the doors (pipelines/reconcile.py, macros/revisions.sql)
   text       of the history, where it is one that somebody wrote: it may be an edit whose webhook was lost
   worded     the words of this copy are made of other fields than a text #}
{% macro fact(raw_ref, door, received_at, version, metadata, revision=none, reaction=none, same_as=none, name=none, file=none, content=none,
              text=none, worded=none, report=none, parts=none) %}
    jsonb_build_object(
        {{ raw_ref }},
        jsonb_strip_nulls(
            {{ object_of_texts([('via', door), ('at', sortable_time(received_at)), ('version', version), ('name', name), ('content', content), ('text', text)]) }}
            || jsonb_build_object('metadata', {{ metadata }})
            {%- for key, value in [('revision', revision), ('reaction', reaction), ('same_as', same_as), ('file', file), ('report', report), ('worded', worded), ('parts', parts)]
                if value %}
            || case when ({{ value }}) is not null then jsonb_build_object('{{ key }}', {{ value }}) else '{}' end
            {%- endfor %}
        )
    )
{% endmacro %}

{# An object whose values are texts or null, from a list of (key, expression); without those that are none. jsonb_build_object asks the
   catalogue for the type of each key and of each value, and costs four times as much. #}
{% macro object_of_texts(pairs) -%}
    {%- set given = pairs | selectattr(1) | list -%}
    jsonb_object('{ {{- given | map(attribute=0) | join(',') -}} }', array[
        {%- for key, value in given %}{{ value }}{{ ', ' if not loop.last }}{% endfor -%}
    ]::text[])
{%- endmacro %}
