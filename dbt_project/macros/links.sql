{# Scheme, scope and value of an identity text: `scheme:value` or `scheme:scope:value`. `known` is its row of the registry of schemes. #}
{% macro identity_parts(identity, known) %}
    split_part({{ identity }}, ':', 1) as scheme,
    case when {{ known }}.scope is not null then split_part({{ identity }}, ':', 2) else 'global' end as scope,
    regexp_replace({{ identity }}, case when {{ known }}.scope is not null then '^[^:]*:[^:]*:' else '^[^:]*:' end, '') as value
{% endmacro %}

{# The thread of a message, with a business-scoped id replaced by the phone number that it belongs to: a conversation does not split
   where the number is left out. `alias` is the identity that the counterpart is the same as, or null. #}
{% macro thread_with_alias(message, alias) -%}
    case
        when {{ alias }} is not null and {{ message }}.thread_key = split_part({{ message }}.thread_key, '|', 1) || '|' || split_part({{ message }}.counterpart_identity, ':', 3)
            then split_part({{ message }}.thread_key, '|', 1) || '|' || regexp_replace({{ alias }}, '^(phone:|bsuid:[^:]*:)', '')
        else {{ message }}.thread_key
    end
{%- endmacro %}
