{# Outcome and reason of an event, from one list of (condition, outcome, reason): the first condition that holds counts, and the last
   case holds always. The number of the case is computed once, behind a fence (`offset 0`): a column that is read twice would otherwise
   be computed twice, with every condition before it. #}
{% macro verdict_case(cases) %}
    case
        {% for condition, outcome, reason in cases -%}
        when {{ condition }} then {{ loop.index }}
        {% endfor -%}
    end
{% endmacro %}

{# Both, for a join: the number of the case, and its outcome behind a fence of its own, because every reader asks for it many times. #}
{% macro verdict_of(cases) -%}
    lateral (
        select number, {{ verdict_outcome(cases, 'number') }} as outcome
        from (select {{ verdict_case(cases) }} as number offset 0) as holding
        offset 0
    )
{%- endmacro %}

{% macro verdict_outcome(cases, number) %}
    case
        {% for wanted in cases | map(attribute=1) | unique -%}
        {% set numbers = [] -%}
        {% for condition, outcome, reason in cases if outcome == wanted -%}
        {% do numbers.append(cases.index((condition, outcome, reason)) + 1) -%}
        {% endfor -%}
        when {{ number }} in ({{ numbers | join(', ') }}) then '{{ wanted }}'
        {% endfor -%}
    end
{% endmacro %}

{% macro verdict_reason(cases, number) %}
    case {{ number }}
        {% for condition, outcome, reason in cases if reason != 'null' -%}
        when {{ cases.index((condition, outcome, reason)) + 1 }} then {{ reason }}
        {% endfor -%}
    end
{% endmacro %}
