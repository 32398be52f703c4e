{# The live tail as two functions. Inlined as views they cost every reader a plan over every door of every channel, a tenth of a second;
   as functions their plans are made once a session, and a door through which nothing came is not opened at all.

   Their settings belong to them: a plan made while the tail is long must not be kept for the day, so the index is the only way in. #}
{% macro tail_settings() -%}
language plpgsql stable security definer
set search_path = pg_catalog
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
{%- endmacro %}

{% macro folded_type(column) -%}
    {{ {'provider_metadata': 'jsonb', 'seen_via': 'text[]', 'reactions': 'jsonb', 'revision': 'integer', 'same_as': 'jsonb'}.get(column, column_type(column)) }}
{%- endmacro %}

{# Their names hold a hash of what they return: a function whose columns change cannot be replaced, and dropping it would take the views
   with it. What an older version leaves behind is called by nobody. #}
{% macro fresh_copies() -%} fresh_copies_{{ local_md5(copy_columns() | join(' '))[:8] }} {%- endmacro %}
{% macro fold_tail() -%} fold_tail_{{ local_md5(folded_columns() | join(' '))[:8] }} {%- endmacro %}

{# canonical.fresh_copies_…(since, until): the copies of message_copies that transactions from `since` on, and before `until` if it is given,
   have written. The doors are the staging models that end in `_copies`; a convention test holds them equal to message_copies. #}
{% macro create_fresh_copies() %}
{# The graph is there only when the models are made, not when they are parsed. #}
{% if execute %}
create or replace function {{ target.database }}.canonical.{{ fresh_copies() }}(since xid8, until xid8) returns table (
    {% for column in copy_columns() %}{{ column }} {{ column_type(column) }}{{ ', ' if not loop.last }}{% endfor %}
)
{{ tail_settings() }} as $tail$
#variable_conflict use_column
declare
    ending xid8 := coalesce(until, '18446744073709551615');
begin
    {% for model in graph.nodes.values() | sort(attribute='name') if model.name.startswith('stg_') and model.name.endswith('_copies') -%}
    {% set channel = model.name[4:].split('__')[0] -%}
    if {% if model.name.endswith('__webhook_copies') -%}
        exists (
            select 1 from raw.webhook_deliveries as fresh
            where fresh.transaction_id >= since and fresh.transaction_id < ending and fresh.channel = '{{ channel }}'
        )
    {%- else -%}
        {% for table in graph.sources.values() | sort(attribute='name') if table.source_name == 'raw_' ~ channel -%}
        {{ 'or ' if not loop.first }}exists (
            select 1 from {{ table.schema }}.{{ table.identifier }} as fresh where fresh.transaction_id >= since and fresh.transaction_id < ending
        )
        {% endfor %}
    {%- endif %}
    then
        return query select {{ copy_columns() | join(', ') }} from {{ model.schema }}.{{ model.alias }} as copies
            where copies.transaction_id >= since and copies.transaction_id < ending;
    end if;
    {% endfor %}
end $tail$;
revoke execute on function {{ target.database }}.canonical.{{ fresh_copies() }}(xid8, xid8) from public;
{% endif %}
{% endmacro %}

{# canonical.fold_tail_…(): the fold over the copies that the incremental table has not taken in and the stored rows of the same messages. #}
{% macro create_fold_tail(messages) %}
create or replace function {{ target.database }}.canonical.{{ fold_tail() }}() returns table (
    {% for column in folded_columns() %}{{ column }} {{ folded_type(column) }}{{ ', ' if not loop.last }}{% endfor %}
)
{{ tail_settings() }} rows 50 as $tail$
#variable_conflict use_column
begin
    return query
    with

    copies as materialized (

        select * from canonical.{{ fresh_copies() }}(canonical.processed_horizon(), null)

    ),

    stored as not materialized (

        select * from {{ messages }}

    ),

    {{ partials_of('copies', 'stored') }},

    folded as (

        {{ fold('partials') }}

    )

    select {{ folded_columns() | join(', ') }} from folded;
end $tail$;
revoke execute on function {{ target.database }}.canonical.{{ fold_tail() }}() from public;
grant execute on function {{ target.database }}.canonical.{{ fold_tail() }}() to crm_app, crm_analyst, crm_loader;
{% endmacro %}
