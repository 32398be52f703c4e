-- A mart is called for what it is: `marts_messages` builds marts.messages. Model names must be unique in a project, and
-- canonical.messages has the plain one.
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%} {{ custom_alias_name | trim }}
    {%- else -%} {{ node.name.removeprefix('marts_') }}
    {%- endif -%}
{%- endmacro %}
