{# How the models take in what is new.

   A fold takes a batch: the raw rows of all transactions that finished since the last one. Its new copies stand in `new_copies`, the
   messages that it touches in `batch`, as they are now and as they were; a few more working tables say which threads and identities must be
   counted. Then each incremental model forgets the rows of those keys and puts them anew. Nothing else is read: no statement walks a
   whole table.

   dbt runs these models, and the resident process (transform/) runs the very statements that dbt compiled from them, with the working tables
   as temporary tables of its session. A full refresh builds everything whole, and leaves the working tables empty. #}

{# Which fold state these models work with: a rebuild beside the serving tables has one of its own. #}
{% macro build_name() -%} {{ env_var('CRM_DBT_BUILD', '') or 'live' }} {%- endmacro %}

{# A table by its name alone, for what a model reads of tables that depend on it. #}
{% macro stored(table) -%} {{ api.Relation.create(database=target.database, schema=generate_schema_name('canonical', none) | trim, identifier=table) }} {%- endmacro %}

{# Whether everything is built whole, and not what is new taken into what stands. #}
{% macro builds_whole() %} {{ return(not execute or flags.FULL_REFRESH) }} {% endmacro %}

{# The rows of transactions that the last fold did not see and this one does. A transaction that the last snapshot did not see was either
   in progress then, or began later. The functions are stable, so both are bounds of an index scan; what is beyond the target's end
   is of the future, or of another cluster. #}
{% macro is_new(transaction_id='transaction_id') -%}
    (
        {{ transaction_id }} >= canonical.folded_until('{{ build_name() | trim }}') and {{ transaction_id }} < canonical.folding_until('{{ build_name() | trim }}')
        or {{ transaction_id }} = any (canonical.folded_without('{{ build_name() | trim }}'))
    )
    and pg_visible_in_snapshot({{ transaction_id }}, (select target from canonical.fold_state where build = '{{ build_name() | trim }}'))
{%- endmacro %}

{# All rows up to the target of a build; also those that a restored dump brought with transaction ids of another cluster. #}
{% macro is_within_target(transaction_id='transaction_id') -%}
    (
        pg_visible_in_snapshot({{ transaction_id }}, (select target from canonical.fold_state where build = '{{ build_name() | trim }}'))
        or {{ transaction_id }} >= (select restored_from from canonical.fold_state where build = '{{ build_name() | trim }}')
        and {{ transaction_id }} <= (select restored_until from canonical.fold_state where build = '{{ build_name() | trim }}')
    )
{%- endmacro %}

{# The number of the fold under way, which stands in the rows that it writes. #}
{% macro fold_number() -%} (select fold from canonical.fold_state where build = '{{ build_name() | trim }}') {%- endmacro %}

{# dbt's strategy for the models above: the keys that a working table names are forgotten, all rows of the model put. The resident process
   does the same (transform/statements.py). config: forget = the working table, forget_key = the column. #}
{% macro get_incremental_forget_and_put_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict['target_relation'] }} where {{ config.require('meta')['forget_key'] }} in (
        select {{ config.require('meta')['forget_key'] }} from {{ stored(config.require('meta')['forget']) }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }}) select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{# How a message stood before this fold, as far as counts hang on it; nulls where it stood nowhere. #}
{% macro former_columns(stored) %}
    {% for column, type in [('sort_key', 'text'), ('sent_at', 'timestamptz'), ('thread_key', 'text'), ('direction', 'text'), ('counterpart_identity', 'text')] -%}
    {% if stored -%}
    case when {{ stored }}.content_order is not null then {{ stored }}.{{ column }} end as former_{{ column }}
    {%- else -%}
    null::{{ type }} as former_{{ column }}
    {%- endif %}{{ ',' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# The messages that this fold has to do with: the batch, or all of them. Use in models behind messages. #}
{% macro folded_now() -%}
    {#- Both are named, because dbt learns of what a model depends on before it knows which of the two it is. -#}
    {%- set touched, whole = ref('batch'), ref('messages') -%}
    {{ touched if is_incremental() else whole }}
{%- endmacro %}

{# An index that dbt's own list cannot say: with a condition, an expression or included columns. Only where the table is made. #}
{% macro index_of(name, definition) -%}
    {% raw %}{% if not is_incremental() %}{% endraw %}create index if not exists {{ name }} on {% raw %}{{ this }}{% endraw %} {{ definition }}{% raw %}{% endif %}{% endraw %}
{%- endmacro %}

{# Every channel that has staging models. #}
{% macro channels() %}
    {% set found = [] %}
    {% if execute %}
    {% for model in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | sort(attribute='name')
        if model.name.startswith('stg_') and model.name[4:].split('__')[0] not in found %}
        {% do found.append(model.name[4:].split('__')[0]) %}
    {% endfor %}
    {% endif %}
    {{ return(found or ['none']) }}
{% endmacro %}
