-- make_words --
-- Texts in which words are as common as in a natural language (the n-th as often as the first divided by n), in place of the seven of benchmarks/storing.sql.
create function bench.words(n bigint) returns text
language sql immutable parallel safe as $$
    select string_agg('word' || floor(power(50000, (abs(hashint8extended(n, place)) / 9223372036854775807.0))), ' ')
    from generate_series(1, 6 + mod(abs(hashint8(n)), 19)) as places (place)
$$

-- keep_plain --
alter function bench.correspondence(bigint, bigint, bigint, bigint, bigint, double precision, bigint) rename to plain_correspondence

-- make_correspondence --
create function bench.correspondence(
    first bigint, last bigint, customers bigint, busy_every bigint, busy_last bigint, seconds_apart double precision, behind bigint
) returns table (
    n bigint, customer bigint, phone text, email text, kind text, sent_at timestamptz, sid text, body text
)
language sql stable as $$
    select n, customer, phone, email, kind, sent_at, sid, bench.words(n)
    from bench.plain_correspondence(first, last, customers, busy_every, busy_last, seconds_apart, behind)
$$

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
