{# A Twilio address as an identity (providers.md §3.2): `scheme:value` or `scheme:scope:value`.
   `other` is the address at the other end: it gives the country of short codes and alphanumeric senders, and the
   page of a Messenger id. #}
{% macro twilio_identity(address, other) %}
    {{ bounded_key(unbounded_twilio_identity(address, other)) }}
{% endmacro %}

{% macro unbounded_twilio_identity(address, other) %}
    case
        when {{ address }} ~ '^(whatsapp:|rcs:)?\+[1-9][0-9]{6,14}$'
            then 'phone:' || regexp_replace({{ address }}, '^(whatsapp:|rcs:)', '')
        when {{ address }} ~ '^messenger:.+$'
            then 'psid:' || regexp_replace({{ other }}, '^messenger:', '') || ':' || substr({{ address }}, 11)
        when {{ address }} ~ '^(sim|rcs):.+$' then {{ address }}
        when {{ address }} ~ '^[0-9]{3,8}$' then 'short_code:' || {{ country_of(other) }} || ':' || {{ address }}
        when {{ address }} <> '' then 'alphanumeric:' || {{ country_of(other) }} || ':' || upper({{ address }})
    end
{% endmacro %}

{# The country of one of our numbers; ZZ (unknown) where we have no rule, so that scopes never mix by accident. #}
{% macro country_of(number) -%}
    case
        when {{ number }} ~ '\+61' then 'AU' when {{ number }} ~ '\+64' then 'NZ' when {{ number }} ~ '\+44' then 'GB'
        when {{ number }} ~ '\+1[0-9]{10}$' then 'US' else 'ZZ'
    end
{%- endmacro %}

{# A provider's transport inside twilio_sms: whatsapp, messenger, rcs, or plain sms. #}
{% macro twilio_transport(address) -%}
    coalesce(substring({{ address }} from '^(whatsapp|messenger|rcs|sim):'), 'sms')
{%- endmacro %}
