-- The ledger of what people decided (warehouse/decisions/ledger.py): who, when, why, and what it changed, as data that is enough to take it
-- back exactly. What was decided together is one row; each thing that it changed is a row of crm.decision_changes.
create table crm.decisions (
    decision_id text primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    role text not null,
    -- As its first event says it: identity.link, conversation.tag, decision.undo …
    action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
    reason text not null default '',
    -- The decision that this one takes back.
    undoes text references crm.decisions (decision_id),
    -- Not in force while these stand; where the undo itself is undone they are emptied again.
    undone_at timestamptz,
    undone_by text,
    undo_decision_id text references crm.decisions (decision_id) deferrable initially deferred,
    check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undo_decision_id is null))
);
create index decisions_at on crm.decisions (at);
create index decisions_undoes on crm.decisions (undoes) where undoes is not null;

create table crm.decision_changes (
    change_no bigint generated always as identity primary key,
    decision_id text not null references crm.decisions (decision_id),
    action text not null,
    -- What it is about, so that a later change of the same stands in the way of undoing this one: `identity <identity>`,
    -- `assignment <thread>`, `tag <tag> on <thread or message>`, `note <note>` …
    subject text not null,
    object_type text not null,
    object_id text not null,
    -- Whose customers' pages tell of it.
    customer_ids text[] not null default '{}',
    -- What the reversal needs, kind by kind.
    data jsonb not null default '{}'
);
create index decision_changes_decision on crm.decision_changes (decision_id);
-- Subjects hold identities, which may be longer than an entry of an index.
create index decision_changes_subject on crm.decision_changes (md5(subject), change_no);
create index decision_changes_object on crm.decision_changes (object_type, md5(object_id), change_no);
create index decision_changes_customers on crm.decision_changes using gin (customer_ids);

grant select, insert on crm.decisions, crm.decision_changes to crm_app;
grant update (undone_at, undone_by, undo_decision_id) on crm.decisions to crm_app;

-- A customer who was made by mistake, or who is to be seen in lists no longer, leaves the lists and keeps the id.
alter table crm.customers add column archived_at timestamptz, add column archived_by text,
    add check ((archived_at is null) = (archived_by is null));
create index customers_in_lists on crm.customers (created_at) where archived_at is null;

-- What was decided before there was a ledger: each event named its decision.
insert into crm.decisions (decision_id, at, actor, role, action, reason)
select distinct on (detail ->> 'decision_id')
    detail ->> 'decision_id', at, actor, role, action, coalesce(detail ->> 'reason', '')
from crm.events
where action in ('customer.create', 'identity.link', 'identity.unlink') and detail ->> 'decision_id' is not null
order by detail ->> 'decision_id', at, event_id;
-- And links that no event tells of.
insert into crm.decisions (decision_id, at, actor, role, action, reason)
select distinct on (decision_id) decision_id, linked_at, linked_by, 'unknown', 'identity.link', reason
from crm.identity_links
order by decision_id, linked_at, link_id
on conflict do nothing;
insert into crm.decision_changes (decision_id, action, subject, object_type, object_id, customer_ids, data)
select decision_id, action, subject, object_type, object_id, customer_ids, data
from (
    select detail ->> 'decision_id' as decision_id, events.at, 1 as place, events.action, object_type, object_id, customer_ids,
        case when object_type = 'customer' then 'customer ' || object_id else 'identity ' || object_id end as subject,
        case when object_type = 'customer' then '{}'
            else jsonb_build_object('customer_id', customer_ids[1], 'link_id', detail ->> 'link_id') end as data
    from crm.events
    where events.action in ('customer.create', 'identity.link', 'identity.unlink') and detail ->> 'decision_id' is not null

    union all

    select decision_id, linked_at, 0, 'identity.link', 'identity', identity, array[customer_id], 'identity ' || identity,
        jsonb_build_object('customer_id', customer_id, 'link_id', link_id)
    from crm.identity_links
    where not exists (
        select from crm.events
        where events.action = 'identity.link' and events.detail ->> 'decision_id' = identity_links.decision_id
            and events.object_id = identity_links.identity
    )
) as told
order by at, place, object_id;
