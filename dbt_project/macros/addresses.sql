{# A Twilio address as an identity (docs/providers/twilio.md): `scheme:value` or `scheme:scope:value`.
   `other` is the address at the other end: it gives the country of short codes, national spellings and alphanumeric senders, and the
   page or the number whose business-scoped ids these are. What is none of the known forms is `unknown`, and says so. #}
{% macro twilio_identity(address, other) %}
    {{ bounded_key(unbounded_twilio_identity(address, other)) }}
{% endmacro %}

{% macro unbounded_twilio_identity(address, other) %}
    coalesce('phone:' || canonical.phone_number({{ address }}, {{ country_of(other) }}), case
        when {{ address }} ~ '^(whatsapp|rcs):[+0-9]' then coalesce(
            'phone:' || canonical.phone_number(substr({{ address }}, strpos({{ address }}, ':') + 1), {{ country_of(other) }}),
            case when {{ address }} ~ '^rcs:' then {{ address }} else 'unknown:' || {{ address }} end
        )
        when {{ address }} ~ '^messenger:.+$'
            then 'psid:' || regexp_replace({{ other }}, '^messenger:', '') || ':' || substr({{ address }}, 11)
        -- People who show no number: an id of the business, which Twilio passes on as it is.
        when {{ address }} ~ '^whatsapp:[A-Z]{2}\.[A-Za-z0-9.]+$' then 'bsuid:' || regexp_replace({{ other }}, '^whatsapp:', '') || ':' || substr({{ address }}, 10)
        when {{ address }} ~ '^(sim|rcs):.+$' then {{ address }}
        when {{ address }} ~ '^(client|sips?):.+$' then regexp_replace({{ address }}, '^(client|sip)s?:.*$', '\1') || ':' || {{ other }} || ':' || {{ sip_user(address) }}
        when {{ address }} ~ '^[0-9]{3,8}$' then 'short_code:' || {{ country_of(other) }} || ':' || {{ address }}
        when lower({{ address }}) in ('anonymous', 'restricted', 'unavailable', 'unknown', 'private', 'blocked') then 'unknown:' || lower({{ address }})
        when {{ address }} ~ '^[A-Za-z0-9 &+_.-]{1,11}$' and {{ address }} ~ '[A-Za-z]' then 'alphanumeric:' || {{ country_of(other) }} || ':' || upper({{ address }})
        when {{ address }} <> '' then 'unknown:' || {{ address }}
    end)
{% endmacro %}

{# The user of a client or SIP address: without its port and parameters, the host in lower case. #}
{% macro sip_user(address) -%}
    (
        select case when bare ~ '@' then regexp_replace(bare, '@[^@]*$', '') || '@' || lower(regexp_replace(bare, '^.*@', '')) else bare end
        from (select regexp_replace(regexp_replace({{ address }}, '^[a-z]+:([^;?>]*).*$', '\1'), ':[0-9]{1,5}$', '') as bare offset 0) as written
    )
{%- endmacro %}

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
