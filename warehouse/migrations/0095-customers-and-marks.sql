-- A merge moves every identity of one customer to another and archives the first, which says where it went.
alter table crm.customers add column merged_into text references crm.customers (customer_id);
create index customers_merged_into on crm.customers (merged_into) where merged_into is not null;

-- Identities that are nobody's and are to be nobody's: no-reply senders, spam. Append-only in meaning, as links are.
create table crm.not_customers (
    mark_id text primary key,
    decision_id text not null,
    identity text not null,
    reason text not null,
    marked_at timestamptz not null default now(),
    marked_by text not null,
    ended_at timestamptz,
    ended_by text,
    check ((ended_at is null) = (ended_by is null))
);
create unique index not_customers_open on crm.not_customers (identity) where ended_at is null;

-- Suggestions that somebody looked at and said no to: never asked again.
create table crm.dismissed_suggestions (
    dismissal_id text primary key,
    decision_id text not null,
    identity text not null,
    customer_id text not null references crm.customers (customer_id),
    dismissed_at timestamptz not null default now(),
    dismissed_by text not null,
    ended_at timestamptz,
    ended_by text,
    check ((ended_at is null) = (ended_by is null))
);
create unique index dismissed_suggestions_open on crm.dismissed_suggestions (identity, customer_id) where ended_at is null;

grant select, insert, update on crm.not_customers, crm.dismissed_suggestions to crm_app;
grant select on crm.not_customers, crm.dismissed_suggestions to crm_transformer;

-- Who looks at the queue is told, as of a link.
create function crm.tell_identities() returns trigger language plpgsql as $$
begin
    perform pg_notify('crm_changed', case
        when count(*) > 100 then '{"many": true}'
        else jsonb_build_object('identities', jsonb_agg(distinct left(identity, 500)), 'customers', '[]'::jsonb)::text
    end)
    from changed
    having count(*) > 0;
    return null;
end $$;
create trigger not_customers_marked after insert on crm.not_customers
    referencing new table as changed for each statement execute function crm.tell_identities();
create trigger not_customers_ended after update on crm.not_customers
    referencing new table as changed for each statement execute function crm.tell_identities();
create trigger suggestions_dismissed after insert on crm.dismissed_suggestions
    referencing new table as changed for each statement execute function crm.tell_identities();
create trigger suggestions_restored after update on crm.dismissed_suggestions
    referencing new table as changed for each statement execute function crm.tell_identities();
