-- Connections are made and changed on a page (docs/decisions.md, 63). The app has no key that opens a secret of a provider: what was
-- pasted is sealed to the worker, which asks the provider and answers with both columns as they are to be stored.
alter table crm.connections
    -- What was received stays, and so does the row that names it; its secrets are gone.
    add column removed_at timestamptz,
    -- Pulls rest; what is pushed is received.
    add column paused_at timestamptz;
grant select (removed_at) on crm.connections to crm_receiver;

-- What an admin asks of a provider. A row is asked once and answered once.
create table crm.connection_requests (
    request_id text primary key,
    kind text not null check (kind in ('check', 'register', 'show', 'pull', 'history', 'repeat')),
    channel text not null,
    connection_id text references crm.connections (connection_id),
    asked_by text not null,
    asked_at timestamptz not null default now(),
    -- What is no secret: keys, and how it is to be done.
    settings jsonb not null default '{}',
    options jsonb not null default '{}',
    -- The secrets that were pasted, sealed to the worker. Gone with the answer.
    pasted bytea,
    answered_at timestamptz,
    -- Why it was not done, in words; null where it was.
    problem text,
    answer jsonb not null default '{}',
    -- Of a check: what is to be stored when the admin says so. Gone when it is.
    secrets bytea,
    signing bytea,
    used_at timestamptz,
    -- Two minutes after a registration: whoever still waits for a message looks for what is wrong.
    overdue_at timestamptz
);
create index connection_requests_connection on crm.connection_requests (connection_id, asked_at desc);
create index connection_requests_unanswered on crm.connection_requests (asked_at) where answered_at is null;
grant select, insert, update (used_at, secrets, signing) on crm.connection_requests to crm_app;
grant select, update (answered_at, problem, answer, pasted, secrets, signing, overdue_at), delete on crm.connection_requests to crm_loader;

create function crm.tell_asked() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    perform pg_notify('crm_asked', new.request_id);
    return null;
end $$;
create trigger requests_are_told after insert on crm.connection_requests
    for each row execute function crm.tell_asked();
create trigger answers_are_told after update on crm.connection_requests
    for each statement execute function crm.tell_health();
