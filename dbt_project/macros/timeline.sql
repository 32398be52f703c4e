{# What a reader of a timeline needs of a message, after the customer and the identity. `threads` is joined as the message's thread. #}
{% macro timeline_columns(messages) %}
    {%- set computed = {
        'from_name': 'coalesce(' ~ messages ~ '.from_name, ' ~ messages ~ '.told_name)',
        'body': shown_body(messages),
        'attachments': shown_attachments(messages),
        'status': status_in_thread(messages, 'threads.delivered_until', 'threads.read_until'),
        'thread_key': 'coalesce(threads.conversation_key, ' ~ messages ~ '.thread_key)',
    } %}
    {%- for column in timeline_names() %}
    {{ computed.get(column, messages ~ '.' ~ column) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{% macro timeline_names() %}
    {{ return([
        'sent_at', 'message_id', 'channel', 'connection_id', 'direction', 'from_address', 'from_name', 'to_addresses', 'counterpart_identity',
        'thread_key', 'kind', 'subject', 'body', 'quoted_body', 'attachments', 'status', 'reactions', 'revision', 'removal', 'is_deleted',
        'in_reply_to', 'seen_via', 'received_at', 'provider_metadata', 'sort_key', 'folded_in'
    ]) }}
{% endmacro %}
