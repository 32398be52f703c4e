-- Grain: one row per pair of identities, or identity and customer, and kind of evidence that they are one person's. It reads every message, so nobody
-- reads it but the worker, which keeps what it found (jobs.link_evidence) for marts.link_suggestions.
{{ config(materialized='view', post_hook="grant select on {{ this }} to crm_loader") }}
with

customers as materialized (

    select customer_id, name, {{ comparable_name('name') }} as comparable
    from {{ source('crm', 'customers') }}
    where archived_at is null

),

belonging as materialized (

    select identity, customer_id from {{ ref('customer_identities') }}

),

-- Whom anybody can be under is nobody in particular: their schemes are never suggested.
people as materialized (

    select
        identity, known.scheme, known.scope, seen.display_name, {{ comparable_name('seen.display_name') }} as comparable,
        seen.first_seen_at, seen.last_seen_at, belonging.customer_id,
        coalesce(belonging.customer_id, identity) as person
    from (
        select identity from {{ ref('identities') }}
        union
        select identity from belonging
        union
        select identity from {{ ref('same_as') }}
        union
        select same_as from {{ ref('same_as') }}
    ) as every
    left join {{ ref('identities') }} as seen using (identity)
    left join belonging using (identity)
    cross join lateral (
        select split_part(identity, ':', 1) as scheme, case when identity like '%:%:%' then split_part(identity, ':', 2) else '' end as scope
    ) as known
    where known.scheme in (select scheme from {{ ref('identity_schemes') }} where is_suggested)

),

-- The last lines of a mail are where people sign. What they answer to is no part of the body.
texts as materialized (

    select
        counterpart_identity as identity, kind, sent_at,
        case when kind = 'email' then right(body, 500) else left(body, 500) end as text
    from {{ ref('messages') }}
    where content_order is not null and direction = 'inbound' and not is_deleted and body ~ '\d{3}|@'
        and kind in ('email', 'text', 'contacts')

),

mentions as materialized (

    select texts.identity, mentioned.mentioned as other, texts.kind, count(*) as times, min(sent_at) as first_at, max(sent_at) as last_at
    from texts
    cross join lateral (
        select mentioned from {{ phones_in('texts.text') }} as phones
        union
        select mentioned from {{ mail_addresses_in('texts.text') }} as addresses
    ) as mentioned
    where mentioned.mentioned <> texts.identity
    group by texts.identity, mentioned.mentioned, texts.kind

),

-- How many people name an address as theirs: a family's phone, a reception. Two addresses of one name are one who names it.
namers as materialized (

    select mentions.other, count(distinct coalesce(people.comparable, people.person)) as people
    from mentions
    inner join people using (identity)
    group by mentions.other

),

-- Addresses from which people of several names write.
inboxes as materialized (

    select identity, count(distinct lower(display_name)) as names
    from {{ ref('message_participants') }}
    where role = 'from' and not is_ours and display_name <> '' and identity like 'email:%'
    group by identity
    having count(distinct lower(display_name)) > 2

),

-- Namesakes: of identities of one kind, only one can be this person's, unless they are one customer's.
names as materialized (

    select comparable, max(bearers) as bearers
    from (
        select comparable, scheme, scope, count(distinct person) as bearers from people where comparable is not null group by 1, 2, 3
        union all
        select comparable, '', '', count(*) from customers where comparable is not null group by 1
    ) as counted
    group by comparable

),

