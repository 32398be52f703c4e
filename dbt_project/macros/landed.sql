{# The rows of a raw table, less those that the fold has set aside because the database could not digest them (canonical.set_aside). Every
   staging model reads raw through this. Give the call an alias. #}
{% macro landed(schema, table) -%}
    (
        select * from {{ source(schema, table) }}
        where {{ is_not_set_aside(schema ~ '.' ~ table, 'delivery_id::text' if schema == 'raw' else '_dlt_id') }}
    )
{%- endmacro %}

{# A filter on the scan, so it stands before anything reads a payload; a list of nothing costs nothing. #}
{% macro is_not_set_aside(raw_table, row_id) -%}
    {{ row_id }} not in (select set_aside.row_id from canonical.set_aside as set_aside where set_aside.raw_table = '{{ raw_table }}')
{%- endmacro %}
