{# What a reader of a timeline needs of a message, after the customer and the identity. The expressions that depend on the thread are
   given by the model. #}
{% macro timeline_columns(messages, status, thread_key) %}
    {%- set computed = {
        'from_name': 'coalesce(' ~ messages ~ '.from_name, ' ~ messages ~ '.told_name)',
        'body': shown_body(messages),
        'attachments': shown_attachments(messages),
        'status': status,
        'thread_key': thread_key,
    } %}
    {%- for column in timeline_names() %}
    {{ computed.get(column, messages ~ '.' ~ column) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{% macro timeline_names() %}
    {{ return([
        'sent_at', 'message_id', 'channel', 'connection_id', 'direction', 'from_address', 'from_name', 'to_addresses', 'counterpart_identity',
        'thread_key', 'kind', 'subject', 'body', 'quoted_body', 'attachments', 'status', 'reactions', 'revision', 'removal', 'is_deleted',
        'in_reply_to', 'seen_via', 'received_at', 'provider_metadata'
    ]) }}
{% endmacro %}
