-- commonest_words --
-- How many messages hold each word, of those that are asked for.
select word, ndoc from ts_stat('select words from canonical.search_documents') as words (word, ndoc, nentry)
where word like 'word%%' order by ndoc desc, word

-- by_ilike --
select message_id from canonical.messages
where body ilike %(pattern)s and content_order is not null
order by sort_key desc limit 50

-- by_to_tsvector --
select message_id from canonical.messages
where to_tsvector('simple', body) @@ plainto_tsquery('simple', %(typed)s) and content_order is not null
order by sort_key desc limit 50

-- sizes --
select
    pg_relation_size('canonical.search_documents_words') as words,
    pg_total_relation_size('canonical.search_documents') as documents,
    pg_total_relation_size('canonical.messages') as messages

-- document_times --
select count(array_to_tsvector(canonical.search_words(canonical.search_text(body)))) from (
    select body from canonical.messages where body is not null limit 20000
) as texts
