-- Grain: one row per message whose words this fold changes, and per one that is found no longer. A working table.
{{ config(materialized='table', meta={'working': true}) }}
-- A status or a reaction changes no word, so most touched messages end here: their document stands.
select
    messages.message_id,
    messages.is_found,
    messages.sort_key,
    messages.made_of,
    folded.text,
    case when messages.is_found then array_to_tsvector(array_remove(canonical.search_words(folded.text) || messages.marks, null)) end as words
from (
    select
        batch.message_id,
        {{ is_found('batch') }} as is_found,
        batch.sort_key,
        {{ search_inputs('batch') }} as made_of,
        {{ searched('batch') }} as searched,
        {{ search_marks('batch') }} as marks
    from {{ ref('batch') }} as batch
    {% if not builds_whole() -%}
    left join {{ stored('search_documents') }} as standing on standing.message_id = batch.message_id
    where case
        when {{ is_found('batch') }} then standing.made_of is distinct from {{ search_inputs('batch') }}
        else standing.message_id is not null
    end
    {%- endif %}
) as messages
cross join lateral (
    select case when messages.is_found then canonical.search_text(coalesce(messages.searched, '')) end as text
    offset 0
) as folded
