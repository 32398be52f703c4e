-- Grain: one row per outside identity, with the words of what it is called: what finds people by a part of either.
{{ config(
    meta={'forget': 'new_people', 'forget_key': 'identity'},
    indexes=[{'columns': ['identity'], 'unique': true}],
    post_hook=[index_of("search_people_parts", "using gin (identity gin_trgm_ops, name gin_trgm_ops)")],
) }}
-- depends_on: {{ ref('new_people') }}
{% if is_incremental() %}
select identity, name from {{ ref('new_people') }} where is_found
{% else %}
select identity, canonical.search_text(coalesce(display_name, '')) as name from {{ ref('identities') }}
{% endif %}
