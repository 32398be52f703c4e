-- How far raw is folded, as snapshots (transform/fold.py). A sequence is no commit order, and a horizon below the oldest running transaction
-- would make everybody wait for the longest load: new is what this transaction sees and the last folded snapshot did not.
create table canonical.fold_state (
    -- 'live' are the tables that serve; a rebuild beside them has a state of its own while it lasts.
    build text primary key,
    -- Everything that this snapshot sees is in the tables.
    folded pg_snapshot not null default '1:1:',
    -- What the fold under way sees; the same as folded when none is.
    target pg_snapshot not null default '1:1:',
    -- Grows by one with each fold; stands in the rows that it wrote.
    fold bigint not null default 0,
    folded_at timestamptz,
    -- Of which cluster these transaction ids are. A dump that was restored elsewhere has those of the former one.
    system_identifier text,
    -- The rows that a restored dump brought with transaction ids that this cluster has not reached.
    restored_from xid8,
    restored_until xid8
);
insert into canonical.fold_state (build) values ('live');
alter table canonical.fold_state owner to crm_transformer;
grant select on canonical.fold_state, canonical.built to crm_app, crm_loader;
-- The watchdog compares what landed with what was folded.
grant select (delivery_id, received_at) on raw.webhook_deliveries to crm_loader;

-- Bounds of what is new. Functions and not subqueries: the planner runs a stable function while it estimates, and so sees how little it is.
create function canonical.folded_until(of_build text) returns xid8
language sql stable parallel safe as
    'select pg_snapshot_xmax(folded) from canonical.fold_state where build = of_build';
create function canonical.folding_until(of_build text) returns xid8
language sql stable parallel safe as
    'select pg_snapshot_xmax(target) from canonical.fold_state where build = of_build';
-- Transactions that were in progress at the last fold.
create function canonical.folded_without(of_build text) returns xid8[]
language sql stable parallel safe as
    'select array(select pg_snapshot_xip(folded)) from canonical.fold_state where build = of_build';

-- One row per fold that did something or failed, for the health page and the admin. Pruned by the fold.
create table canonical.folds (
    started_at timestamptz primary key default clock_timestamp(),
    finished_at timestamptz,
    fold bigint,
    raw_rows bigint,
    messages bigint,
    error text,
    seconds double precision
);
alter table canonical.folds owner to crm_transformer;
grant select on canonical.folds to crm_app, crm_loader;

-- What was folded lately, by raw row or load: what a watchdog compares with what landed, without trusting the snapshots above.
create table canonical.folded_lately (
    raw_table text not null,
    -- delivery_id; of a history the id of dlt's load.
    row_id text not null,
    folded_at timestamptz not null default now(),
    primary key (raw_table, row_id)
);
create index folded_lately_folded_at on canonical.folded_lately (folded_at);
alter table canonical.folded_lately owner to crm_transformer;
grant select on canonical.folded_lately to crm_app, crm_loader;

-- Whoever wants another try at an attachment tells the worker as a fold does.
create or replace function jobs.retry_media(of_message text, of_attachment text) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
    update jobs.media
    set state = 'waiting', reason = null, attempts = 0, first_tried_at = null, next_try_at = now()
    where message_id = of_message and attachment_id = of_attachment and state <> 'stored';
    if not found then
        return false;
    end if;
    perform pg_notify('crm_changed', '{"identities": [], "attachments": true}');
    return true;
end $$;

-- After a restore into another cluster the fold stamps what was not folded yet, and changes nothing else of raw.
grant update (transaction_id) on raw.webhook_deliveries to crm_transformer;

-- The statements that dbt compiled from the models that stand, for the process that runs them (transform/statements.py).
alter table canonical.built add column statements jsonb;
update canonical.built set fingerprint = '';

-- A rebuild makes everything beside what serves, in schemas of its own (transform/build.py), and moves it over in one transaction.
create schema staging_next authorization crm_transformer;
create schema canonical_next authorization crm_transformer;
create schema marts_next authorization crm_transformer;
alter default privileges for role crm_transformer in schema canonical_next grant select on tables to crm_app;
alter default privileges for role crm_transformer in schema marts_next grant select on tables to crm_app, crm_analyst;

