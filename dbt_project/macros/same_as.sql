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

{# The ways of telling that count by themselves; the others are suggestions. #}
{% macro ways_that_count() -%} 'seen together', 'changed user id' {%- endmacro %}

{# Which of several tellings counts. #}
{% macro latest_first() -%} how = 'seen together' desc, last_at desc, same_as collate "C" {%- endmacro %}

{# The telling that counts of one identity, by the index: a fold must not read all of them. #}
{% macro latest_of(identity) -%}
    cross join lateral (
        select told.same_as from {{ ref('same_as') }} as told
        where told.identity = {{ identity }} and told.how in ({{ ways_that_count() }})
        order by {{ latest_first() }}
        limit 1
    ) as latest
{%- endmacro %}

{# An alias leads on from id to id, at most so often. #}
{% macro most_steps_of_an_alias() -%} 8 {%- endmacro %}
