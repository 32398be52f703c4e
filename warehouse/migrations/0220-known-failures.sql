-- Why a job of the worker failed, in the words of that failure, whichever job it was. Beside the queue's own tables, which know that it failed
-- and not why; gone when the queue forgets the job.
create table jobs.failures (
    job_id bigint primary key,
    failed_at timestamptz not null default now(),
    words text not null
);
alter table jobs.failures owner to crm_loader;
grant select on jobs.failures to crm_app;

-- What the worker finds of this installation as providers see it: whether they can call it, and whether its clock is theirs.
create table jobs.outside (
    what text primary key,
    checked_at timestamptz not null default now(),
    -- In words, and since when; empty where nothing is wrong.
    problem text not null default '',
    since timestamptz
);
alter table jobs.outside owner to crm_loader;
grant select on jobs.outside to crm_app;
create trigger outside_is_told after insert or update on jobs.outside for each statement execute function crm.tell_health();
