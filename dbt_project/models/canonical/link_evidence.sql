-- Grain: one row per pair of identities, or identity and customer, and kind of evidence that they are one person's. It reads every message, so nobody
-- reads it but the worker, which keeps what it found (jobs.link_evidence) for marts.link_suggestions.
{{ config(materialized='view', post_hook="grant select on {{ this }} to crm_loader") }}
with

customers as materialized (

    select customer_id, name, {{ folded_name('name') }} as called
    from {{ source('crm', 'customers') }}
    where archived_at is null

),

belonging as materialized (

    select identity, customer_id from {{ ref('customer_identities') }}

),

-- Under which whole names an identity wrote: people change how they write theirs, and a shared address shows by them.
names_of as materialized (

    select identity, called, count(*) as times, max(sent_at) as last_at
    from (
        select identity, sent_at, {{ folded_name('display_name') }} as called
        from {{ ref('message_participants') }}
        where role = 'from' and not is_ours and display_name <> ''
    ) as told
    where {{ is_full_name('called') }}
    group by identity, called

),

-- Whom anybody can be under is nobody in particular: their schemes are never suggested.
people as materialized (

    select
        identity, known.scheme, known.scope, seen.display_name,
        coalesce(named.called, nullif(told.called, '')) as called,
        coalesce(named.called, case when {{ is_full_name('told.called') }} then told.called end) as full_name,
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
    left join (select distinct on (identity) identity, called from names_of order by identity, times desc, last_at desc, called) as named using (identity)
    cross join lateral (select {{ folded_name('seen.display_name') }} as called offset 0) as told
    cross join lateral (
        select split_part(identity, ':', 1) as scheme, case when identity like '%:%:%' then split_part(identity, ':', 2) else '' end as scope
    ) as known
    where known.scheme in (select scheme from {{ ref('identity_schemes') }} where is_suggested)

),

-- The last lines of a mail are where people sign. What they answer to is no part of the body. `mentioned` null counts all that an identity wrote.
mentions as materialized (

    select told.identity, mentioned.mentioned, told.kind, count(*) as times, min(sent_at) as first_at, max(sent_at) as last_at
    from (
        select
            counterpart_identity as identity, kind, sent_at,
            case when body ~ '\d{3}|@' then case when kind = 'email' then right(body, 500) else left(body, 500) end end as text
        from {{ ref('messages') }}
        where content_order is not null and direction = 'inbound' and not is_deleted and kind in ('email', 'text')
    ) as told
    cross join lateral (
        select null as mentioned
        union all
        select mentioned from {{ phones_in('told.text') }} as phones
        union all
        select mentioned from {{ mail_addresses_in('told.text') }} as addresses
    ) as mentioned
    where mentioned.mentioned is distinct from told.identity
    group by told.identity, mentioned.mentioned, told.kind

),

-- What somebody signs with stands under most of their mails; what stands there once, beside another, is somebody else's.
signed as materialized (

    select identity, other, times, first_at, last_at,
        case when times > 1 then times * 2 > mails else mails <= 3 and times > coalesce(most_of_others, 0) end as is_signature
    from (
        select
            mentions.identity, mentions.mentioned as other, mentions.times, mentions.first_at, mentions.last_at, mails.times as mails,
            -- The first of them is passed by the second, all others by the first. A window that leaves out the row itself is counted anew for each row,
            -- which a shop that writes of ten thousand numbers makes slow.
            case when row_number() over others = 1 then lead(mentions.times) over others else first_value(mentions.times) over others end as most_of_others
        from mentions
        inner join mentions as mails on mails.identity = mentions.identity and mails.kind = 'email' and mails.mentioned is null
        where mentions.kind = 'email' and mentions.mentioned is not null
        window others as (partition by mentions.identity, split_part(mentions.mentioned, ':', 1) order by mentions.times desc, mentions.mentioned)
    ) as told

),

-- How many people sign with an address: a family's phone, a reception. Two addresses of one name are one who signs.
signers as materialized (

    select signed.other, count(distinct coalesce(people.full_name, people.person)) as people, count(*) as addresses
    from signed
    inner join people using (identity)
    where signed.is_signature
    group by signed.other

),

-- Identities from which people of several given names write.
shared as materialized (

    select identity, count(distinct {{ letters_of("split_part(called, ' ', 1)") }}) as people
    from names_of
    group by identity
    having count(distinct split_part(called, ' ', 1)) > 1 and count(distinct {{ letters_of("split_part(called, ' ', 1)") }}) > 1

),

