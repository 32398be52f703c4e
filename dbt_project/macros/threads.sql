{# What is counted of a thread, of messages with sort_key, sent_at, direction and counterpart_identity. Only minima, maxima and counts: counts of
   parts add up to the count of the whole. The last of something is the greatest of sort key and value. #}
{% macro counts_of_thread(where='true') %}
    count(*) filter (where {{ where }}) as message_count,
    min(sent_at) filter (where {{ where }}) as first_at,
    max(sent_at) filter (where {{ where }}) as last_at,
    max(sort_key || chr(1) || direction collate "C") filter (where {{ where }}) as last_direction_mark,
    max(sort_key || chr(1) || counterpart_identity collate "C") filter (where {{ where }}) as counterpart_mark
{% endmacro %}

{# The value behind the sort key of a mark. Its collation is that of other columns: an index of another one would serve no join. #}
{% macro marked(mark) -%} (nullif(split_part({{ mark }}, chr(1), 2), '') collate "default") {%- endmacro %}

{% macro no_threads() -%} (select null::text as channel, null::text as thread_key, null::text as counterpart_identity where false) {%- endmacro %}
