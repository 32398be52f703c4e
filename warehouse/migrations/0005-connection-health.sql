-- How our calls to each provider go. Receiving never depends on it.
create table jobs.connection_health (
    connection_id text not null,
    -- pull or watch
    job text not null,
    last_started_at timestamptz,
    last_succeeded_at timestamptz,
    last_failed_at timestamptz,
    -- The newest failure in words, null again after a success.
    error text,
    detail jsonb not null default '{}',
    primary key (connection_id, job)
);
alter table jobs.connection_health owner to crm_loader;
grant select on jobs.connection_health to crm_transformer, crm_app;
