{# What a provider sends becomes keys: ids, threads, identities, names that stand in an index. An index entry holds 2,700 bytes, and a
   longer one fails the whole refresh, so every such text goes through this: of more than 512 bytes it keeps the beginning and a hash of
   the whole, so that equal texts stay equal and different ones different. What is bounded already is unchanged. #}
{% macro bounded_key(expression) -%}
    case when octet_length({{ expression }}) > 512 then canonical.bounded_key({{ expression }}) else {{ expression }} end
{%- endmacro %}

{# The whole of a name that is bounded where it stands in an index; null for an ordinary one. For a message's metadata. #}
{% macro whole_name(expression) -%}
    case when octet_length({{ expression }}) > 512 then {{ expression }} end
{%- endmacro %}
