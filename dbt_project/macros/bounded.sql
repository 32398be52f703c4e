{# What a provider sends becomes keys: ids, threads, identities, names that stand in an index. An index entry holds 2,700 bytes, and a
   longer one fails the whole refresh, so every such text goes through this: of more than 512 bytes it keeps the beginning and a hash of
   the whole, so that equal texts stay equal and different ones different. What is bounded already is unchanged.

   The length is asked for here, because the function is not inlined where its argument costs anything, and a call of it costs more than reading
   the argument twice. is_rare: for what is seldom asked for, where a short plan counts more. #}
{% macro bounded_key(expression, is_rare=false) -%}
    {% if is_rare -%}
    canonical.bounded_key({{ expression }})
    {%- else -%}
    case when octet_length({{ expression }}) > 512 then canonical.bounded_key({{ expression }}) else {{ expression }} end
    {%- endif %}
{%- endmacro %}

{# The whole of a name that is bounded where it stands in an index; null for an ordinary one. For a message's metadata. #}
{% macro whole_name(expression) -%}
    case when octet_length({{ expression }}) > 512 then {{ expression }} end
{%- endmacro %}
