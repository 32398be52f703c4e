-- Finding notes of ours by their words (warehouse/note_search.py). What can be found of a note is the expression of an index (migration 0147).

-- found --
-- A page of the newest notes that match, behind a place, and how many match in all; with whom each is about.
with

-- What can bear a note of these customers: they, those who were merged into them, the threads of their conversations.
objects as materialized (

    select 'customer' as object_type, customers.customer_id as object_id
    from crm.customers as customers
    where customers.customer_id = any(
        %(customer_ids)s::text[] ||
        --> customer_card.merged
    )

    union

    select 'conversation', threads.thread_id
    from canonical.customer_identities as links
    inner join canonical.conversations as conversations on conversations.counterpart_identity = links.identity
    cross join lateral unnest(conversations.threads) as threads (thread_id)
    where links.customer_id = any(%(customer_ids)s::text[])

),

matches as materialized (

    select notes.note_id, notes.version, notes.object_type, notes.object_id, notes.body, notes.written_at, notes.written_by
    from crm.notes as notes
    cross join lateral (select canonical.search_text(notes.body) as text offset 0) as folded
    where notes.ended_at is null
        and array_to_tsvector(canonical.search_words(canonical.search_text(notes.body))) @@ %(words)s::tsquery
        and (%(since)s::timestamptz is null or notes.written_at >= %(since)s)
        and (%(before)s::timestamptz is null or notes.written_at < %(before)s)
        and
        --> search.phrases
        and (
            %(customer_ids)s::text[] is null
            or exists (select from objects where objects.object_type = notes.object_type and objects.object_id = notes.object_id)
        )

),

page as materialized (

    select *
    from matches
    where %(behind_at)s::timestamptz is null or (written_at, note_id) < (%(behind_at)s, %(behind_id)s::text)
    order by written_at desc, note_id desc
    limit %(page_size)s

)

select
    page.note_id, page.version, page.object_type, page.object_id, page.body, page.written_at, page.written_by,
    customers.customer_id, customers.name as customer_name, about.counterpart_identity as identity, about.channel, known.display_name,
    -- The key of a message ends in its id.
    substr(about.last_sort_key, strpos(about.last_sort_key, '|') + 1) as message_id,
    (select count(*) from matches) as matched
from page
left join lateral (
    select conversations.counterpart_identity, conversations.channel, conversations.last_sort_key
    from canonical.threads as threads
    inner join canonical.conversations as conversations using (conversation_id)
    where page.object_type = 'conversation' and threads.thread_id = page.object_id
    limit 1
) as about on true
left join lateral (
    select coalesce(
        (
            -- Whoever they became, at the end of all merges.
            with recursive goes as (
                select noted.customer_id, noted.merged_into from crm.customers as noted
                where page.object_type = 'customer' and noted.customer_id = page.object_id
                union
                select next.customer_id, next.merged_into from goes join crm.customers as next on next.customer_id = goes.merged_into
            )
            select customer_id from goes where merged_into is null
        ),
        (select links.customer_id from canonical.customer_identities as links where links.identity = about.counterpart_identity limit 1)
    ) as customer_id
) as whose on true
left join crm.customers as customers on customers.customer_id = whose.customer_id
left join canonical.identities as known on known.identity = about.counterpart_identity
order by page.written_at desc, page.note_id desc
