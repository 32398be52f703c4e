-- Finding messages. What can be found of one, and how it is cut into words, is said in migration 0080 and in dbt_project/macros/search.sql; here
-- is how few rows of it are read. Two ways lead to the newest that match: to collect all that match by the index of words, or to walk back
-- through time and keep what matches. The first is quick for rare words, the second for common ones (docs/decisions.md).

-- without_scans --
-- No statement of this transaction walks a whole table, whatever the planner thinks of a small one; and each is planned for the words that it is about: a plan
-- kept for any words would walk for rare ones.
select set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)

-- matches --
-- Whether a document is meant: by its words, or as one of the messages that an operator means by name, with all else that is asked for; without
-- those that one leaves out; and with its phrases.
(
    words @@ %(words)s::tsquery
    or (message_id = any(%(named)s::text[]) and words @@ %(words_of_named)s::tsquery)
)
and (cardinality(%(not_named)s::text[]) = 0 or message_id <> all(%(not_named)s::text[]))
and
--> search.phrases

-- phrases --
-- Whether every phrase stands in a `text` as it is, and none of the others does.
(cardinality(%(phrases)s::text[]) = 0 or not exists (select from unnest(%(phrases)s::text[]) as phrase where strpos(text, phrase) = 0))
and (cardinality(%(without)s::text[]) = 0 or not exists (select from unnest(%(without)s::text[]) as phrase where strpos(text, phrase) > 0))

-- estimate --
select matching, within, altogether from canonical.search_estimate(%(words)s::tsquery, %(since)s, %(before)s)

-- collected --
-- The newest that match, and how many match in all, counted to a limit.
with

matches as materialized (

    select sort_key, message_id
    from canonical.search_documents
    where sort_key >= %(since)s and sort_key < %(before)s and
        --> search.matches

)

select sort_key, message_id, (select count(*) from matches) as matched
from matches
where sort_key < %(behind)s
order by sort_key desc
limit %(page_size)s

-- walked --
-- The newest that match among the newest so many.
select sort_key, message_id
from (
    select sort_key, message_id, text, words
    from canonical.search_documents
    where sort_key >= %(since)s and sort_key < %(behind)s
    order by sort_key desc
    limit %(steps)s
) as newest
where
    --> search.matches
order by sort_key desc
limit %(page_size)s

-- lies_behind --
-- Whether a walk of so many steps left anything out.
select exists (
    select from canonical.search_documents
    where sort_key >= %(since)s and sort_key < %(behind)s
    order by sort_key desc
    offset %(steps)s
) as lies_behind

-- counted_by_words --
-- How many match, counted to a limit, by the index of words.
select count(*) as matched
from (
    select
    from canonical.search_documents
    where sort_key >= %(since)s and sort_key < %(before)s and
        --> search.matches
    limit %(most)s + 1
) as counted

-- counted_by_time --
-- The same among the newest so many.
select count(*) as matched
from (
    select
    from (
        select message_id, text, words
        from canonical.search_documents
        where sort_key >= %(since)s and sort_key < %(before)s
        order by sort_key desc
        limit %(steps)s
    ) as newest
    where
        --> search.matches
    limit %(most)s + 1
) as counted

-- results --
-- What a list of results shows of messages, in the order of the ids. The timeline that a result leads to is that of the counterpart's customer, or of the first customer
-- who takes part; without one it leads to the identity. Each look-up is a limit of its own, so that it stays a look-up and becomes no join of whole tables.
select
    messages.message_id,
    messages.sort_key,
    messages.sent_at,
    messages.channel,
    messages.direction,
    messages.kind,
    messages.status,
    messages.attachments <> '[]' as attachments,
    messages.subject,
    left(coalesce(messages.revised_body, messages.body), %(looked_through)s) as body,
    array(select attachment ->> 'filename' from jsonb_array_elements(messages.attachments) as attachment where attachment ->> 'filename' is not null) as filenames,
    messages.counterpart_identity as identity,
    coalesce(known.display_name, case when messages.direction = 'inbound' then coalesce(messages.from_name, messages.told_name) end) as display_name,
    whose.customer_id,
    customers.name as customer_name
from unnest(%(message_ids)s::text[]) with ordinality as found (message_id, place)
cross join lateral (
    select * from canonical.messages as stored where stored.message_id = found.message_id limit 1
) as messages
left join lateral (
    select identities.display_name from canonical.identities as identities where identities.identity = messages.counterpart_identity limit 1
) as known on true
left join lateral (
    select coalesce(
        (select links.customer_id from canonical.customer_identities as links where links.identity = messages.counterpart_identity limit 1),
        (
            select min(link.customer_id)
            from canonical.message_participants as participants
            cross join lateral (
                select links.customer_id from canonical.customer_identities as links where links.identity = participants.identity limit 1
            ) as link
            where participants.message_id = messages.message_id and participants.is_first and not participants.is_ours
        )
    ) as customer_id
    limit 1
) as whose on true
left join lateral (
    select name from crm.customers where customers.customer_id = whose.customer_id limit 1
) as customers on true
where messages.content_order is not null and messages.removal is distinct from 'unsent'
order by found.place

-- customer_exists --
select exists (select from crm.customers where customer_id = %(customer_id)s) as is_known

-- beside --
-- Of what matches, the next before a position and the next behind it, and how many there are from the newest down to it. All that match are collected: meant for
-- queries that hold one customer's marks, and so no more than one timeline.
with

matches as materialized (

    select sort_key, message_id
    from canonical.search_documents
    where sort_key >= %(since)s and sort_key < %(before)s and
        --> search.matches

)

select
    (select message_id from matches where sort_key < %(position)s order by sort_key desc limit 1) as older,
    (select message_id from matches where sort_key > %(position)s order by sort_key limit 1) as newer,
    (select count(*) from matches where sort_key >= %(position)s) as place,
    (select count(*) from matches) as matched
