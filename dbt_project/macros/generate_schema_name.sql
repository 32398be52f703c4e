-- Schemas are named in dbt_project.yml and nowhere else: staging, canonical, marts. A rebuild makes all models beside the serving ones, in
-- schemas with its name behind theirs, and swaps them when it is ready (transform/build.py).
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}{{ '_' ~ env_var('CRM_DBT_BUILD') if env_var('CRM_DBT_BUILD', '') }}
{%- endmacro %}
