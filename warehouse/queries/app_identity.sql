-- What pages read of identities: suggestions for those that wait, who was marked as nobody's customer, and what a merge would put together.

-- suggestions_for --
-- For identities of one page of the queue, the best first; each customer with something that tells namesakes apart.
select
    suggested.identity, suggested.customer_id, customers.name, suggested.reason, suggested.score, suggested.said, suggested.blocker,
    known.identities, known.last_at
from marts.link_suggestions as suggested
join crm.customers as customers using (customer_id)
cross join lateral (
    select coalesce(array_agg(links.identity order by links.identity), '{}') as identities, max(seen.last_seen_at) as last_at
    from canonical.customer_identities as links
    left join canonical.identities as seen on seen.identity = links.identity
    where links.customer_id = suggested.customer_id
) as known
where suggested.identity = any(%(identities)s::text[])
order by suggested.identity, suggested.blocker is not null, suggested.score desc, suggested.customer_id

-- sure_suggestions --
-- What may be accepted together, of these identities or of all: nothing holds it back, the score is enough, and no other customer is suggested
-- nearly as strongly.
with

candidates as (

    select identity, customer_id, score, said, blocker,
        count(*) filter (where score >= %(least)s - 0.2) over (partition by identity) as rivals
    from marts.link_suggestions
    where %(identities)s::text[] is null or identity = any(%(identities)s::text[])

)

select candidates.identity, candidates.customer_id, customers.name, candidates.score, candidates.said,
    array(
        select links.identity from crm.identity_links as links
        where links.customer_id = candidates.customer_id and links.ended_at is null
        order by links.linked_at, links.identity
        limit 3
    ) as identities
from candidates
join crm.customers as customers using (customer_id)
where score >= %(least)s and blocker is null and rivals = 1
order by score desc, identity
limit %(most)s

-- named_and_waiting --
-- Identities that wrote, are nobody's and have a name of more than one word that nobody else of theirs bears; newest first.
select seen.identity, seen.display_name
from canonical.unassigned_identities as seen
where seen.last_inbound_key is not null
    and trim(seen.display_name) ~ '\S\s+\S'
    and not exists (select 1 from jobs.link_evidence as evidence where evidence.identity = seen.identity or evidence.other = seen.identity)
order by seen.last_inbound_key desc
limit %(most)s

-- marked --
select identity from crm.not_customers where ended_at is null and identity = any(%(identities)s::text[])

-- not_customers --
-- Identities that somebody marked as nobody's customer, the latest mark first, each with its last message.
with

page as materialized (

    select marks.identity, marks.reason, marks.marked_at, marks.marked_by, marks.decision_id
    from crm.not_customers as marks
    where marks.ended_at is null and (%(before)s::timestamptz is null or marks.marked_at < %(before)s)
    order by marks.marked_at desc
    limit %(page_size)s

)

select
    page.*, seen.display_name, seen.last_inbound_at, coalesce(seen.last_seen_at, page.marked_at) as last_seen_at,
    coalesce(seen.message_count, 0) as message_count,
    last_message.channel, last_message.kind, last_message.status, last_message.subject, last_message.removal,
    case when last_message.removal = 'unsent' then null else left(coalesce(last_message.revised_body, last_message.body), 400) end as body,
    last_message.removal is distinct from 'unsent' and jsonb_array_length(coalesce(last_message.attachments, '[]')) > 0 as attachments
from page
left join canonical.identities as seen using (identity)
left join lateral (
    select message_id
    from canonical.message_participants as participants
    where participants.identity = page.identity and participants.is_first and not participants.is_ours
    order by participants.sort_key desc
    limit 1
) as newest on true
left join canonical.messages as last_message using (message_id)
order by page.marked_at desc

-- count_not_customers --
select count(*) as waiting
from (select 1 from crm.not_customers where ended_at is null limit %(most)s + 1) as counted
