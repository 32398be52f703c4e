{# Whether a lower-case mail address is ours. A +tag is dropped on our own domains only (docs/providers/google.md). #}
{% macro is_own_address(address, own) -%}
    coalesce(
        {{ address }} = any({{ own }}.addresses)
        or regexp_replace({{ address }}, '\+[^@]*@', '@') = any({{ own }}.addresses)
        or split_part({{ address }}, '@', 2) = any({{ own }}.domains),
        false
    )
{%- endmacro %}

{# The address of an entry `{name, address}` of an envelope, as identities are written. #}
{% macro mail_address(entry) -%}
    canonical.mail_address({{ entry }} ->> 'address')
{%- endmacro %}
