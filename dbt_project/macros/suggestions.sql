{# What suggestions are made of. Each kind of evidence stands once here, with how far it is to be trusted; specs/identity.md explains them. #}
{% macro evidence_kinds() %}
    {{ return({
        'signature': 0.93, 'signatures': 0.97, 'signature with a landline': 0.8, 'named in a message': 0.7, 'contact card': 0.85,
        'reply address': 0.9, 'same name': 0.6, 'same name at the same time': 0.75, 'same name as the customer': 0.6,
        'name in the contact book': 0.6, 'changed number': 0.8, 'Brazilian ninth digit': 0.9, 'Argentine mobile prefix': 0.9,
    }) }}
{% endmacro %}

{# The first part of addresses behind which several people sit, or none. #}
{% macro generic_names() -%}
    'accounts', 'admin', 'bookings', 'contact', 'donotreply', 'do-not-reply', 'enquiries', 'hello', 'help', 'info', 'mail', 'mailer-daemon', 'no-reply',
    'noreply', 'office', 'orders', 'postmaster', 'reception', 'sales', 'service', 'support', 'team', 'webmaster'
{%- endmacro %}

{% macro is_generic_address(identity) -%}
    (split_part({{ identity }}, ':', 1) = 'email' and split_part(split_part({{ identity }}, ':', 2), '@', 1) in ({{ generic_names() }}))
{%- endmacro %}

{# A name to compare by: lower case, one space between words. Null where it is one word or none: too many people share those. #}
{% macro comparable_name(name) -%}
    case when trim({{ name }}) ~ '\S\s+\S' then lower(regexp_replace(trim({{ name }}), '\s+', ' ', 'g')) end
{%- endmacro %}

{# Whether two names have no word in common; null where one of them is not known. #}
{% macro names_differ(one, other) -%}
    not (regexp_split_to_array(lower(trim({{ one }})), '[\s.,-]+') && regexp_split_to_array(lower(trim({{ other }})), '[\s.,-]+'))
{%- endmacro %}

{# An identity as people write it. #}
{% macro spoken(identity) -%}
    case
        when {{ identity }} ~ '^phone:\+614[0-9]{8}$' then regexp_replace({{ identity }}, '^phone:\+61(...)(...)(...)$', '0\1 \2 \3')
        else regexp_replace({{ identity }}, '^[^:]*:', '')
    end
{%- endmacro %}

{# The day in CRM_TIMEZONE, which whoever looks for evidence says first (warehouse/queries/suggestions.sql). #}
{% macro spoken_day(moment) -%}
    to_char({{ moment }} at time zone coalesce(nullif(current_setting('crm.timezone', true), ''), 'UTC'), 'FMDD FMMonth YYYY')
{%- endmacro %}

{# Numbers in a text in their one form: Australian spellings, and others with their country code. #}
{% macro phones_in(text) -%}
    (
        select distinct 'phone:' || canonical.phone_number(regexp_replace(found[1], '[^+0-9]', '', 'g'), 'AU') as mentioned
        from regexp_matches({{ text }}, '(?:^|[^\d+])((?:\+\d|\(?0[2-478]|61 ?[2-478])[\d \t().-]{6,18}\d)(?!\d)', 'g') as found
        where canonical.phone_number(regexp_replace(found[1], '[^+0-9]', '', 'g'), 'AU') is not null
    )
{%- endmacro %}

{% macro mail_addresses_in(text) -%}
    (
        select distinct 'email:' || canonical.mail_address(found[1]) as mentioned
        from regexp_matches({{ text }}, '([[:alnum:]][[:alnum:]._%+-]{0,63}@[[:alnum:]][[:alnum:].-]{0,200}\.[[:alpha:]]{2,24})', 'g') as found
    )
{%- endmacro %}
