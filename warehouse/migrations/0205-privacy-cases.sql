-- What people ask of us under the Privacy Act and what goes wrong, each with a day by which it is to be done; and what takes long (an export,
-- a destruction), asked for on a page or by a command and done by the worker (docs/privacy.md).

-- Access requests (APP 12) and requests to correct (APP 13).
create table privacy.cases (
    case_id text primary key,
    kind text not null check (kind in ('access', 'correction')),
    customer_id text not null,
    -- In whose name, and by which way.
    asked_by text not null check (asked_by <> ''),
    received_at timestamptz not null,
    due_at timestamptz not null check (due_at > received_at),
    opened_at timestamptz not null default now(),
    opened_by text not null,
    -- How it was made sure that they are who they say.
    identity_check text,
    identity_checked_at timestamptz,
    identity_checked_by text,
    outcome text check (outcome in ('granted', 'refused', 'withdrawn')),
    -- Of a refusal: letters of APP 12.3 (warehouse/decisions/cases.py), and why in words.
    grounds text[] not null default '{}',
    reason text,
    closed_at timestamptz,
    closed_by text,
    check ((identity_check is null) = (identity_checked_by is null) and (identity_check is null) = (identity_checked_at is null)),
    check ((outcome is null) = (closed_at is null) and (outcome is null) = (closed_by is null)),
    check (outcome is distinct from 'granted' or identity_check is not null),
    check (outcome is distinct from 'refused' or reason <> '')
);
create index cases_of_customer on privacy.cases (customer_id);

-- What may be a notifiable data breach (Part IIIC): thirty days from the first suspicion to a decision.
create table privacy.incidents (
    incident_id text primary key,
    title text not null check (title <> ''),
    suspected_at timestamptz not null,
    due_at timestamptz not null check (due_at > suspected_at),
    -- The parts of the statement that are written by people: what happened, which kinds of information, what people are to do.
    description text not null default '',
    kinds text not null default '',
    steps text not null default '',
    version integer not null default 1,
    -- Whose account, from when to when: whom it saw is asked of the log.
    account text,
    seen_from timestamptz,
    seen_until timestamptz,
    opened_at timestamptz not null default now(),
    opened_by text not null,
    decision text check (decision in ('notifiable', 'not_notifiable')),
    decision_reason text,
    decided_at timestamptz,
    decided_by text,
    -- When the Commissioner and the people were told.
    notified_at timestamptz,
    notified_by text,
    check ((account is null) = (seen_from is null) and (account is null) = (seen_until is null)),
    check (seen_until is null or seen_until > seen_from),
    check ((decision is null) = (decided_at is null) and (decision is null) = (decision_reason is null)),
    check (notified_at is null or decision = 'notifiable')
);

-- What the worker does for whoever asks: privacy/tasks.py.
create table privacy.tasks (
    task_id text primary key,
    kind text not null check (kind in ('export', 'destroy', 'apply')),
    -- A customer; of `apply` a retention class.
    object_id text not null,
    case_id text,
    reason text not null default '',
    asked_at timestamptz not null default now(),
    asked_by text not null,
    asked_role text not null,
    -- What cannot be taken back is agreed to by a second person.
    approved_at timestamptz,
    approved_by text,
    state text not null check (state in ('proposed', 'waiting', 'running', 'done', 'failed', 'dropped')),
    started_at timestamptz,
    done_count bigint,
    of_count bigint,
    finished_at timestamptz,
    -- Why it was not done, in words.
    problem text,
    -- Certificates, counts.
    result jsonb not null default '{}',
    check (kind = 'destroy' or state <> 'proposed'),
    check (kind <> 'destroy' or state in ('proposed', 'dropped') or approved_by is not null and approved_by <> asked_by)
);
create index tasks_unfinished on privacy.tasks (asked_at) where state in ('proposed', 'waiting', 'running');

-- What people were told when their information was collected (APP 5). A version holds until the next one of its channel begins.
create table privacy.collection_notices (
    channel text not null,
    version integer not null,
    words text not null check (words <> ''),
    begins_at timestamptz not null,
    made_at timestamptz not null default now(),
    made_by text not null,
    primary key (channel, version)
);

grant select, insert, update on privacy.cases, privacy.incidents to crm_app;
grant select, insert, update (state, approved_at, approved_by) on privacy.tasks to crm_app;
grant select, insert on privacy.collection_notices to crm_app;
grant select, update, delete on privacy.cases, privacy.incidents, privacy.tasks to crm_destroyer;
grant usage on schema privacy to crm_loader;
grant select (task_id, state) on privacy.tasks to crm_loader;

create function privacy.tell_tasks() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.state = 'waiting' and (tg_op = 'INSERT' or old.state <> 'waiting') then
        perform pg_notify('crm_asked', 'privacy ' || new.task_id);
    end if;
    return null;
end $$;
create trigger tasks_are_asked after insert or update on privacy.tasks for each row execute function privacy.tell_tasks();
create trigger tasks_are_told after insert or update or delete on privacy.tasks for each statement execute function crm.tell_health();
create trigger cases_are_told after insert or update or delete on privacy.cases for each statement execute function crm.tell_health();
create trigger incidents_are_told after insert or update or delete on privacy.incidents for each statement execute function crm.tell_health();
