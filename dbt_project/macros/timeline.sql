{# What a reader of a timeline needs of a message, after the customer and the identity. #}
{% macro timeline_columns(messages) %}
    {%- for column in [
        'sent_at', 'message_id', 'channel', 'connection_id', 'direction', 'from_address', 'from_name', 'to_addresses',
        'counterpart_identity', 'thread_key', 'kind', 'subject', 'body', 'quoted_body', 'attachments', 'status', 'reactions',
        'revision', 'is_deleted', 'seen_via', 'received_at', 'provider_metadata'
    ] %}
    {{ messages }}.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}
