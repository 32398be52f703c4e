-- Grain: one row per message that can be found: its words. What is unsent has none.
{{ config(
    meta={'forget': 'new_documents', 'forget_key': 'message_id'},
    indexes=[{'columns': ['message_id'], 'unique': true}, {'columns': ['sort_key']}],
    post_hook=[
        index_of("search_documents_words", "using gin (words)"),
        "{% if not is_incremental() %}analyze {{ this }}{% endif %}",
    ],
) }}
-- depends_on: {{ ref('new_documents') }}
{% if is_incremental() %}
select message_id, sort_key, made_of, text, words
from {{ ref('new_documents') }}
where is_found
{% else %}
select
    messages.message_id,
    messages.sort_key,
    {{ search_inputs('messages') }} as made_of,
    folded.text,
    array_to_tsvector(array_remove(canonical.search_words(folded.text) || {{ search_marks('messages') }}, null)) as words
from {{ ref('messages') }} as messages
cross join lateral (
    select canonical.search_text(coalesce({{ searched('messages') }}, '')) as text
    offset 0
) as folded
where {{ is_found('messages') }}
{% endif %}
