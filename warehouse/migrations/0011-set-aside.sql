-- Raw rows that the database could not fold: the models pass them over, and marts.outcomes says why. Written by the fold when it has found
-- the one row that makes a batch fail; a replay takes rows out again. Kept apart from what dbt builds, because a rebuild must pass over
-- the same rows.
create table canonical.set_aside (
    -- `raw.webhook_deliveries`, or a table of a history: `raw_<channel>.<table>`.
    raw_table text not null,
    -- delivery_id or _dlt_id.
    row_id text not null,
    channel text not null,
    connection_id text,
    received_at timestamptz,
    -- The database's own sentence, without values of the row. Null only while a fold looks for the culprit, never in a committed row.
    reason text,
    -- Of the fold that set it aside.
    transaction_id xid8 not null default pg_current_xact_id(),
    primary key (raw_table, row_id)
);
alter table canonical.set_aside owner to crm_transformer;
grant select on canonical.set_aside to crm_app, crm_loader;
