-- Raw rows that the database could not fold: the models pass them over, and marts.outcomes says why. Written by the fold when it has found
-- the one row that makes a batch fail; a replay takes rows out again. Kept apart from what dbt builds, because a rebuild must pass over
-- the same rows.
create table canonical.set_aside (
    -- `raw.webhook_deliveries`, or a table of a history: `raw_<channel>.<table>`.
    raw_table text not null,
    -- delivery_id or _dlt_id.
    row_id text not null,
    -- The database's own sentence, without values of the row.
    reason text not null,
    set_aside_at timestamptz not null default now(),
    primary key (raw_table, row_id)
);
alter table canonical.set_aside owner to crm_transformer;
grant select on canonical.set_aside to crm_app, crm_loader;
