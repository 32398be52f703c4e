{# The open link of each identity: a decision, joined at read time and never copied into a table. #}
{% macro open_links() -%}
    (select identity, customer_id from {{ source('crm', 'identity_links') }} where ended_at is null)
{%- endmacro %}

{# Scheme, scope and value of an identity text: `scheme:value` or `scheme:scope:value`. Only the scoped schemes have a scope. #}
{% macro identity_parts(identity) %}
    split_part({{ identity }}, ':', 1) as scheme,
    case when {{ identity }} ~ '^(psid|igsid|bsuid|bsuid_parent|short_code|alphanumeric):' then split_part({{ identity }}, ':', 2) else 'global' end as scope,
    case
        when {{ identity }} ~ '^(psid|igsid|bsuid|bsuid_parent|short_code|alphanumeric):' then regexp_replace({{ identity }}, '^[^:]*:[^:]*:', '')
        else regexp_replace({{ identity }}, '^[^:]*:', '')
    end as value
{% endmacro %}
