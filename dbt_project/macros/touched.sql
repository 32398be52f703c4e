{# What a refresh must count anew: wherever a message that it folded stands, and wherever such a message stood before. #}

{# [{thread, participants}] of the stored row where the folded one stands elsewhere. What an unfinished refresh left stays in it. #}
{% macro left_behind(stored, folded) -%}
    nullif(
        case when {{ stored }}.folded_for > canonical.processed_horizon() then coalesce({{ stored }}.left_behind, '[]') else '[]' end
        || case
            when {{ stored }}.content_order is not null and (
                {{ folded }}.content_order is null
                or {{ folded }}.thread_key is distinct from {{ stored }}.thread_key
                or {{ folded }}.participants is distinct from {{ stored }}.participants
            ) then jsonb_build_array(jsonb_build_object('thread', {{ stored }}.thread_key, 'participants', {{ stored }}.participants))
            else '[]'
        end,
        '[]'
    )
{%- endmacro %}

{% macro touched_threads() -%}
    select channel, thread_key
    from {{ ref('messages') }}
    where folded_for = canonical.target_horizon() and thread_key is not null

    union

    select channel, place ->> 'thread'
    from {{ ref('messages') }}
    cross join lateral jsonb_array_elements(left_behind) as place
    where folded_for = canonical.target_horizon() and left_behind is not null
{%- endmacro %}

{% macro touched_identities() -%}
    select participants.identity
    from {{ ref('message_participants') }} as participants
    inner join {{ ref('messages') }} as messages using (message_id)
    where messages.folded_for = canonical.target_horizon()

    union

    select person ->> 'identity'
    from {{ ref('messages') }}
    cross join lateral jsonb_array_elements(left_behind) as place
    cross join lateral jsonb_array_elements(place -> 'participants') as person
    where folded_for = canonical.target_horizon() and left_behind is not null and person ->> 'identity' is not null
{%- endmacro %}

{# For a model that counts: what is touched goes first, in the model's own transaction, because nothing may be left of it. #}
{% macro forget_touched(columns, touched) -%}
    {% if is_incremental() %}delete from {{ this }} where ({{ columns }}) in ({{ touched }}){% endif %}
{%- endmacro %}
