{# What of a message can be found, in one place. The two functions are of migration 0080: they read queries, too. #}

{# What is read for its words: subject, text as a reader is shown it, names of attachments; between them a sign that ends a phrase. Beyond
   so many characters nobody looks for a message by its words. #}
{% macro searched(message) -%}
    case
        when {{ message }}.subject is null and {{ message }}.attachments = '[]' then left({{ shown_body(message) }}, 100000)
        else left(
            concat_ws(
                ' ' || chr(2) || ' ',
                {{ message }}.subject,
                {{ shown_body(message) }},
                (
                    select string_agg(attachment ->> 'filename', ' ' || chr(2) || ' ' order by position)
                    from jsonb_array_elements({{ message }}.attachments) with ordinality as listed (attachment, position)
                )
            ),
            100000
        )
    end
{%- endmacro %}

{# What operators ask for, as words that no text can have: a word of a text holds no colon. #}
{% macro search_marks(message) -%}
    array[
        concat('channel:', {{ message }}.channel), concat('direction:', {{ message }}.direction),
        concat('thread:', {{ message }}.channel, '|', {{ message }}.thread_key)
    ]
    || case when {{ message }}.attachments <> '[]' then array['has:attachment'] else '{}' end
    || array(
        -- What is ours says so: it stands on no customer's timeline.
        select case when person ->> 'role' = 'from' then 'from:' else 'to:' end || written
        from jsonb_array_elements({{ message }}.participants) with ordinality as listed (person, position)
        cross join lateral (
            values (case when (person ->> 'is_ours')::boolean then 'ours:' else '' end || (person ->> 'identity')), (case when person ->> 'identity' like 'email:%@%' then '@' || split_part(person ->> 'identity', '@', -1) end)
        ) as ways (written)
        where written is not null and position <= 1000
    )
{%- endmacro %}

{# What a document was made of, as a number: made anew only where this differs. #}
{% macro search_inputs(message) -%}
    hash_record_extended(
        row(
            {{ message }}.sort_key, {{ message }}.channel, {{ message }}.direction, {{ message }}.thread_key, {{ message }}.subject, {{ shown_body(message) }},
            {{ message }}.attachments, {{ message }}.participants
        ),
        0
    )
{%- endmacro %}

{# Shown to a reader, and not taken back. #}
{% macro is_found(message) -%}
    ({{ message }}.content_order is not null and {{ message }}.removal is distinct from 'unsent')
{%- endmacro %}
