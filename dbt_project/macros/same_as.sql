{# What messages told of two identities, one row per telling. #}
{% macro told_pairs(messages) %}
    select
        (pair ->> 'identity') || ' ' || (pair ->> 'same_as') || ' ' || (pair ->> 'how') as pair_id,
        pair ->> 'identity' as identity,
        pair ->> 'same_as' as same_as,
        pair ->> 'how' as how,
        (pair ->> 'at')::timestamptz as first_at,
        (pair ->> 'at')::timestamptz as last_at,
        message_id
    from {{ messages }}
    cross join lateral jsonb_array_elements(same_as) as pair
    where same_as is not null
{% endmacro %}
