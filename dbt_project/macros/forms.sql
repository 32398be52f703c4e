{# One field of a form as Twilio posts it, in column `form`: the first value where a parameter repeats. #}
{% macro form_field(name) -%}
    coalesce(form #>> '{ {{- name -}} ,0}', form ->> '{{ name }}')
{%- endmacro %}

{# The values of a JSON array, none where it is something else. The built-in function and not canonical.elements: that one is a query of
   its own for each call. May stand before `with ordinality`. #}
{% macro elements_of(value) -%}
    jsonb_array_elements(case jsonb_typeof({{ value }}) when 'array' then {{ value }} else '[]' end)
{%- endmacro %}
