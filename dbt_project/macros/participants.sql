{# The participants of folded messages, one row per message, identity and role. `is_first` marks one row per message
   and identity, so that a person named in To and in Cc has the message once in the timeline. Of an address that is ours in one place and not in another
   (our mailbox sent it as theirs) the one that is not counts, or nobody would find the message. #}
{% macro participants_of(messages) %}
    select
        message_id,
        person ->> 'identity' as identity,
        person ->> 'role' as role,
        (person ->> 'is_ours')::boolean as is_ours,
        coalesce(person ->> 'name', case when person ->> 'role' = 'from' then told_name end) as display_name,
        sent_at,
        sort_key,
        row_number() over (partition by message_id, person ->> 'identity' order by (person ->> 'is_ours')::boolean, position) = 1 as is_first
    from {{ messages }}
    cross join lateral jsonb_array_elements(participants) with ordinality as listed (person, position)
    where content_order is not null and person ->> 'identity' is not null
{% endmacro %}

{# One of the contract's participants. is_ours: an expression that is true or false. #}
{% macro person(identity, role, is_ours, name, address) -%}
    {{ object_of_texts([('identity', identity), ('role', "'" ~ role ~ "'"), ('name', name), ('address', address)]) }}
    || case {{ is_ours }} when true then jsonb '{"is_ours": true}' when false then jsonb '{"is_ours": false}' else jsonb '{"is_ours": null}' end
{%- endmacro %}

{# Whom nobody can tell, of one message: an identity of that message alone. #}
{% macro nobody(message_id) -%} 'unknown:' || {{ message_id }} {%- endmacro %}
