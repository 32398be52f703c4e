{# The message contract: what every copy of a message carries, in this order (design.md §5.3).

   keys       message_id, channel, provider_message_id: provider facts only.
   content    one register: the copy with the greatest content_order gives all of it. Null content_order: the
              copy has no content (a status callback, a deletion) and can never show a message by itself.
   times      the earliest provider time wins over the earliest receipt; received_at is the first landing.
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
        + ['sent_at', 'sent_at_is_receipt', 'received_at', 'status_order', 'is_deleted', 'facts', 'moved_to']) }}
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
   types is an island to the planner: no condition and no pruning of columns would reach the tables below it. #}
{% macro typed_copy_columns() %}
    {% for column in copy_columns() -%}
    {{ column }}::{{ column_type(column) }} as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
{% endmacro %}

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

{# 'rank|time|word': text comparison finds the status that counts (providers.md §10.4). #}
{% macro status_order(status, happened_at='null::timestamptz') %}
    case {{ status }}
        when 'received' then '10' when 'queued' then '10' when 'sent' then '20' when 'failed' then '30'
        when 'missed' then '30' when 'delivered' then '40' when 'completed' then '40' when 'read' then '50'
        when 'deleted' then '90'
    end || '|' || coalesce({{ sortable_time(happened_at) }}, '') || '|' || {{ status }}
{% endmacro %}

{# Fixed width, UTC, microseconds: sorts as text and does not depend on the session's time zone. #}
{% macro sortable_time(moment) -%}
    to_char({{ moment }} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
{%- endmacro %}

{# A provider's time that can be believed: not before 2004, not more than a day ahead of us (providers.md §10.2). Null otherwise:
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
   content    hash of the text, for comparing the doors (pipelines/reconcile.py) #}
{% macro fact(raw_ref, door, received_at, version, metadata, revision='null::jsonb', reaction='null::jsonb',
              same_as='null::jsonb', name='null::text', file='null::jsonb', content='null::text') %}
    jsonb_build_object(
        {{ raw_ref }},
        jsonb_strip_nulls(jsonb_build_object(
            'via', {{ door }},
            'at', {{ sortable_time(received_at) }},
            'version', {{ version }},
            'metadata', {{ metadata }},
            'revision', {{ revision }},
            'reaction', {{ reaction }},
            'same_as', {{ same_as }},
            'name', {{ name }},
            'file', {{ file }},
            'content', {{ content }}
        ))
    )
{% endmacro %}