-- What the live tail needed: readers read tables now.
drop function canonical.same_person(text);
drop function canonical.same_people(text);
drop function canonical.processed_horizon() cascade;
drop function canonical.target_horizon() cascade;
drop table canonical.horizon cascade;
drop table canonical.refreshes cascade;
do $do$
declare
    made text;
begin
    -- Functions whose names held a hash of what they gave.
    for made in
        select oid::regprocedure::text from pg_proc
        where pronamespace = 'canonical'::regnamespace and proname ~ '^(fold_tail|fresh_copies)_[0-9a-f]{8}$'
    loop
        execute 'drop function ' || made || ' cascade';
    end loop;
end $do$;

-- Decisions tell open pages as the fold does: whose timelines, and which identities. A statement that decides on many tells `many`.
create function crm.tell_links() returns trigger language plpgsql as $$
begin
    perform pg_notify('crm_changed', case
        when count(*) > 100 then '{"many": true}'
        else jsonb_build_object('identities', jsonb_agg(distinct left(identity, 500)), 'customers', jsonb_agg(distinct customer_id))::text
    end)
    from changed
    having count(*) > 0;
    return null;
end $$;
create trigger identity_links_opened after insert on crm.identity_links
    referencing new table as changed for each statement execute function crm.tell_links();
create trigger identity_links_ended after update on crm.identity_links
    referencing new table as changed for each statement execute function crm.tell_links();

create function crm.tell_customers() returns trigger language plpgsql as $$
begin
    perform pg_notify('crm_changed', case
        when count(*) > 100 then '{"many": true}'
        else jsonb_build_object('identities', '[]'::jsonb, 'customers', jsonb_agg(customer_id))::text
    end)
    from changed
    having count(*) > 0;
    return null;
end $$;
create trigger customers_made after insert on crm.customers
    referencing new table as changed for each statement execute function crm.tell_customers();
create trigger customers_changed after update on crm.customers
    referencing new table as changed for each statement execute function crm.tell_customers();

create function crm.tell_conversations() returns trigger language plpgsql as $$
begin
    perform pg_notify('crm_changed', case
        when count(*) > 100 then '{"many": true}'
        else jsonb_build_object('identities', '[]'::jsonb, 'conversations', jsonb_agg(distinct left(conversation_id, 500)))::text
    end)
    from changed
    having count(*) > 0;
    return null;
end $$;
create trigger assignments_opened after insert on crm.assignments
    referencing new table as changed for each statement execute function crm.tell_conversations();
create trigger assignments_ended after update on crm.assignments
    referencing new table as changed for each statement execute function crm.tell_conversations();
create trigger conversation_tags_opened after insert on crm.conversation_tags
    referencing new table as changed for each statement execute function crm.tell_conversations();
create trigger conversation_tags_ended after update on crm.conversation_tags
    referencing new table as changed for each statement execute function crm.tell_conversations();

-- As above, for the histories that an older version made; newer ones get it when they are made (pipelines/destination.py).
do $do$
declare
    history text;
begin
    for history in
        select attrelid::regclass::text from pg_attribute as attributes
        join pg_class as classes on classes.oid = attributes.attrelid
        where attributes.attname = 'transaction_id' and classes.relkind = 'r'
            and classes.relnamespace::regnamespace::text ~ '^raw_[a-z_]+$' and classes.relnamespace::regnamespace::text !~ '_staging$'
    loop
        execute 'grant update (transaction_id) on ' || history || ' to crm_transformer';
    end loop;
end $do$;

-- What the worker found when it last compared what landed with what was folded (pipelines/watchdog.py).
create table jobs.fold_watch (
    only_row boolean primary key default true check (only_row),
    checked_at timestamptz not null default now(),
    -- Everything that landed before this was found folded.
    folded_until timestamptz not null,
    -- What landed more than a moment ago and is not folded: how many deliveries, or newest loads of histories, and since when.
    missing bigint not null,
    missing_since timestamptz
);
alter table jobs.fold_watch owner to crm_loader;
grant select on jobs.fold_watch to crm_transformer, crm_app;
