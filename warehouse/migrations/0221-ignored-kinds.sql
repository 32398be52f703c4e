-- Kinds of events that an admin has looked at and does not want to be told of again: by channel, and by the sentence that says why they were not
-- understood. The events stay in the quarantine, are counted apart, and count again when the decision is undone.
create table crm.ignored_kinds (
    kind_id text primary key,
    decision_id text not null,
    channel text not null,
    reason text not null,
    ignored_at timestamptz not null default now(),
    ignored_by text not null,
    ended_at timestamptz,
    ended_by text,
    check ((ended_at is null) = (ended_by is null))
);
-- A sentence may be longer than an entry of an index.
create unique index ignored_kinds_open on crm.ignored_kinds (channel, md5(reason)) where ended_at is null;
grant select, insert, update (ended_at, ended_by) on crm.ignored_kinds to crm_app;
grant select on crm.ignored_kinds to crm_transformer;
create trigger ignored_kinds_are_told after insert or update on crm.ignored_kinds for each statement execute function crm.tell_health();

-- Raw rows are read again by the next fold when they bear a new transaction id. Nothing else of them changes, so an admin may ask for it on a page:
-- what was not understood because its connection was missing is understood once that is there.
create function raw.read_again(delivery_ids uuid[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found bigint;
begin
    update raw.webhook_deliveries set transaction_id = pg_current_xact_id() where delivery_id = any (delivery_ids);
    get diagnostics found = row_count;
    perform pg_notify('crm_fold', '');
    return found;
end $$;
alter function raw.read_again(uuid[]) owner to crm_keeper;
revoke execute on function raw.read_again(uuid[]) from public;
grant execute on function raw.read_again(uuid[]) to crm_app;

-- The same of what was pulled the worker does, whose tables they are: an admin asks for it as for what is asked of a provider.
alter table crm.connection_requests drop constraint connection_requests_kind_check;
alter table crm.connection_requests add constraint connection_requests_kind_check
    check (kind in ('check', 'register', 'show', 'pull', 'history', 'repeat', 'reread'));
