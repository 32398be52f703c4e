{# Raw rows that landed and are not folded yet, as the first part of a raw reference. What compares raw with the tables leaves them out: on a
   warehouse that runs there may be some at any moment, and the next fold takes them in. One statement sees them and the fold's state
   at one snapshot. #}
{% macro waiting_rows() -%}
    select 'raw.webhook_deliveries/' || delivery_id as raw_row
    from {{ source('raw', 'webhook_deliveries') }}
    where {{ is_waiting() }}
    {# While dbt parses there is no graph yet. -#}
    {% if execute -%}
    {% for table in graph.sources.values() | sort(attribute='unique_id')
        if table.source_name.startswith('raw_') and table.config.get('meta', {}).get('accounted', true) %}
    union all
    select '{{ table.source_name }}.{{ table.name }}/' || _dlt_id
    from {{ table.schema }}.{{ table.identifier }}
    where {{ is_waiting() }}
    {% endfor %}
    {% endif %}
{%- endmacro %}

{# The first condition is an index's (macro is_new). #}
{% macro is_waiting() -%}
    (
        transaction_id >= canonical.folded_until('{{ build_name() | trim }}')
        or transaction_id = any (canonical.folded_without('{{ build_name() | trim }}'))
    )
    and not pg_visible_in_snapshot(transaction_id, (select folded from canonical.fold_state where build = '{{ build_name() | trim }}'))
{%- endmacro %}