-- Contact cards that people sent, on WhatsApp or as a file with a mail: a name, and what stands on the card beside it.
cards as materialized (

    select
        told.message_id || ' ' || told.number as card, told.identity as sender, told.sent_at, told.name,
        {{ folded_name('told.name') }} as called, addresses.identity
    from (
        select
            sent.message_id, sent.counterpart_identity as identity, sent.sent_at, listed.number, listed.contact, listed.contact ->> 'vcard' as vcard,
            coalesce(listed.contact #>> '{name,formatted_name}', substring(listed.contact ->> 'vcard' from 'FN:([^\r\n]*)')) as name
        from {{ ref('messages') }} as sent
        cross join lateral (
            select number::text as number, contact
            from {{ elements_of("case when sent.kind = 'contacts' then sent.provider_metadata -> 'contacts' end") }} with ordinality as passed_on (contact, number)

            union all

            select files.number || '.' || inside.number, inside.contact
            from {{ elements_of("case when sent.kind = 'email' then sent.attachments end") }} with ordinality as files (file, number)
            cross join lateral {{ elements_of("files.file -> 'cards'") }} with ordinality as inside (contact, number)
        ) as listed
        where sent.content_order is not null and sent.direction = 'inbound' and not sent.is_deleted and sent.kind in ('contacts', 'email')
    ) as told
    -- Nobody's card has more; who sends one with ten thousand numbers must not have us compare each with each.
    cross join lateral (
        select named.identity
        from (
            select 'phone:' || canonical.phone_number(
                coalesce('+' || nullif(phone ->> 'wa_id', ''), regexp_replace(phone ->> 'phone', '[^+0-9]', '', 'g')), 'AU'
            ) as identity
            from canonical.elements(contact -> 'phones') as phone
            union
            select 'email:' || canonical.mail_address(email ->> 'email') from canonical.elements(contact -> 'emails') as email where email ->> 'email' like '%_@_%'
            union
            select 'phone:' || canonical.phone_number(regexp_replace(written[1], '[^+0-9]', '', 'g'), 'AU')
            from regexp_matches(vcard, '(?:^|\n)(?:item\d+\.)?TEL[^:\r\n]*:([^\r\n]{1,60})', 'gi') as written
            union
            select 'email:' || canonical.mail_address(written[1])
            from regexp_matches(vcard, '(?:^|\n)(?:item\d+\.)?EMAIL[^:\r\n]*:([^\s@]{1,64}@[^\s@]{1,200})', 'gi') as written
        ) as named
        where named.identity is not null
        order by named.identity
        limit {{ most_on_a_card() }}
    ) as addresses

),

-- How many bear a name: of identities of one kind only one can be this person's, and of customers only one. Who is a customer counts once.
names as materialized (

    select
        bearing.full_name, bearing.bearers,
        -- How many others of this name there may be whom nobody told of, by how many bear either part of it. Names go together (a family's, a
        -- people's), so more than the product says.
        5 * given.people::float8 * family.people / greatest(every.people, 1) as perhaps_more
    from (
        select full_name, max(bearers) as bearers
        from (
            select full_name, count(distinct person) as bearers
            from people where customer_id is null and full_name is not null
            group by full_name, scheme, scope

            union all

            select full_name, count(*)
            from (
                select called as full_name, customer_id from customers where {{ is_full_name('called') }}
                union
                select full_name, customer_id from people where customer_id is not null and full_name is not null
            ) as theirs
            group by full_name
        ) as counted
        group by full_name
    ) as bearing
    inner join (
        select split_part(full_name, ' ', 1) as word, count(distinct person) as people from people where full_name is not null group by 1
    ) as given on given.word = split_part(bearing.full_name, ' ', 1)
    inner join (
        select split_part(full_name, ' ', -1) as word, count(distinct person) as people from people where full_name is not null group by 1
    ) as family on family.word = split_part(bearing.full_name, ' ', -1)
    cross join (select count(distinct person) as people from people where full_name is not null) as every
    where bearing.bearers <= 5

),

-- Who bears one name: an identity of nobody's, and one of a customer's.
namesakes as materialized (

    select one.identity, other.identity as other, one.full_name,
        greatest(one.first_seen_at, other.first_seen_at) as first_at, least(one.last_seen_at, other.last_seen_at) as last_at
    from people as one
    inner join names using (full_name)
    inner join people as other
        on other.full_name = one.full_name and other.identity > one.identity
        and (one.customer_id is null) <> (other.customer_id is null)
        -- On one page a person has one id; mail addresses and phones one may have several of.
        and ((other.scheme, other.scope) <> (one.scheme, one.scope) or other.scheme in ('email', 'phone'))

),

-- On which days they were seen, of those of whom it is asked.
days as materialized (

    select distinct identity, sent_at::date as day
    from {{ ref('message_participants') }}
    where is_first and identity in (select identity from namesakes union select other from namesakes)

),

-- The days about that on which the one was first seen, to be looked for among those of the other.
wanted as materialized (

    select pairs.identity, pairs.other, pairs.known, people.first_seen_at::date + apart as day
    from (
        select identity, other, identity as new, other as known from namesakes
        union all
        select identity, other, other, identity from namesakes
    ) as pairs
    inner join people on people.identity = pairs.new
    cross join generate_series(-2, 2) as apart

),

-- Of which the one was first seen within two days of a message of the other: chance brings that about seldom.
near as materialized (

    select distinct wanted.identity, wanted.other
    from wanted
    inner join days on days.identity = wanted.known and days.day = wanted.day

),

found as materialized (

    select
        signed.identity, signed.other, null::text as customer_id,
        case
            when not signed.is_signature then 'named in a mail'
            when signed.other ~ '^phone:\+61[^4]' then 'signature with a landline'
            -- A number is another's after a while.
            when named.first_seen_at > signed.last_at + interval '30 days' or named.last_seen_at < signed.first_at - interval '30 days'
                then 'signature of another time'
            when signed.times = 1 then 'signature'
            when named.first_seen_at is null then 'signatures'
            else 'signatures at the same time'
        end as kind,
        signed.times, signed.first_at, signed.last_at, null::text as card_name, null::text as card_called,
        case when signed.is_signature and signers.people > 1 then signers.people || ' people name ' || {{ spoken('signed.other') }} || ' as theirs' end as blocker
    from signed
    inner join people as named on named.identity = signed.other
    left join signers using (other)

    union all

    select
        one.identity, two.identity, null, 'same number in signatures', least(one.times, two.times), greatest(one.first_at, two.first_at),
        least(one.last_at, two.last_at), null, null,
        case when signers.people > 1 then signers.people || ' people name ' || {{ spoken('one.other') }} || ' as theirs' end
    from signed as one
    -- One name and one number from a thousand addresses is no person.
    inner join signers on signers.other = one.other and signers.people <= 2 and signers.addresses <= {{ most_addresses_of_one() }}
    inner join signed as two on two.other = one.other and two.identity > one.identity and two.is_signature
    where one.is_signature and one.other ~ '^phone:' and one.other !~ '^phone:\+61[^4]'

    union all

    select identity, mentioned, null, 'named in a message', times, first_at, last_at, null, null, null
    from mentions
    where kind = 'text' and mentioned is not null

    union all

    select one.identity, two.identity, null, 'contact card', count(*), min(one.sent_at), max(one.sent_at), min(one.name), min(one.called), null
    from cards as one
    inner join cards as two on two.card = one.card and two.identity > one.identity
    group by one.identity, two.identity

    union all

    select cards.sender, cards.identity, null, 'own contact card', count(*), min(cards.sent_at), max(cards.sent_at), min(cards.name), min(cards.called), null
    from cards
    inner join people on people.identity = cards.sender and people.full_name = cards.called
    where cards.identity <> cards.sender
    group by cards.sender, cards.identity

    union all

    select cards.identity, null, customers.customer_id, 'name on a contact card', count(*), min(cards.sent_at), max(cards.sent_at), min(cards.name),
        min(cards.called), case when max(names.bearers) > 1 then max(names.bearers) || ' people bear this name' end
    from cards
    inner join customers on customers.called = cards.called
    left join names on names.full_name = cards.called
    where {{ is_full_name('cards.called') }}
    group by cards.identity, customers.customer_id

    union all

    select identity, reply_identity, null, 'reply address', mails, first_at, last_at, null, null, null
    from {{ ref('stg_gmail__reply_addresses') }}

    union all

    select identity, same_as, null, how, 1, first_at, last_at, null, null, null
    from {{ ref('same_as') }}
    where how not in ({{ ways_that_count() }})

    union all

    select
        namesakes.identity, namesakes.other, null,
        case
            when names.bearers > 1 then 'a name that several bear'
            when near.identity is not null then case when names.perhaps_more < 0.4 then 'same rare name at the same time' else 'same name at the same time' end
            when names.perhaps_more < 0.4 then 'same rare name'
            else 'same name'
        end,
        1, namesakes.first_at, namesakes.last_at, null, null,
        case when names.bearers > 1 then names.bearers || ' people bear this name' end
    from namesakes
    inner join names using (full_name)
    left join near on near.identity = namesakes.identity and near.other = namesakes.other

    union all

    select
        people.identity, null, customers.customer_id,
        case when names.bearers > 1 then 'a name that several bear' else 'same name as the customer' end,
        1, people.first_seen_at, people.last_seen_at, null, null,
        case when names.bearers > 1 then names.bearers || ' people bear this name' end
    from people
    inner join names using (full_name)
    inner join customers on customers.called = people.full_name
    where people.customer_id is null

    union all

    select saved.identity, null, customers.customer_id, 'name in the contact book', 1, null, null, saved.name, {{ folded_name('saved.name') }},
        case when names.bearers > 1 then names.bearers || ' people bear this name' end
    from {{ ref('stg_whatsapp__contact_book') }} as saved
    inner join customers on customers.called = {{ folded_name('saved.name') }}
    left join names on names.full_name = customers.called
    where {{ is_full_name('customers.called') }}

)

select
    found.identity,
    found.other,
    found.customer_id,
    found.kind,
    found.times,
    found.first_at,
    found.last_at,
    coalesce(trusted.alone, 0.5) as score,
    case
        when found.kind = 'same number in signatures' then
            'mails from ' || {{ spoken('found.identity') }} || ' and from ' || {{ spoken('found.other') }} || ' are signed with one number'
        when found.kind like 'signature%' then
            'the signature of ' || case found.times when 1 then 'a mail' else found.times || ' mails' end || ' from ' || {{ spoken('found.identity') }}
            || ' names ' || {{ spoken('found.other') }} || case found.kind when 'signature of another time' then ', but not while it wrote to us' else '' end
        when found.kind = 'named in a mail' then
            case found.times when 1 then 'a mail' else found.times || ' mails' end || ' from ' || {{ spoken('found.identity') }} || ' named ' || {{ spoken('found.other') }}
        when found.kind = 'named in a message' then {{ spoken('found.identity') }} || ' wrote of ' || {{ spoken('found.other') }}
        when found.kind = 'contact card' then
            'a contact card' || coalesce(' of ' || left(nullif(found.card_name, ''), 60), '') || ' names ' || {{ spoken('found.identity') }} || ' and ' || {{ spoken('found.other') }}
        when found.kind = 'own contact card' then {{ spoken('found.identity') }} || ' sent a contact card of their own name with ' || {{ spoken('found.other') }}
        when found.kind = 'name on a contact card' then 'a contact card names ' || {{ spoken('found.identity') }} || ' as ' || left(found.card_name, 60)
        when found.kind = 'name in the contact book' then 'saved in our WhatsApp contacts as ' || left(found.card_name, 60)
        when found.kind = 'reply address' then
            {{ spoken('found.identity') }} || ' asks for answers at ' || {{ spoken('found.other') }} || case found.times when 1 then ' in a mail' else ' in ' || found.times || ' mails' end
        when found.kind in ('same name at the same time', 'same rare name at the same time') then
            'the same' || case when found.kind like '%rare%' then ' rare' else '' end || ' name, first seen within two days of the other: ' || one.display_name
        when found.kind = 'same rare name' then 'the same rare name: ' || one.display_name
        when found.kind = 'same name' then 'the same name: ' || one.display_name
        when found.kind = 'a name that several bear' then 'the same name as several others: ' || one.display_name
        when found.kind = 'same name as the customer' then 'calls themselves as the customer is called: ' || one.display_name
        when found.kind = 'changed number' then {{ spoken('found.other') }} || ' told WhatsApp that it changed to ' || {{ spoken('found.identity') }}
        else found.kind
    end || coalesce(', first on ' || {{ spoken_day('found.first_at') }}, '') as said,
    nullif(concat_ws(
        '; ',
        found.blocker,
        case when {{ is_generic_address('found.identity') }} or {{ is_generic_address('found.other') }} then 'an address that several people read' end,
        case when of_one.people is not null then of_one.people || ' people write from ' || {{ spoken('of_one.identity') }} end,
        case when of_two.people is not null then of_two.people || ' people write from ' || {{ spoken('of_two.identity') }} end,
        case when {{ names_differ('one.called', 'coalesce(two.called, named.called)') }}
            then 'the names differ: ' || left(one.display_name, 60) || ' and ' || left(coalesce(two.display_name, named.name), 60) end,
        -- An address that a customer is known by and that bears another's name is used by both.
        case when {{ names_differ('one.called', 'named.called') }} or {{ names_differ('two.called', 'named.called') }}
            then 'the customer is called ' || left(named.name, 60) end,
        case when {{ names_differ('found.card_called', 'coalesce(named.called, two.called, one.called)') }}
            then 'the card is of ' || left(found.card_name, 60) end
    ), '') as blocker
from found
left join {{ evidence_table() }} on trusted.kind = found.kind
inner join people as one on one.identity = found.identity
left join people as two on two.identity = found.other
left join customers as named on named.customer_id = coalesce(found.customer_id, two.customer_id, one.customer_id)
left join shared as of_one on of_one.identity = found.identity
left join shared as of_two on of_two.identity = found.other
where found.other is null or two.identity is not null
