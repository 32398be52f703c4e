{# One field of a form as Twilio posts it, in column `form`: the first value where a parameter repeats. #}
{% macro form_field(name) -%}
    coalesce(form #>> '{ {{- name -}} ,0}', form ->> '{{ name }}')
{%- endmacro %}