found as (

    select
        mentions.identity, mentions.other, null::text as customer_id,
        case
            when mentions.kind = 'contacts' then 'contact card'
            when mentions.kind <> 'email' then 'named in a message'
            when mentions.other ~ '^phone:\+61[^4]' then 'signature with a landline'
            when mentions.times > 1 then 'signatures'
            else 'signature'
        end as kind,
        mentions.times, mentions.first_at, mentions.last_at,
        case when namers.people > 1 then namers.people || ' people name ' || {{ spoken('mentions.other') }} || ' as theirs' end as blocker
    from mentions
    inner join namers using (other)

    union all

    select identity, reply_identity, null, 'reply address', mails, first_at, last_at, null
    from {{ ref('stg_gmail__reply_addresses') }}

    union all

    select identity, same_as, null, how, 1, first_at, last_at, null
    from {{ ref('same_as') }}
    where how not in ({{ ways_that_count() }})

    union all

    select
        one.identity, other.identity, null,
        case
            when one.first_seen_at <= other.last_seen_at + interval '2 days' and other.first_seen_at <= one.last_seen_at + interval '2 days'
                then 'same name at the same time'
            else 'same name'
        end,
        1, greatest(one.first_seen_at, other.first_seen_at), least(one.last_seen_at, other.last_seen_at),
        case when names.bearers > 1 then names.bearers || ' people bear this name' end
    from people as one
    inner join names on names.comparable = one.comparable and names.bearers <= 5
    inner join people as other
        on other.comparable = one.comparable and (other.scheme, other.scope) > (one.scheme, one.scope)
        and (one.customer_id is null) <> (other.customer_id is null)

    union all

    select
        people.identity, null, customers.customer_id, 'same name as the customer', 1, people.first_seen_at, people.last_seen_at,
        case when names.bearers > 1 then names.bearers || ' people bear this name' end
    from people
    inner join names on names.comparable = people.comparable and names.bearers <= 5
    inner join customers on customers.comparable = people.comparable
    where people.customer_id is null

    union all

    select saved.identity, null, customers.customer_id, 'name in the contact book', 1, null, null, null
    from {{ ref('stg_whatsapp__contact_book') }} as saved
    inner join customers on customers.comparable = {{ comparable_name('saved.name') }}

)

select
    found.identity,
    found.other,
    found.customer_id,
    found.kind,
    found.times,
    found.first_at,
    found.last_at,
    case found.kind
        {% for kind, trust in evidence_kinds().items() -%}
        when '{{ kind }}' then {{ trust }}::float8
        {% endfor -%}
        else 0.5
    end as score,
    case
        when found.kind like 'signature%' then
            'the signature of ' || case found.times when 1 then 'a mail' else found.times || ' mails' end || ' from ' || {{ spoken('found.identity') }}
            || ' names ' || {{ spoken('found.other') }}
        when found.kind = 'contact card' then {{ spoken('found.identity') }} || ' sent a contact card with ' || {{ spoken('found.other') }}
        when found.kind = 'named in a message' then {{ spoken('found.identity') }} || ' wrote of ' || {{ spoken('found.other') }}
        when found.kind = 'reply address' then
            {{ spoken('found.identity') }} || ' asks for answers at ' || {{ spoken('found.other') }} || case found.times when 1 then ' in a mail' else ' in ' || found.times || ' mails' end
        when found.kind like 'same name at%' then 'the same name, seen within two days of each other: ' || one.display_name
        when found.kind = 'same name' then 'the same name: ' || one.display_name
        when found.kind = 'same name as the customer' then 'calls themselves as the customer is called: ' || one.display_name
        when found.kind = 'changed number' then {{ spoken('found.other') }} || ' told WhatsApp that it changed to ' || {{ spoken('found.identity') }}
        else found.kind
    end || coalesce(', first on ' || {{ spoken_day('found.first_at') }}, '') as said,
    nullif(concat_ws(
        '; ',
        found.blocker,
        case when {{ is_generic_address('found.identity') }} or {{ is_generic_address('found.other') }} then 'an address that several people read' end,
        case when inboxes.names is not null then inboxes.names || ' names write from ' || {{ spoken('inboxes.identity') }} end,
        case when {{ names_differ('one.display_name', 'coalesce(two.display_name, named.name)') }}
            then 'the names differ: ' || left(one.display_name, 60) || ' and ' || left(coalesce(two.display_name, named.name), 60) end
    ), '') as blocker
from found
inner join people as one on one.identity = found.identity
left join people as two on two.identity = found.other
left join customers as named on named.customer_id = coalesce(found.customer_id, two.customer_id, one.customer_id)
left join inboxes on inboxes.identity in (found.identity, found.other)
where found.other is null or two.identity is not null
