{# One field of a form as Twilio posts it, in column `form`: the first value where a parameter repeats. #}
{% macro form_field(name) -%}
    coalesce(form #>> '{ {{- name -}} ,0}', form ->> '{{ name }}')
{%- endmacro %}

{# The same as a subquery with columns value and number, for a list that is nearly always one of one value: that one is taken without a call of a
   function that returns a set, which costs as much as reading ten fields. #}
{% macro numbered_elements_of(value) -%}
    lateral (
        select told.value, told.number
        from (
            select listed, case jsonb_typeof(listed) when 'array' then jsonb_array_length(listed) else 0 end as length
            from (select {{ value }} as listed offset 0) as given
            offset 0
        ) as counted
        cross join lateral (
            select listed -> 0 as value, 1::bigint as number where length = 1

            union all

            select several.value, several.number
            from {{ elements_of('listed') }} with ordinality as several (value, number)
            where length > 1
            offset 0
        ) as told
    )
{%- endmacro %}

{# The values of a JSON array, none where it is something else. The built-in function and not canonical.elements: that one is a query of
   its own for each call. May stand before `with ordinality`. #}
{% macro elements_of(value) -%}
    jsonb_array_elements(case jsonb_typeof({{ value }}) when 'array' then {{ value }} else '[]' end)
{%- endmacro %}
