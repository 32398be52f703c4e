{# What is counted of an outside identity, of its participants: as counts_of_thread. #}
{% macro counts_of_identity(where='true') %}
    count(*) filter (where {{ where }}) as message_count,
    min(sent_at) filter (where {{ where }}) as first_seen_at,
    max(sent_at) filter (where {{ where }}) as last_seen_at,
    -- Who only ever stood in To or Cc did not write to us.
    max(sent_at) filter (where {{ where }} and role = 'from') as last_inbound_at,
    max(sort_key collate "C") filter (where {{ where }} and role = 'from') as last_inbound_key,
    max(sort_key || chr(1) || display_name collate "C") filter (where {{ where }}) as display_name_mark
{% endmacro %}
