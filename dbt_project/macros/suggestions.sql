{# What suggestions are made of. Each kind of evidence stands once here: where it comes from, because of one source only the best sign counts;
   how far it is trusted alone; and how far beside a sign that is no name. What is weighed twice is a name: alone it is borne by others too, and a number or
   an address alone is named for others too; both together hardly ever mislead. specs/identity.md explains them. #}
{% macro evidence_kinds() %}
    {{ return({
        'signatures at the same time': ['signature', 0.95, 0.95], 'signatures': ['signature', 0.95, 0.95], 'signature': ['signature', 0.9, 0.9],
        'same number in signatures': ['signature', 0.8, 0.8], 'signature with a landline': ['signature', 0.8, 0.8],
        'signature of another time': ['signature', 0.7, 0.7], 'named in a mail': ['signature', 0.5, 0.5],
        'named in a message': ['message', 0.7, 0.7],
        'contact card': ['card', 0.93, 0.93], 'own contact card': ['card', 0.93, 0.93], 'name on a contact card': ['card', 0.6, 0.96],
        'reply address': ['reply', 0.9, 0.9],
        'changed number': ['number', 0.85, 0.85], 'Brazilian ninth digit': ['number', 0.9, 0.9], 'Argentine mobile prefix': ['number', 0.9, 0.9],
        'same rare name at the same time': ['name', 0.98, 0.99], 'same rare name': ['name', 0.75, 0.96],
        'same name at the same time': ['name', 0.75, 0.96], 'same name': ['name', 0.6, 0.96], 'same name as the customer': ['name', 0.6, 0.96],
        'a name that several bear': ['name', 0.2, 0.96], 'name in the contact book': ['name', 0.6, 0.96],
    }) }}
{% endmacro %}

{# The kinds of evidence as rows: kind, source, alone, beside. #}
{% macro evidence_table() -%}
    (values
        {% for kind, (source, alone, beside) in evidence_kinds().items() -%}
        ('{{ kind }}', '{{ source }}', {{ alone }}::float8, {{ beside }}::float8){{ ',' if not loop.last }}
        {% endfor %}
    ) as trusted (kind, source, alone, beside)
{%- endmacro %}

{# So many numbers and addresses of one card are taken, and so many addresses sign with one number before it is nobody's. What is compared with each
   other is bounded, or one sender could have everything else wait. #}
{% macro most_on_a_card() %}20{% endmacro %}
{% macro most_addresses_of_one() %}20{% endmacro %}

{# The first part of addresses behind which several people sit, or none. #}
{% macro generic_names() -%}
    'accounts', 'admin', 'bookings', 'contact', 'donotreply', 'do-not-reply', 'enquiries', 'hello', 'help', 'info', 'mail', 'mailer-daemon', 'no-reply',
    'noreply', 'office', 'orders', 'postmaster', 'reception', 'sales', 'service', 'support', 'team', 'webmaster'
{%- endmacro %}

{% macro is_generic_address(identity) -%}
    (split_part({{ identity }}, ':', 1) = 'email' and split_part(split_part({{ identity }}, ':', 2), '@', 1) in ({{ generic_names() }}))
{%- endmacro %}

{# A name as it is compared: case and accents folded, `Tran, Mai` turned round, no signs. #}
{% macro folded_name(name) -%}
    btrim(canonical.search_text(regexp_replace(left({{ name }}, 200), '^([^,]+),([^,]+)$', '\2 \1')))
{%- endmacro %}

{# Of a folded name, whether it is whole: two words or more, of which the first and the last are no initials. Too many people share the others. #}
{% macro is_full_name(folded) -%}
    ({{ folded }} ~ '^\S\S+ (.* )?\S\S+$')
{%- endmacro %}

{# The letters of a word in the order of the alphabet: two that are changed round are the commonest slip. #}
{% macro letters_of(word) -%}
    (select string_agg(letter, '' order by letter) from unnest(string_to_array({{ word }}, null)) as letter)
{%- endmacro %}

{# Whether two folded names cannot be one person's; null where one of them is not known. Each word of the shorter one must be a word of the other,
   its beginning (`Sam` and `Samuel`, `M`), or nearly it (`Jonathon`, `Oilver`). #}
{% macro names_differ(one, other) -%}
    (
        select bool_or(not exists (
            select from unnest(words.longer) as word
            where starts_with(word, short) or starts_with(short, word)
                or (length(short) > 3 and (similarity(word, short) >= 0.4 or {{ letters_of('word') }} = {{ letters_of('short') }}))
        ))
        from (
            select
                case when cardinality(a) <= cardinality(b) then a else b end as shorter,
                case when cardinality(a) <= cardinality(b) then b else a end as longer
            from (select string_to_array(nullif({{ one }}, ''), ' ') as a, string_to_array(nullif({{ other }}, ''), ' ') as b) as split
            where a is not null and b is not null
        ) as words
        cross join lateral unnest(words.shorter) as short
    )
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
