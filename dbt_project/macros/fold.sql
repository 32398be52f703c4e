{# The fold: copies and already folded rows of the same messages in, one row per message out.

   `partials` names a relation with partial_columns(). Every column is a minimum, a maximum or a union over a total
   order, so the result does not depend on order, on repetition, or on what was folded before:
   fold(a ∪ b) = fold(fold(a) ∪ b). The incremental table and the live tail both call this and nothing else.
#}
{% macro fold(partials) %}
    select
        folded.*,
        nullif(split_part(status_order, '|', 3), '') as status,
        shown.provider_metadata,
        shown.seen_via,
        shown.reactions,
        shown.revision
    from (
        select distinct on (message_id)
            message_id,
            channel,
            provider_message_id,
            content_order,
            {% for column in content_columns() -%}
            {{ column }},
            {% endfor -%}
            -- A provider's time beats our receipt even where our clock runs behind.
            coalesce(
                min(sent_at) filter (where not sent_at_is_receipt) over copies, min(sent_at) over copies
            ) as sent_at,
            bool_and(sent_at_is_receipt) over copies as sent_at_is_receipt,
            min(received_at) over copies as received_at,
            max(status_order collate "C") over copies as status_order,
            bool_or(is_deleted) over copies as is_deleted,
            canonical.merge_objects(facts) over copies as facts
        from {{ partials }}
        window copies as (
            partition by message_id
            order by content_order collate "C" desc nulls last
            rows between unbounded preceding and unbounded following
        )
        order by message_id, content_order collate "C" desc nulls last
    ) as folded
    cross join lateral (
        select
            canonical.merge_objects(value -> 'metadata' order by value ->> 'version' collate "C" nulls first, key collate "C")
                as provider_metadata,
            array_agg(distinct value ->> 'via') as seen_via,
            coalesce(
                jsonb_agg(value -> 'reaction' order by value ->> 'version' collate "C", key collate "C")
                    filter (where value ? 'reaction'),
                '[]'
            ) as reactions,
            (count(*) filter (where value ? 'revision'))::integer as revision
        from jsonb_each(folded.facts)
    ) as shown
{% endmacro %}

{# The columns that fold() gives, for explicit lists. #}
{% macro folded_columns() %}
    {{ return(partial_columns() + ['status', 'provider_metadata', 'seen_via', 'reactions', 'revision']) }}
{% endmacro %}
