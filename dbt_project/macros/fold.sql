{# The fold: copies and already folded rows of the same messages in, one row per message out.

   Every register is a minimum, a maximum or a union over a total order, so the result does not depend on order, on
   repetition, or on what was folded before: fold(a ∪ b) = fold(fold(a) ∪ b). What depends on several copies is computed from
   the union of their facts and from nothing else.

   `partials` names a relation with partial_columns(), filed under the messages they belong to (macro partials_of). of_copies: each of its rows
   is one copy and none is a message that stands, so that the facts of a message with one copy are one. #}
{% macro fold(partials, of_copies=false) %}
    {%- set is_shown = "(call is null and folded.content_order is not null or (call ->> 'is_known')::boolean)" %}
    select
        message_id,
        channel,
        provider_message_id,
        case when call is null then content_order when (call ->> 'is_known')::boolean then '1' end as content_order,
        -- A call is computed whole from its parts, whichever came first.
        {% for column in content_columns() -%}
        {% if column == 'body' -%}
        case when call is not null then call ->> 'body' when is_completed then told.file_body else folded.body end as body,
        {% elif column == 'counterpart_identity' -%}
        -- An identity collates as identities do elsewhere, not as the id that stands in for one: otherwise no index serves the join to it.
        coalesce(
            case when call is null then folded.counterpart_identity else call ->> 'counterpart_identity' end,
            case when {{ is_shown }} then {{ nobody('folded.message_id') }} end
        ) collate "default" as counterpart_identity,
        {% elif column in ('connection_id', 'direction', 'from_address', 'from_name', 'thread_key', 'kind') -%}
        case when call is null then folded.{{ column }} else call ->> '{{ column }}' end as {{ column }},
        {% elif column == 'attachments' -%}
        case when call is not null then call -> 'attachments' when is_completed then files else folded.attachments end as attachments,
        {% elif column == 'participants' -%}
        {% set people = "case when call is null then folded.participants else call -> 'participants' end" -%}
        case
            -- Where nobody outside can be told, somebody stands for this one message, so that it is found.
            when {{ is_shown }} and not coalesce({{ people }} @? '$[*] ? (@.is_ours == false && @.identity != null)', false)
                then coalesce({{ people }}, '[]') || jsonb_build_array(jsonb_build_object(
                    'identity', {{ nobody('folded.message_id') }}, 'is_ours', false, 'name', null, 'address', null,
                    'role', case when coalesce(call ->> 'direction', folded.direction) = 'outbound' then 'to' else 'from' end
                ))
            else {{ people }}
        end as participants,
        {% elif column == 'to_addresses' -%}
        case when call is null then folded.to_addresses else array(select jsonb_array_elements_text(call -> 'to_addresses')) end
            as to_addresses,
        {% else -%}
        folded.{{ column }},
        {% endif -%}
        {% endfor -%}
        case when call is null then sent_at else coalesce((call ->> 'happened_at')::timestamptz, received_at) end as sent_at,
        case when call is null then sent_at_is_receipt else call -> 'happened_at' = 'null' end as sent_at_is_receipt,
        received_at,
        landed,
        status_order,
        is_deleted,
        facts,
        moved_to,
        case
            when call is not null and not is_deleted then call ->> 'status'
            -- Who else it was sent to has it, as far as anybody knows.
            when split_part(status_order, '|', 3) = 'failed' and (undelivered ->> 'is_partial')::boolean then 'sent'
            else {{ status_word('status_order', 'folded.direction', 'folded.kind') }}
        end as status,
        case
            when call is not null then coalesce(provider_metadata, '{}') || jsonb_build_object('call', call -> 'call')
            when undelivered is not null then coalesce(provider_metadata, '{}') || jsonb_build_object('not_delivered', undelivered -> 'to')
            -- What an edit says became known.
            when revisions is not null and not (revisions ->> 'is_untold')::boolean then provider_metadata - 'edit_untold'
            else provider_metadata
        end as provider_metadata,
        seen_via,
        reactions,
        coalesce(jsonb_array_length(revisions -> 'listed'), 0) as revision,
        revisions ->> 'text' as revised_body,
        removal,
        told_name,
        same_as
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
                {{ told_instant('min(' ~ seekable_instant('sent_at') ~ ') filter (where not sent_at_is_receipt) over copies') }},
                min(sent_at) over copies
            ) as sent_at,
            bool_and(sent_at_is_receipt) over copies as sent_at_is_receipt,
            min(received_at) over copies as received_at,
            min(landed collate "C") over copies as landed,
            max(status_order collate "C") over copies as status_order,
            bool_or(is_deleted) over copies as is_deleted,
            canonical.merge_objects(facts) over copies as facts,
            min(moved_to collate "C") over copies as moved_to,
            {{ 'count(*) over copies = 1' if of_copies else 'false' }} as has_one_copy
        from {{ partials }}
        window copies as (
            partition by message_id
            order by content_order collate "C" desc nulls last
            rows between unbounded preceding and unbounded following
        )
        order by message_id, content_order collate "C" desc nulls last
    ) as folded
    cross join lateral (
        {% if of_copies -%}
        -- What a single fact tells needs no counting. Most messages have one.
        select
            coalesce(fact -> 'metadata', '{}') as provider_metadata,
            case when fact ? 'via' then array[fact ->> 'via'] end as seen_via,
            case when fact ? 'reaction' then jsonb_build_array(fact -> 'reaction') end as told_reactions,
            fact ? 'revision' as is_revised,
            case when fact #>> '{revision,kind}' <> 'edited' then fact #>> '{revision,kind}' end as removal,
            fact ->> 'name' as told_name,
            case when fact ? 'parts' then jsonb_build_array(fact -> 'parts') end as parts,
            case when fact ? 'same_as' then jsonb_build_array(fact -> 'same_as') end as told_same_as,
            case when fact ? 'file' then jsonb_build_array(fact #> '{file,attachments}') end as told_files,
            case when fact ? 'report' then jsonb_build_array(fact -> 'report') end as told_reports,
            fact #>> '{file,body}' as file_body
        from (select jsonb_path_query_first(folded.facts, '$.*') as fact offset 0) as single
        where folded.has_one_copy

        union all

        select several.* from (
        {%- endif %}
        select
            -- The text of the metadata breaks the tie of equal versions: which copy landed first must not.
            canonical.merge_objects(
                value -> 'metadata' order by value ->> 'version' collate "C" nulls first, value ->> 'metadata' collate "C"
            ) as provider_metadata,
            array_agg(distinct value ->> 'via') as seen_via,
            jsonb_agg(value -> 'reaction') filter (where value ? 'reaction') as told_reactions,
            -- Told revisions, or a text that only the history has.
            bool_or(value ? 'revision') or bool_or(value ? 'text') and count(distinct value ->> 'content') > 1 as is_revised,
            -- Both words together: `unsent` comes last in the alphabet, and counts.
            max(value #>> '{revision,kind}' collate "C") filter (where value #>> '{revision,kind}' <> 'edited') as removal,
            max(value ->> 'name' collate "C") as told_name,
            jsonb_agg(value -> 'parts') filter (where value ? 'parts') as parts,
            jsonb_agg(value -> 'same_as') filter (where value ? 'same_as') as told_same_as,
            jsonb_agg(value #> '{file,attachments}') filter (where value ? 'file') as told_files,
            jsonb_agg(value -> 'report') filter (where value ? 'report') as told_reports,
            max(value #>> '{file,body}' collate "C") as file_body
        from jsonb_each(folded.facts)
        {% if of_copies -%}
        offset 0
        ) as several
        where not folded.has_one_copy
        {%- endif %}
    ) as told
    cross join lateral (
        -- offset 0: computed once, although many columns read it.
        select
            canonical.call_of(told.parts, folded.provider_message_id) as call,
            case when told.is_revised then canonical.revisions_of(folded.facts) end as revisions,
            -- Files that came apart from their message: without who wrote it, so they cannot stand for the whole. All of them count, a
            -- recording before its transcript.
            coalesce(jsonb_path_query_array(told.told_files, '$[*][*]') @> folded.attachments, false) as is_completed,
            case when told.told_files is not null then (
                select coalesce(jsonb_agg(file order by file ->> 'content_type' collate "C" desc nulls last, file ->> 'attachment_id' collate "C"), '[]')
                from (
                    select distinct on (file ->> 'attachment_id') file from jsonb_path_query(told.told_files, '$[*][*]') as file
                    order by file ->> 'attachment_id', file::text collate "C"
                ) as each
            ) end as files,
            coalesce({{ standing_reactions('told.told_reactions') }}, '[]') as reactions,
            {{ undelivered('told.told_reports', 'folded.to_addresses') }} as undelivered,
            case when told.told_same_as is not null then (
                select jsonb_agg(distinct pair) from jsonb_array_elements(told.told_same_as) as pairs cross join jsonb_array_elements(pairs) as pair
            ) end as same_as
        offset 0
    ) as shown
{% endmacro %}

{# Of each person the latest reaction, where it stands: added and not taken back. At equal times taking back counts. #}
{% macro standing_reactions(told) -%}
    case when {{ told }} is not null then (
        select
            jsonb_agg(
                jsonb_build_object('emoji', reaction -> 'emoji', 'by', reaction -> 'by', 'is_ours', reaction -> 'is_ours', 'at', reaction -> 'at')
                order by reaction ->> 'at' collate "C", reaction ->> 'by' collate "C"
            )
        from (
            select distinct on (reaction ->> 'by') reaction
            from jsonb_array_elements({{ told }}) as reaction
            order by
                reaction ->> 'by',
                reaction ->> 'at' collate "C" desc,
                reaction ->> 'action' collate "C" desc,
                reaction ->> 'emoji' collate "C" desc
        ) as latest
        where reaction ->> 'action' = 'react'
    ) end
{%- endmacro %}

{# The columns that fold() gives, for explicit lists. #}
{% macro folded_columns() %}
    {{ return(partial_columns() + [
        'status', 'provider_metadata', 'seen_via', 'reactions', 'revision', 'revised_body', 'removal', 'told_name', 'same_as'
    ]) }}
{% endmacro %}

{# A message that is folded, with its sort key. `from_partials` is a relation or CTE with partial_columns(); of_copies: see fold. #}
{% macro folded_rows(from_partials, of_copies=false) %}
    select
        {% for column in folded_columns() -%}
        folded.{{ column }},
        {% endfor -%}
        ({{ sort_key('folded') }}) collate "C" as sort_key
    from ({{ fold(from_partials, of_copies) }}) as folded
{% endmacro %}

{# CTEs that end in `partials`: what is to be folded, new copies and the stored rows that they touch, each filed under the
   message it belongs to.

   A copy with moved_to says that one message id is only a part of another. Whatever else came under the first, before or after,
   goes to the second, and on from there: the second leg of a call, a leg of that leg, and the recordings of both end in
   the call. The row of the first stays, empty, and remembers the move. Depth is bounded, so that a forged circle ends.

   `copies` names a CTE of new copies, `stored` the incremental table, or nothing where everything is built anew. #}
{% macro partials_of(copies, stored=none) %}
moves as materialized (

    select message_id, min(moved_to collate "C") as moved_to
    from (
        select message_id, moved_to from {{ copies }} where moved_to is not null
        {% if stored -%}
        union all
        select message_id, moved_to from {{ stored }}
        where moved_to is not null and message_id in (select message_id from {{ copies }})
        {%- endif %}
    ) as known
    group by message_id

),

walk as materialized (

    with recursive steps as (

        select message_id as start, moved_to as reached, 1 as depth from moves

        union all

        select steps.start, {{ 'least(moves.moved_to collate "C", held.moved_to collate "C")' if stored else 'moves.moved_to' }}, steps.depth + 1
        from steps
        left join moves on moves.message_id = steps.reached
        {% if stored -%}
        left join {{ stored }} as held on held.message_id = steps.reached and held.moved_to is not null
        {%- endif %}
        where {{ '(moves.moved_to is not null or held.moved_to is not null)' if stored else 'moves.moved_to is not null' }}
            and steps.depth < 8

    )

    select distinct on (start) start, reached as root from steps order by start, depth desc

),

partials as (

    {{ filed_under_root(copies) }}

    {% if stored -%}
    union all

    {{ filed_under_root(stored) }}
    where {{ stored }}.message_id in (select message_id from {{ copies }} union select root from walk)
    {%- endif %}

)
{% endmacro %}

{# The rows of a relation, each under the id that `walk` leads to; a row that is a move itself stays where it is. #}
{% macro filed_under_root(relation) -%}
    select
        {% for column in partial_columns() -%}
        {% if column == 'message_id' -%}
        coalesce(walk.root, {{ relation }}.message_id) as message_id
        {%- elif column == 'provider_message_id' -%}
        coalesce(split_part(walk.root, '|', 2), {{ relation }}.provider_message_id) as provider_message_id
        {%- else -%}
        {{ relation }}.{{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ relation }}
    left join walk on walk.start = {{ relation }}.message_id and {{ relation }}.moved_to is null
{%- endmacro %}

{# All messages of every third channel, folded from all of their copies: a full refresh builds canonical.messages in three parts side by side,
   so that more than one core works. Nothing that a fold unites crosses a channel. #}
{% macro whole_messages(part) %}
{{ config(materialized='table', unlogged=true) }}
with

copies as not materialized (

    select * from {{ ref('kept_copies') }}
    where {{ is_within_target() if builds_whole() else 'false' }}
        and channel in ('{{ channels()[part - 1::3] | join("', '") }}')

),

{{ whole_fold() }}
{% endmacro %}

{# CTEs behind `copies`, and the select: every message that they make. #}
{% macro whole_fold() %}
{{ partials_of('copies') }}

select
    {% for column in folded_columns() -%}
    folded.{{ column }},
    {% endfor -%}
    folded.sort_key,
    {{ fold_number() }} as folded_in
from ({{ folded_rows('partials', of_copies=true) }}) as folded
{% endmacro %}

{# The parts, emptied once the whole has them. #}
{% macro empty_whole() -%}
    {% raw %}{% if flags.FULL_REFRESH %}truncate {% for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') if node.name.startswith('whole_') %}{{ '' if loop.first else ', ' }}"{{ node.schema }}"."{{ node.alias }}"{% endfor %}{% endif %}{% endraw %}
{%- endmacro %}
