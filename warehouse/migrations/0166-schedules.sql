-- What the worker does by the clock, for the page about jobs: it writes its schedule when it starts.
create table jobs.schedules (
    task text primary key,
    -- Minute, hour, day of the month, month, day of the week, in UTC.
    cron text not null
);
alter table jobs.schedules owner to crm_loader;
grant select on jobs.schedules to crm_app;
