{# The rows of a raw table, less those that the fold has set aside because the database could not digest them (canonical.set_aside). Every
   staging model reads raw through this. The condition is a filter on the scan, so it stands before anything reads a payload; a list of
   nothing costs nothing. Give the call an alias. #}
{% macro landed(schema, table) -%}
    (
        select * from {{ source(schema, table) }}
        where {{ 'delivery_id::text' if schema == 'raw' else '_dlt_id' }} not in (
            select row_id from canonical.set_aside where raw_table = '{{ schema }}.{{ table }}'
        )
    )
{%- endmacro %}
